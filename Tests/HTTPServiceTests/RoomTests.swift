import Auth
import HTTPService
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Primitives
import RoomService
import Rooms
import Testing

@Suite("Rooms in the API, and the door to signaling")
struct RoomTests {
    private let store = MemoryRoomStore()

    private func enter(
        _ text: String, namespace: String? = nil, name: String? = nil
    ) async throws -> RoomDirectory.Place {
        var room = RoomName(name: try #require(StreamName(text)))
        if let namespace { room.namespace = try #require(Namespace(namespace)) }
        return try await store.join(.init(room: room, role: .subscriber, holder: "test", name: name)) {}
    }

    @Test func `rooms are listed, shown and closed`() async throws {
        let client = await Client(rooms: store)
        _ = try await enter("lobby", name: "Ada")
        _ = try await enter("lobby", namespace: "acme")
        #expect(
            try await client.send(.get, "/api/v1/rooms").text
                == #"{"rooms":[{"namespace":"acme","participants":1,"room":"lobby"},{"namespace":"default","participants":1,"room":"lobby"}]}"#
        )
        #expect(
            try await client.send(.get, "/api/v1/rooms?namespace=acme").text
                == #"{"rooms":[{"namespace":"acme","participants":1,"room":"lobby"}]}"#)
        let shown = try await client.send(.get, "/api/v1/rooms/lobby").object
        let people = try #require(shown["participants"] as? [[String: Any]])
        #expect(people.map { $0["name"] as? String } == ["Ada"])
        #expect(try await client.send(.delete, "/api/v1/rooms/lobby").status == .noContent)
        try expectProblem(try await client.send(.get, "/api/v1/rooms/lobby"), 404, "unknown-room")
        try expectProblem(try await client.send(.delete, "/api/v1/rooms/lobby"), 404, "unknown-room")
        #expect(try await client.send(.get, "/api/v1/rooms/lobby?namespace=acme").status == .ok)
        try expectProblem(try await client.send(.get, "/api/v1/rooms?namespace=a.b"), 400, "bad-namespace")
    }

    @Test func `a participant is sent away, out of its own room alone`() async throws {
        let client = await Client(rooms: store)
        let place = try await enter("lobby")
        _ = try await enter("other")
        let path = "participants/\(place.participant)"
        try expectProblem(
            try await client.send(.delete, "/api/v1/rooms/other/\(path)"), 404, "unknown-participant")
        #expect(try await client.send(.delete, "/api/v1/rooms/lobby/\(path)").status == .noContent)
        #expect(
            await store.next(for: place.participant, connection: place.connection) == .ended(.kicked, reason: nil))
        try expectProblem(
            try await client.send(.get, "/api/v1/rooms/lobby/\(path)"), 405, "method-not-allowed")
    }

    @Test func `an administrator of one room sees that one`() async throws {
        let client = await Client(rooms: store)
        _ = try await enter("lobby")
        _ = try await enter("lobby", namespace: "acme")
        let elsewhere = Client.elsewhere
        try expectProblem(
            try await client.send(.get, "/api/v1/rooms", from: elsewhere), 401, "credential-missing")
        let own = try await client.token("lobby", [.admin])
        #expect(try await client.send(.get, "/api/v1/rooms/lobby", from: elsewhere, token: own).status == .ok)
        for path in ["/api/v1/rooms", "/api/v1/rooms/lobby?namespace=acme"] {
            try expectProblem(
                try await client.send(.get, path, from: elsewhere, token: own), 403, "stream-not-allowed")
        }
        let tenant = try await client.token("acme.*", [.admin])
        #expect(
            try await client.send(.get, "/api/v1/rooms/lobby?namespace=acme", from: elsewhere, token: tenant).status
                == .ok)
    }

    @Test func `who cannot have a WebSocket is told why`() async throws {
        let client = await Client(
            configuration: HTTPServiceConfiguration(corsOrigins: ["https://friend.example"]), rooms: store)
        let upgrade: HTTPFields = [.secWebSocketKey: "dGhlIHNhbXBsZSBub25jZQ=="]
        func ask(_ fields: HTTPFields) async throws -> TestResponse {
            try await client.send(.get, "/signaling", fields)
        }
        let plain = try await ask([:])
        try expectProblem(plain, 426, "upgrade-required")
        #expect(plain.headers[.upgrade] == "websocket")
        try expectProblem(try await ask(upgrade), 400, "unknown-subprotocol")
        var foreign = upgrade
        foreign[.origin] = "https://evil.example"
        try expectProblem(try await ask(foreign), 403, "origin-not-allowed")
        foreign[.origin] = "https://friend.example"
        try expectProblem(try await ask(foreign), 400, "unknown-subprotocol")
        client.readiness.change(to: .draining)
        try expectProblem(try await ask(upgrade), 503, "draining")
        try expectProblem(try await Client().send(.get, "/signaling", upgrade), 404, "not-found")
    }

    @Test func `who cannot have an event stream is told why, and nothing is posted to nobody`() async throws {
        let client = await Client(
            configuration: HTTPServiceConfiguration(
                corsOrigins: ["https://friend.example"], limits: .init(postsPerMinute: 1, postsBurst: 1)), rooms: store)
        let (path, nobody) = ("/signaling/events", "/signaling/connections/0123456789abcdef0123456789abcdef")
        try expectProblem(
            try await client.send(.get, path, [.origin: "https://evil.example"]), 403, "origin-not-allowed")
        let preflight = try await client.send(.options, nobody, [.origin: "https://friend.example"])
        #expect(preflight.headers[.accessControlAllowOrigin] == "https://friend.example")
        #expect(preflight.headers[.allow] == "OPTIONS, POST")
        #expect(preflight.headers[.acceptPost] == "application/json, application/x-ndjson, application/octet-stream")
        try expectProblem(
            try await client.send(.post, nobody, [.contentType: "application/json"], body: "{}"), 404,
            "unknown-connection")
        try expectProblem(try await client.send(.get, nobody), 405, "method-not-allowed")
        let head = try await client.send(.head, path)
        #expect(head.status == .ok)
        #expect(head.headers[.contentType] == "text/event-stream")
        client.readiness.change(to: .draining)
        try expectProblem(try await client.send(.get, path), 503, "draining")
        try expectProblem(try await Client().send(.get, path), 404, "not-found")
    }
}

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
}

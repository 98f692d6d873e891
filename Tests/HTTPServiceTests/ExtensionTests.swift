import Gateway
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Primitives
import Testing

@Suite("Extensions of WHEP")
struct ExtensionTests {
    static let json: HTTPFields = [.contentType: "application/json"]
    static let layer = "/whep/cam/session-1/layer"
    static let events = "/whep/cam/session-1/events"
    static let stream = "/whep/cam/session-1/events/events-1"

    // MARK: Links

    @Test func `a session links its events, and its layers where there are some`() async throws {
        let client = await Client()
        let plain = try await client.send(.post, "/whep/cam", Client.sdp, body: "v=0").headers[values: .link]
        #expect(
            plain == [
                "<\(Self.events)>; rel=\"urn:ietf:params:whep:ext:core:server-sent-events\"; "
                    + "events=\"active,inactive,viewercount,reconnect\""
            ])
        client.gateway.offerLayers()
        let layered = try await client.send(.post, "/whep/cam", Client.sdp, body: "v=0").headers[values: .link]
        #expect(
            layered == [
                "<\(Self.events)>; rel=\"urn:ietf:params:whep:ext:core:server-sent-events\"; "
                    + "events=\"active,inactive,layers,viewercount,reconnect\"",
                "<\(Self.layer)>; rel=\"urn:ietf:params:whep:ext:core:layer\"",
            ])
    }

    @Test func `a publisher's session has no links of extensions`() async throws {
        let answer = try await Client().send(.post, "/whip/cam", Client.sdp, body: "v=0")
        #expect(answer.status == .created && answer.headers[values: .link].isEmpty)
    }

    @Test(arguments: [layer, events, stream])
    func `browsers of other sites may use an extension, and it tells its methods`(path: String) async throws {
        let answer = try await Client().send(.options, path, from: Client.elsewhere)
        #expect(answer.status == .ok)
        #expect(answer.headers[.accessControlAllowOrigin] == "*")
        #expect(answer.headers[.acceptPost] == (path == Self.stream ? nil : "application/json"))
        #expect(answer.headers[.allow] == (path == Self.stream ? "DELETE, GET, HEAD, OPTIONS" : "OPTIONS, POST"))
        let wrong = try await Client().send(.put, path)
        try expectProblem(wrong, 405, "method-not-allowed")
        #expect(wrong.headers[.accessControlAllowOrigin] == "*")
    }

    // MARK: Layers

    static let choices = [
        ("{\"mediaId\":\"0\",\"rid\":\"h\"}", "0:h"), ("{\"mediaId\":1,\"rid\":\"h\"}", "1:h"),
        ("{\"rid\":\"m\"}", "first:m"),
        ("{\"mediaId\":\"1\",\"encodingId\":\"l\"}", "1:l"), ("{\"mediaId\":\"0\"}", "0:automatic"),
        ("{}", "first:automatic"),
        ("{\"rid\":null,\"future\":true}", "first:automatic"),
        ("{\"encodingId\":\"h\",\"temporalLayerId\":1}", "first:hT1"),
        ("{\"mediaId\":\"1\",\"spatialLayerId\":2,\"temporalLayerId\":0}", "1:automaticS2T0"),
        ("{\"maxSpatialLayerId\":0,\"maxTemporalLayerId\":99}", "first:automatics0t99"),
    ]

    @Test(arguments: choices)
    func `a layer is chosen by its name, and without one the choice is the gateway's`(
        body: String, choice: String
    ) async throws {
        let client = await Client()
        let answer = try await client.send(.post, Self.layer, Self.json, body: body, from: Client.elsewhere)
        #expect(answer.status == .ok)
        #expect(client.gateway.calls.map { String(decoding: $0.body, as: UTF8.self) } == [choice])
    }

    @Test(arguments: [
        "", "{", "[]", "\"h\"", "{\"rid\":5}", "{\"mediaId\":\"video\"}", "{\"mediaId\":[0]}", "{\"mediaId\":0.5}",
        "\u{0}", "{\"spatialLayerId\":-1}", "{\"maxTemporalLayerId\":-1}", "{\"temporalLayerId\":\"1\"}",
        "{\"maxSpatialLayerId\":0.5}",
    ])
    func `a choice that is none is refused`(body: String) async throws {
        let client = await Client()
        let answer = try await client.send(.post, Self.layer, Self.json, body: body)
        try expectProblem(answer, 400, "malformed-layer-choice")
        #expect(client.gateway.calls.isEmpty)
    }

    @Test(arguments: ["maxWidth", "maxHeight"])
    func `a constraint that is not understood is not ignored`(name: String) async throws {
        let answer = try await Client().send(.post, Self.layer, Self.json, body: "{\"rid\":\"h\",\"\(name)\":1}")
        try expectProblem(answer, 400, "unsupported-layer-constraint")
    }

    @Test func `a choice needs its media type, its session and a layer that exists`() async throws {
        let client = await Client()
        let untyped = try await client.send(.post, Self.layer, Client.sdp, body: "{}")
        try expectProblem(untyped, 415, "unsupported-media-type")
        #expect(untyped.headers[.acceptPost] == "application/json")
        let unknown = try await client.send(.post, "/whep/cam/none/layer", Self.json, body: "{}")
        try expectProblem(unknown, 404, "unknown-session")
        client.gateway.refuse(with: GatewayRefusal(.unknownLayer, "It has: h, l."))
        try expectProblem(
            try await client.send(.post, Self.layer, Self.json, body: "{\"rid\":\"x\"}"), 404, "unknown-layer")
        let long = String(repeating: " ", count: 65 << 10)
        try expectProblem(try await client.send(.post, Self.layer, Self.json, body: long), 413, "content-too-large")
    }

    @Test func `a body that is made to be costly is refused like any other`() async throws {
        let client = await Client()
        for body in [
            String(repeating: "[", count: 60_000), String(repeating: "{\"rid\":", count: 8000), "{\"mediaId\":1e400}",
            "{\"mediaId\":99999999999999999999}", "{\"rid\":\"\\ud800\"}",
        ] {
            #expect(
                try await client.send(.post, Self.layer, Self.json, body: body).status == .badRequest,
                "\(body.prefix(30))")
            #expect(try await client.send(.post, Self.events, Self.json, body: body).status == .badRequest)
        }
        #expect(client.gateway.calls.isEmpty)
    }

    // MARK: Events

    @Test(arguments: [
        ("[\"active\",\"inactive\"]", "active inactive"), ("[\"layers\",\"scte35\",\"\"]", "layers"), ("[]", ""),
        (nil, "active inactive layers reconnect viewercount"),
    ])
    func `a stream of events tells what it was asked for`(body: String?, kinds: String) async throws {
        let client = await Client()
        let answer = try await client.send(.post, Self.events, Self.json, body: body, from: Client.elsewhere)
        #expect(answer.status == .created)
        #expect(answer.headers[.location] == Self.stream)
        #expect(client.gateway.calls.map { String(decoding: $0.body, as: UTF8.self) } == [kinds])
    }

    @Test(arguments: ["{", "{}", "\"active\"", "[1]", "[[\"active\"]]"])
    func `a list of events that is none is refused`(body: String) async throws {
        let client = await Client()
        try expectProblem(try await client.send(.post, Self.events, Self.json, body: body), 400, "malformed-event-list")
        try expectProblem(
            try await client.send(.post, Self.events, Client.sdp, body: body), 415, "unsupported-media-type")
        #expect(client.gateway.calls.isEmpty)
    }

    @Test func `events are written one by one, each with its data on one line`() async throws {
        let client = await Client()
        let events: [ViewerEvent] = [
            .active, .viewerCount(3),
            .layers([
                1: [.init(name: "h\n\"", bitrate: 900_000, width: 1280, height: 720), .init(name: "l", bitrate: 0)],
                2: [.init(name: "S1T2", bitrate: 9, spatial: 1, temporal: 2)],
            ]),
            .reconnect(url: "https://b.example/whep/cam"),
        ]
        for event in events { client.gateway.queue.post(event) }
        client.gateway.queue.close()
        let answer = try await client.send(.get, Self.stream, from: Client.elsewhere)
        #expect(answer.status == .ok)
        #expect(answer.headers[.contentType] == "text/event-stream")
        #expect(answer.headers[.cacheControl] == "no-store")
        #expect(answer.headers[.accessControlAllowOrigin] == "*")
        #expect(
            answer.text == """
                :

                event: active
                data: {}

                event: viewercount
                data: {"viewercount":3}

                event: layers
                data: {"1":[{"rid":"h\\n\\"","bitrate":900000,"width":1280,"height":720},{"rid":"l","bitrate":0}],\
                "2":[{"rid":"S1T2","bitrate":9,"spatialLayerId":1,"temporalLayerId":2}]}

                event: reconnect
                data: {"url":"https://b.example/whep/cam"}


                """)
    }

    @Test func `an idle stream of events shows that it lives`() async throws {
        let client = await Client()
        async let answer = client.send(.get, Self.stream)
        while client.gateway.calls.isEmpty { await Task.yield() }
        client.gateway.queue.beat()
        client.gateway.queue.post(.reconnect(url: nil))
        client.gateway.queue.close()
        let text = try await answer.text
        #expect(text.hasPrefix(":\n\n") && text.hasSuffix("event: reconnect\ndata: {}\n\n"))
    }

    @Test func `a stream of events is ended, and one that is not there is 404`() async throws {
        let client = await Client()
        #expect(try await client.send(.delete, Self.stream).status == .ok)
        #expect(try await client.send(.head, Self.stream).headers[.contentType] == "text/event-stream")
        #expect(client.gateway.calls.map(\.what) == ["close", "events"])
        try expectProblem(try await client.send(.get, Self.events + "/other"), 404, "unknown-event-stream")
        try expectProblem(try await client.send(.get, "/whep/cam/none/events/events-1"), 404, "unknown-session")
        client.gateway.refuse(with: GatewayRefusal(.tooManyEventStreams, "Close one."))
        try expectProblem(try await client.send(.post, Self.events), 429, "too-many-event-streams")
    }

    @Test(arguments: [layer, events, stream])
    func `a credential that is presented must be good`(path: String) async throws {
        let client = await Client()
        let method: HTTPRequest.Method = path == Self.stream ? .get : .post
        let answer = try await client.send(method, path, Self.json, body: "{}", token: Secret("wrong"))
        #expect(answer.status == .unauthorized)
        #expect(client.gateway.calls.isEmpty)
    }

    @Test(arguments: [
        "/whip/cam/session-1/layer", "/whip/cam/session-1/events", "/whep/cam/session-1/other", "\(events)/a/b",
    ])
    func `there is nothing beside them`(path: String) async throws {
        try expectProblem(try await Client().send(.post, path, Self.json, body: "{}"), 404, "not-found")
    }
}

@Suite("Sessions of a stream")
struct ViewerListTests {
    private static let path = "/api/v1/streams/cam/sessions"

    private static func viewers(_ count: Int) -> [ViewerStatus] {
        (0..<count).map { number in
            ViewerStatus(
                id: "viewer-\(1000 + number)", since: "2026-11-22T23:40:00Z", isConnected: true,
                path: .init(family: "ipv6", transport: "tcp"), estimate: 2_500_000, limitedBy: "delay",
                roundTripSeconds: 0.04,
                loss: 0.01,
                layer: "h")
        }
    }

    @Test func `a viewer is shown with its path and what that carries`() async throws {
        let client = await Client()
        client.gateway.show(Self.viewers(1))
        let answer = try await client.send(.get, Self.path).object
        let session = try #require((answer["sessions"] as? [[String: Any]])?.first)
        #expect(session["id"] as? String == "viewer-1000" && session["layer"] as? String == "h")
        #expect((session["path"] as? [String: String]) == ["family": "ipv6", "transport": "tcp"])
        #expect(session["estimate"] as? Int == 2_500_000 && session["limitedBy"] as? String == "delay")
        #expect(session["isPaused"] as? Bool == false && answer["next"] == nil)
    }

    @Test func `there are a hundred on a page unless more or fewer are asked for`() async throws {
        let client = await Client()
        client.gateway.show(Self.viewers(250))
        var seen: [String] = []
        var query = ""
        repeat {
            let answer = try await client.send(.get, Self.path + query).object
            let page = try #require(answer["sessions"] as? [[String: Any]])
            #expect(page.count <= 100)
            seen += page.compactMap { $0["id"] as? String }
            query = (answer["next"] as? String).map { "?after=\($0)" } ?? ""
        } while !query.isEmpty
        #expect(seen.count == 250 && Set(seen).count == 250)
        let few = try await client.send(.get, Self.path + "?limit=3&after=viewer-1001").object
        #expect((few["sessions"] as? [[String: Any]])?.count == 3 && few["next"] as? String == "viewer-1004")
    }

    @Test(arguments: ["0", "-1", "501", "many", "", "99999999999999999999"])
    func `a page has bounds`(limit: String) async throws {
        try expectProblem(try await Client().send(.get, Self.path + "?limit=\(limit)"), 400, "bad-limit")
    }

    @Test func `who may not look after the gateway may not look at its viewers`() async throws {
        let client = await Client()
        #expect(try await client.send(.get, Self.path, from: Client.elsewhere).status == .unauthorized)
        try expectProblem(try await client.send(.get, "/api/v1/streams/none/sessions"), 404, "unknown-stream")
    }
}

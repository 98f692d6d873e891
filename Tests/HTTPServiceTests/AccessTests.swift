import Auth
import Gateway
import HTTPService
import HTTPTypes
import HummingbirdTesting
import Primitives
import Testing

@Suite("Access over HTTP")
struct AccessTests {
    @Test func `programs on this machine publish without a credential`() async throws {
        let client = await Client()
        #expect(try await client.send(.post, "/whip/cam", Client.sdp, body: "v=0").status == .created)
        #expect(client.gateway.calls.first?.identity == .loopback)
    }

    static let foreign: [HTTPFields] = [
        [.forwardedFor: "203.0.113.9"], [.forwarded: "for=203.0.113.9"], [.origin: "https://evil.example"],
        [.origin: "null"], [.origin: "http://localhost:3000"],
    ]

    @Test(arguments: foreign)
    func `whoever comes through a proxy or from a foreign page needs one`(fields: HTTPFields) async throws {
        let client = await Client()
        var fields = fields
        fields[.contentType] = "application/sdp"
        let answer = try await client.send(.post, "/whip/cam", fields, body: "v=0")
        let detail = try expectProblem(answer, 401, "credential-missing")
        #expect(detail.contains("martlet token create --stream cam --allow publish"))
        #expect(answer.headers[.wwwAuthenticate] == "Bearer realm=\"martlet\"")
        #expect(client.gateway.calls.isEmpty)
    }

    @Test func `others publish with a token and are known by it`() async throws {
        let client = await Client()
        let token = try await client.token("cam", [.publish])
        let answer = try await client.send(
            .post, "/whip/cam", Client.sdp, body: "v=0", from: Client.elsewhere, token: token)
        #expect(answer.status == .created)
        guard case .credential(let digest)? = client.gateway.calls.first?.identity else {
            Issue.record("a token is a credential")
            return
        }
        #expect(!token.revealed.contains(digest))
        let other = try await client.send(
            .post, "/whip/other", Client.sdp, body: "v=0", from: Client.elsewhere, token: token)
        try expectProblem(other, 403, "stream-not-allowed")
        #expect(other.headers[.wwwAuthenticate]?.contains("insufficient_scope") == true)
    }

    @Test(arguments: ["Bearer not.a.token", "Bearer ", "Bearer", "Basic dXNlcjpwYXNz", "not.a.token", ""])
    func `a credential that is no good is refused even on this machine`(value: String) async throws {
        let client = await Client()
        for path in ["/whip/cam", "/whep/cam"] {
            var fields = Client.sdp
            fields[.authorization] = value
            let answer = try await client.send(.post, path, fields, body: "v=0")
            try expectProblem(answer, 401, "credential-malformed")
            #expect(!answer.text.contains("not.a.token"))
        }
        #expect(client.gateway.calls.isEmpty)
    }

    @Test func `an expired token says so`() async throws {
        let client = await Client()
        let token = try await client.token("*", [.play], lifetime: .seconds(-1))
        let answer = try await client.send(.post, "/whep/cam", Client.sdp, body: "v=0", token: token)
        try expectProblem(answer, 401, "credential-expired")
        #expect(answer.headers[.wwwAuthenticate]?.contains("invalid_token") == true)
        #expect(!answer.text.contains(token.revealed))
    }

    @Test func `two credentials at once are refused`() async throws {
        let client = await Client()
        var fields = Client.sdp
        fields.append(HTTPField(name: .authorization, value: "Bearer a"))
        fields.append(HTTPField(name: .authorization, value: "Bearer b"))
        try expectProblem(try await client.send(.post, "/whip/cam", fields, body: "v=0"), 401, "credential-malformed")
    }

    @Test func `the path of a session is the right to it, but a wrong credential is not`() async throws {
        let client = await Client(policy: AccessPolicy(publish: .nobody, play: .nobody))
        #expect(try await client.send(.delete, "/whep/cam/session-1", from: Client.elsewhere).status == .ok)
        let wrong = try await client.send(
            .delete, "/whep/cam/session-1", from: Client.elsewhere, token: Secret("wrong"))
        try expectProblem(wrong, 401, "credential-malformed")
        #expect(client.gateway.calls.count == 1)
    }

    @Test(arguments: ["/api/v1/streams", "/api/v1/streams/cam", "/api/v1/streams/cam/stats", "/metrics"])
    func `what shows the inside is for this machine or a token`(path: String) async throws {
        let client = await Client()
        client.gateway.show([.live("cam")])
        #expect(try await client.send(.get, path).status == .ok)
        try expectProblem(try await client.send(.get, path, from: Client.elsewhere), 401, "credential-missing")
        let admin = try await client.token("*", [.admin])
        #expect(try await client.send(.get, path, from: Client.elsewhere, token: admin).status == .ok)
        let player = try await client.token("*", [.play, .publish])
        try expectProblem(
            try await client.send(.get, path, from: Client.elsewhere, token: player), 403, "permission-not-allowed")
    }
}

@Suite("Limits over HTTP")
struct LimitTests {
    private let configuration = HTTPServiceConfiguration(
        limits: .init(postsPerMinute: 60, postsBurst: 5))

    private func post(_ client: Client, from peer: String) async throws -> TestResponse {
        try await client.send(.post, "/whep/cam", Client.sdp, body: "v=0", from: peer)
    }

    @Test func `too many offers of one address wait, others do not`() async throws {
        let client = await Client(configuration: configuration)
        for _ in 0..<5 { #expect(try await post(client, from: Client.elsewhere).status == .created) }
        let refused = try await post(client, from: Client.elsewhere)
        try expectProblem(refused, 429, "too-many-requests")
        #expect(refused.headers[.retryAfter] == "1")
        #expect(refused.headers[.accessControlAllowOrigin] == "*")
        #expect(try await post(client, from: "192.0.2.8").status == .created)
        client.advance(by: .seconds(1))
        #expect(try await post(client, from: Client.elsewhere).status == .created)
    }

    @Test func `requests of every kind are counted, but for probes`() async throws {
        let client = await Client(
            configuration: HTTPServiceConfiguration(limits: .init(requestsPerMinute: 60, requestsBurst: 3)))
        for path in ["/", "/nothing", "/hls/cam/index.m3u8"] {
            #expect(try await client.send(.get, path, from: Client.elsewhere).status != .tooManyRequests)
        }
        let refused = try await client.send(.get, "/", from: Client.elsewhere)
        try expectProblem(refused, 429, "too-many-requests")
        #expect(refused.headers[.retryAfter] == "1")
        for path in ["/health/live", "/health/ready"] {
            for _ in 0..<5 { #expect(try await client.send(.get, path, from: Client.elsewhere).status == .ok) }
        }
        #expect(try await client.send(.get, "/", from: "192.0.2.8").status == .ok)
        #expect(try await client.send(.get, "/").status == .ok)
        client.advance(by: .seconds(1))
        #expect(try await client.send(.get, "/", from: Client.elsewhere).status == .ok)
    }

    @Test func `a token that is used everywhere is limited by itself`() async throws {
        let client = await Client(
            policy: AccessPolicy(play: .nobody),
            configuration: HTTPServiceConfiguration(limits: .init(sessionsPerMinute: 60, sessionsBurst: 2)))
        let (shared, other) = (try await client.token("cam", [.play]), try await client.token("cam", [.play]))
        for host in 1...2 {
            let answer = try await client.send(
                .post, "/whep/cam", Client.sdp, body: "v=0", from: "192.0.2.\(host)", token: shared)
            #expect(answer.status == .created)
        }
        let refused = try await client.send(
            .post, "/whep/cam", Client.sdp, body: "v=0", from: "192.0.2.3", token: shared)
        try expectProblem(refused, 429, "token-overused")
        #expect(refused.headers[.retryAfter] == "1")
        let another = try await client.send(
            .post, "/whep/cam", Client.sdp, body: "v=0", from: "192.0.2.3", token: other)
        #expect(another.status == .created)
    }

    @Test func `this machine has no limits unless told so`() async throws {
        let client = await Client(configuration: configuration)
        for _ in 0..<20 { #expect(try await post(client, from: Client.here).status == .created) }
        var strict = configuration
        strict.limits.includeLoopback = true
        let limited = await Client(configuration: strict)
        var last = 0
        for _ in 0..<6 { last = try await post(limited, from: Client.here).status.code }
        #expect(last == 429)
    }

    @Test func `guessing credentials ends in waiting, even for the right one`() async throws {
        let client = await Client(guessesPerMinute: 3)
        let good = try await client.token("*", [.admin])
        for _ in 0..<3 {
            let answer = try await client.send(.get, "/metrics", from: Client.elsewhere, token: Secret("guess"))
            #expect(answer.status == .unauthorized)
        }
        for token in [Secret("guess"), good] {
            let answer = try await client.send(.get, "/metrics", from: Client.elsewhere, token: token)
            try expectProblem(answer, 429, "too-many-failures")
        }
        client.advance(by: .seconds(20))
        #expect(try await client.send(.get, "/metrics", from: Client.elsewhere, token: good).status == .ok)
    }

    @Test func `asking without a credential is no guess`() async throws {
        let client = await Client(guessesPerMinute: 3)
        for _ in 0..<10 {
            #expect(try await client.send(.get, "/metrics", from: Client.elsewhere).status == .unauthorized)
        }
    }
}

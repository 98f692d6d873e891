import Auth
import Gateway
import HTTPService
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Primitives
import Telemetry
import Testing

@Suite("WHIP and WHEP")
struct SessionTests {
    @Test(arguments: [("/whip/cam", "publish"), ("/whep/cam", "play")])
    func `an offer makes a session with an address and a tag`(path: String, call: String) async throws {
        let client = await Client()
        let answer = try await client.send(.post, path, Client.sdp, body: "v=0 offer")
        #expect(answer.status == .created)
        #expect(answer.headers[.contentType] == "application/sdp")
        #expect(answer.headers[.location] == "\(path)/session-1")
        #expect(answer.headers[.eTag] == "\"tag\"")
        #expect(answer.text == "v=0 answer")
        #expect(client.gateway.calls.map(\.what) == [call])
        #expect(client.gateway.calls.first?.stream == "cam")
        #expect(client.gateway.calls.first?.body == Array("v=0 offer".utf8))
    }

    @Test(arguments: ["application/sdp", "Application/SDP", "application/sdp; charset=utf-8", "application/sdp ;x=y"])
    func `parameters and case of the media type do not matter`(type: String) async throws {
        let client = await Client()
        #expect(try await client.send(.post, "/whep/cam", [.contentType: type], body: "v=0").status == .created)
    }

    @Test(arguments: ["text/plain", "", "application/sdpx", "application/json"])
    func `another media type is refused with the right one`(type: String) async throws {
        let client = await Client()
        let answer = try await client.send(.post, "/whep/cam", [.contentType: type], body: "v=0")
        try expectProblem(answer, 415, "unsupported-media-type")
        #expect(answer.headers[.acceptPost] == "application/sdp")
        #expect(client.gateway.calls.isEmpty)
    }

    @Test func `a body beyond 64 KB is refused unread`() async throws {
        let client = await Client()
        let most = String(repeating: "x", count: 64 << 10)
        #expect(try await client.send(.post, "/whep/cam", Client.sdp, body: most).status == .created)
        try expectProblem(
            try await client.send(.post, "/whep/cam", Client.sdp, body: most + "x"), 413, "content-too-large")
        #expect(client.gateway.calls.count == 1)
    }

    static let refusals: [(GatewayRefusal, Int)] = [
        (GatewayRefusal(.malformedOffer, "The offer has no fingerprint."), 400),
        (GatewayRefusal(.notPublishing, "Nobody publishes.", retryAfter: .milliseconds(1500)), 409),
        (GatewayRefusal(.alreadyPublishing, "Taken.", retryAfter: .seconds(2)), 409),
        (GatewayRefusal(.noCommonCodec, "No codec fits."), 406),
        (GatewayRefusal(.reorderedVideo, "Turn B-frames off."), 406),
        (GatewayRefusal(.draining, "Going away.", retryAfter: .seconds(5)), 503),
        (GatewayRefusal(.overloaded, "Full.", retryAfter: .zero), 503),
        (GatewayRefusal(.internalFailure, "Sorry."), 500),
    ]

    @Test(arguments: refusals)
    func `a refusal of the gateway becomes a problem`(refusal: GatewayRefusal, status: Int) async throws {
        let client = await Client()
        client.gateway.refuse(with: refusal)
        let answer = try await client.send(.post, "/whep/cam", Client.sdp, body: "v=0")
        let detail = try expectProblem(answer, status, refusal.code.name)
        #expect(detail == refusal.message)
        #expect((answer.headers[.retryAfter] != nil) == (refusal.retryAfter != nil))
        if let seconds = answer.headers[.retryAfter] { #expect(try #require(Int(seconds)) >= 1) }
        #expect(await client.metrics.scrape().contains("martlet_refusals_total{reason=\"\(refusal.code.name)\"} 1\n"))
    }

    @Test func `waiting is written in whole seconds, rounded up`() async throws {
        let client = await Client()
        client.gateway.refuse(with: GatewayRefusal(.notPublishing, "x", retryAfter: .milliseconds(1500)))
        #expect(try await client.send(.post, "/whep/cam", Client.sdp, body: "v=0").headers[.retryAfter] == "2")
    }

    @Test func `a session takes candidates and an end`() async throws {
        let client = await Client()
        let fragment: HTTPFields = [.contentType: "application/trickle-ice-sdpfrag", .ifMatch: "\"tag\""]
        let trickled = try await client.send(.patch, "/whep/cam/session-1", fragment, body: "a=candidate")
        #expect(trickled.status == .noContent)
        #expect(trickled.body.readableBytes == 0)
        #expect(try await client.send(.delete, "/whep/cam/session-1").status == .ok)
        #expect(client.gateway.calls.map(\.what) == ["trickle", "end"])
    }

    @Test func `an unknown session is 404, whatever is sent to it`() async throws {
        let client = await Client()
        try expectProblem(try await client.send(.delete, "/whip/cam/nothing"), 404, "unknown-session")
        try expectProblem(
            try await client.send(.patch, "/whip/cam/nothing", [.contentType: "text/plain"]), 404, "unknown-session")
    }

    @Test func `a fragment of another media type is refused with the right one`() async throws {
        let client = await Client()
        let answer = try await client.send(.patch, "/whep/cam/session-1", Client.sdp, body: "v=0")
        try expectProblem(answer, 415, "unsupported-media-type")
        #expect(answer.headers[.acceptPatch] == "application/trickle-ice-sdpfrag")
    }

    private func patch(_ client: Client, ifMatch fields: [String]) async throws -> TestResponse {
        var headers: HTTPFields = [.contentType: "application/trickle-ice-sdpfrag"]
        for value in fields { headers.append(HTTPField(name: .ifMatch, value: value)) }
        return try await client.send(.patch, "/whip/cam/session-1", headers, body: "a=candidate")
    }

    @Test(arguments: [["\"tag\""], ["*"], ["\"other\", \"tag\""], ["\"other\"", "\"tag\""], [" \"tag\" "]])
    func `a session is changed by whoever names its tag`(fields: [String]) async throws {
        let client = await Client()
        let answer = try await patch(client, ifMatch: fields)
        #expect(answer.status == .noContent)
        // A tag would say that there is a new state (RFC 9725 section 4.3.2).
        #expect(answer.headers[.eTag] == nil)
        #expect(client.gateway.calls.map(\.what) == ["trickle"])
    }

    @Test(arguments: [["\"other\""], ["W/\"tag\""], ["tag"], [""], ["*, \"other\""]])
    func `a session is not changed by whoever names another`(fields: [String]) async throws {
        let client = await Client()
        let answer = try await patch(client, ifMatch: fields)
        try expectProblem(answer, 412, "precondition-failed")
        #expect(answer.headers[.accessControlAllowOrigin] == "*")
        #expect(client.gateway.calls.isEmpty)
    }

    @Test func `a session is not changed without naming a tag, but it is ended`() async throws {
        let client = await Client()
        try expectProblem(try await patch(client, ifMatch: []), 428, "precondition-required")
        #expect(client.gateway.calls.isEmpty)
        let ended = try await client.send(.delete, "/whip/cam/session-1", [.ifMatch: "\"other\""])
        #expect(ended.status == .ok)
    }

    @Test func `what cannot be done with a session is a problem of its own`() async throws {
        let client = await Client()
        client.gateway.refuse(with: GatewayRefusal(.malformedFragment, "No fragment."))
        try expectProblem(try await patch(client, ifMatch: ["*"]), 400, "malformed-fragment")
    }

    @Test func `an ICE restart is answered with a fragment and a new tag`() async throws {
        let client = await Client()
        client.gateway.restart(with: SessionRestart(fragment: "a=ice-lite\r\n", entityTag: "\"next\""))
        let answer = try await patch(client, ifMatch: ["*"])
        #expect(answer.status == .ok)
        #expect(answer.headers[.contentType] == "application/trickle-ice-sdpfrag")
        #expect(answer.headers[.eTag] == "\"next\"")
        #expect(answer.headers[.cacheControl] == "no-store")
        #expect(String(buffer: answer.body) == "a=ice-lite\r\n")
    }

    @Test func `ICE servers stand in links, with credentials that end`() async throws {
        let configuration = HTTPServiceConfiguration(iceServers: [
            .init(url: "stun:stun.example.org:3478", access: .open),
            .init(url: "turn:turn.example.org", access: .sharedSecret(Secret("hunter2"))),
            .init(url: "turns:turn.example.org", access: .fixed(username: "me\"", credential: Secret("it"))),
        ])
        let client = await Client(configuration: configuration)
        let links = try await client.send(.post, "/whep/cam", Client.sdp, body: "v=0").headers[values: .link]
        try #require(links.count == 4)
        #expect(links[0] == "<stun:stun.example.org:3478>; rel=\"ice-server\"")
        #expect(links[1].hasPrefix("<turn:turn.example.org>; rel=\"ice-server\"; username=\""))
        #expect(links[1].contains(":loopback\"; credential=\"") && !links[1].contains("hunter2"))
        #expect(links[2].contains("username=\"me\\\"\"; credential=\"it\"; credential-type=\"password\""))
    }

    @Test func `OPTIONS names ICE servers to those who may have a session, and to nobody else`() async throws {
        let configuration = HTTPServiceConfiguration(iceServers: [
            .init(url: "turn:turn.example.org", access: .sharedSecret(Secret("hunter2")))
        ])
        let client = await Client(policy: AccessPolicy(play: .nobody), configuration: configuration)
        let stranger = try await client.send(.options, "/whep/cam", from: Client.elsewhere)
        #expect(stranger.status == .ok)
        #expect(stranger.headers[.link] == nil)
        let wrong = try await client.send(.options, "/whep/cam", from: Client.elsewhere, token: Secret("wrong"))
        #expect(wrong.status == .ok)
        #expect(wrong.headers[.link] == nil)
        let token = try await client.token("cam", [.play])
        let entitled = try await client.send(.options, "/whep/cam", from: Client.elsewhere, token: token)
        #expect(entitled.headers[.link]?.hasPrefix("<turn:turn.example.org>; rel=\"ice-server\"") == true)
        #expect(entitled.headers[.cacheControl] == "no-store")
        let other = try await client.send(.options, "/whip/cam", from: Client.elsewhere, token: token)
        #expect(other.headers[.link] == nil)
    }
}

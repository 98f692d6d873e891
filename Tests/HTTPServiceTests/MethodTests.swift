import Auth
import Gateway
import HTTPService
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Primitives
import Testing

@Suite("Addresses, methods and other origins")
struct MethodTests {
    @Test(arguments: ["/whip/cam", "/whep/cam"])
    func `an endpoint answers OPTIONS, HEAD and GET without a token`(path: String) async throws {
        let client = await Client(policy: AccessPolicy(publish: .nobody, play: .nobody))
        let options = try await client.send(.options, path, [.origin: "https://example.org"], from: Client.elsewhere)
        #expect(options.status == .ok)
        #expect(options.headers[.acceptPost] == "application/sdp")
        #expect(options.headers[.accessControlAllowMethods]?.contains("POST") == true)
        #expect(options.headers[.accessControlAllowHeaders]?.contains("Authorization") == true)
        let head = try await client.send(.head, path, from: Client.elsewhere)
        #expect(head.status == .ok)
        #expect(head.headers[.contentType] == "application/sdp")
        #expect(head.headers[.acceptPost] == "application/sdp")
        let get = try await client.send(.get, path, from: Client.elsewhere)
        #expect(get.status == .ok)
        #expect(get.body.readableBytes == 0)
        #expect(get.headers[.contentType] == nil)
    }

    @Test func `a session tells what it can be sent`() async throws {
        let answer = try await Client().send(.options, "/whip/cam/any")
        #expect(answer.status == .ok)
        #expect(answer.headers[.acceptPatch] == "application/trickle-ice-sdpfrag")
        #expect(answer.headers[.allow] == "DELETE, GET, HEAD, OPTIONS, PATCH")
    }

    @Test(arguments: [HTTPRequest.Method.get, .head])
    func `a session has nothing to show, and says whether it is there`(method: HTTPRequest.Method) async throws {
        let client = await Client()
        let there = try await client.send(method, "/whep/cam/session-1")
        #expect(there.status == .noContent)
        #expect(there.body.readableBytes == 0)
        #expect(try await client.send(method, "/whep/cam/other").status == .notFound)
        #expect(client.gateway.calls.isEmpty)
    }

    static let senseless: [(HTTPRequest.Method, String)] = [
        (.put, "/whip/cam"), (.delete, "/whep/cam"), (.patch, "/whip/cam"), (.put, "/whip/cam/x"),
        (.post, "/whep/cam/x"), (.post, "/"), (.put, "/play/cam"), (.delete, "/api/v1/streams/cam"),
        (.post, "/metrics"), (.trace, "/whip/cam"),
    ]

    @Test(arguments: senseless)
    func `a method that makes no sense is 405 with those that do`(
        method: HTTPRequest.Method, path: String
    ) async throws {
        let answer = try await Client().send(method, path)
        try expectProblem(answer, 405, "method-not-allowed")
        #expect(answer.headers[.allow]?.contains("OPTIONS") == true)
    }

    @Test func `every answer of an endpoint may be read by every page`() async throws {
        let client = await Client()
        client.gateway.refuse(with: GatewayRefusal(.notPublishing, "x", retryAfter: .seconds(1)))
        let answers = [
            try await client.send(.post, "/whep/cam", Client.sdp, body: "v=0"),
            try await client.send(.post, "/whep/cam", [.contentType: "text/plain"]),
            try await client.send(.post, "/whip/cam", Client.sdp, body: "v=0", from: Client.elsewhere),
            try await client.send(.put, "/whep/cam"), try await client.send(.post, "/whep/.."),
            try await client.send(.options, "/whep/cam"), try await client.send(.delete, "/whep/cam/x"),
            try await client.send(.options, "/whip/cam/x"), try await client.send(.head, "/whip/cam"),
            try await client.send(.get, "/whip/cam"),
            try await client.send(.post, "/whep/cam", Client.sdp, body: String(repeating: "x", count: 70_000)),
            try await client.send(.patch, "/whep/cam/session-1", Client.sdp, body: "v=0"),
            try await client.send(.patch, "/whep/cam/session-1", [.contentType: "application/trickle-ice-sdpfrag"]),
            try await client.send(.delete, "/whip/cam/session-1", token: Secret("wrong")),
        ]
        for answer in answers {
            #expect(answer.headers[.accessControlAllowOrigin] == "*")
            #expect(answer.headers[.accessControlExposeHeaders] == "Location, ETag, Link, Retry-After")
        }
    }

    @Test func `the API may be read by the pages it was told about`() async throws {
        let client = await Client(configuration: HTTPServiceConfiguration(corsOrigins: ["https://example.org"]))
        let token = try await client.token("*", [.admin])
        let known = try await client.send(
            .get, "/api/v1/streams", [.origin: "https://example.org"], from: Client.elsewhere, token: token)
        #expect(known.status == .ok)
        #expect(known.headers[.accessControlAllowOrigin] == "https://example.org")
        #expect(known.headers[.vary] == "Origin")
        let other = try await client.send(
            .get, "/api/v1/streams", [.origin: "https://evil.example"], from: Client.elsewhere, token: token)
        #expect(other.headers[.accessControlAllowOrigin] == nil)
    }

    @Test(arguments: [
        "..", ".hidden", "%2e%2e", "a%2fb", "a%20b", "%00", "%C3%BC", "a,b", String(repeating: "a", count: 129),
    ])
    func `a name that is none is refused`(name: String) async throws {
        let client = await Client()
        let answer = try await client.send(.post, "/whip/\(name)", Client.sdp, body: "v=0")
        try expectProblem(answer, 400, "bad-stream-name")
        #expect(client.gateway.calls.isEmpty)
    }

    @Test(arguments: [
        "/nothing", "/whip", "/whip/a/b/c", "/api", "/api/v1", "/api/v2/streams", "/api/v1/streams/a/b", "/health",
        "/health/other", "/assets/none.js", "/assets/../home.html", "/assets/..%2fhome.html", "/play", "/metrics/x",
    ])
    func `an address without anything is 404`(path: String) async throws {
        try expectProblem(try await Client().send(.get, path), 404, "not-found")
    }

    @Test func `a query changes nothing and appears nowhere`() async throws {
        let client = await Client()
        let answer = try await client.send(.post, "/whip/cam?token=s3cr3t", [.contentType: "x/y"], body: "s3cr3t")
        #expect(!answer.text.contains("s3cr3t"))
        #expect(try await client.send(.post, "/whip/cam?a=b", Client.sdp, body: "v=0").status == .created)
    }
}

import Auth
import Gateway
import HTTPService
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@Suite("Snapshots over HTTP")
struct SnapshotRouteTests {
    private let path = "/api/v1/streams/cam/snapshot.jpg"

    private func client(_ play: AccessPolicy.Anonymous = .anyone) async -> Client {
        await Client(
            policy: AccessPolicy(play: play), configuration: HTTPServiceConfiguration(isPlayPublic: play == .anyone))
    }

    @Test func `a snapshot is a JPEG file that caches may keep for a second`() async throws {
        let client = await client()
        let answer = try await client.send(.get, path, from: Client.elsewhere)
        #expect(answer.status == .ok)
        #expect(answer.headers[.contentType] == "image/jpeg")
        #expect(answer.headers[.cacheControl] == "public, max-age=1")
        #expect(answer.headers[.eTag] == "\"7-0--x-\"")
        #expect(answer.headers[.xContentTypeOptions] == "nosniff")
        #expect(Array(answer.body.readableBytesView) == [0xFF, 0xD8, 0xFF, 0xD9])
        let head = try await client.send(.head, path)
        #expect(head.headers[.contentLength] == "4" && head.body.readableBytes == 0)
    }

    @Test func `what a client has already is not sent again`() async throws {
        let answer = try await client().send(.get, path, [.ifNoneMatch: "\"other\", \"7-0--x-\""])
        #expect(answer.status == .notModified)
        #expect(answer.body.readableBytes == 0)
        #expect(answer.headers[.eTag] == "\"7-0--x-\"")
    }

    @Test(arguments: [("", "-x-"), ("?width=320", "320x-"), ("?height=16&width=4096", "4096x16"), ("?w=9", "-x-")])
    func `the query says how large it may be`(query: String, size: String) async throws {
        let client = await client()
        _ = try await client.send(.get, path + query)
        #expect(client.gateway.calls.last?.body == Array(size.utf8))
    }

    @Test(arguments: ["width=0", "width=15", "width=4097", "height=-1", "height=x", "width=", "height=1e3"])
    func `a size that makes no sense is a bad request`(query: String) async throws {
        let client = await client()
        try expectProblem(try await client.send(.get, "\(path)?\(query)"), 400, "bad-size")
        #expect(client.gateway.calls.isEmpty)
    }

    @Test func `whoever may not watch hears the same whether there is a stream or not`() async throws {
        let client = await client(.nobody)
        var answers: [TestResponse] = []
        for refusal in [nil, GatewayRefusal(.unknownStream, "There is no such stream.")] {
            client.gateway.refuse(with: refusal)
            answers.append(try await client.send(.get, path + "?width=0", from: Client.elsewhere))
        }
        try expectProblem(answers[0], 401, "credential-missing")
        #expect(answers[0].text == answers[1].text)
        #expect(client.gateway.calls.isEmpty)
        let other = try await client.token("other", [.play])
        #expect(try await client.send(.get, path, token: other).status == .forbidden)
        client.gateway.refuse(with: nil)
        let token = try await client.token("cam", [.play])
        let answer = try await client.send(.get, path, from: Client.elsewhere, token: token)
        #expect(answer.status == .ok)
        #expect(answer.headers[.cacheControl] == "private, max-age=1")
    }

    @Test(arguments: [
        GatewayRefusal(.unknownStream, "None."), GatewayRefusal(.notPublishing, "Gone.", retryAfter: .seconds(1)),
        GatewayRefusal(.noPicture, "Sound."), GatewayRefusal(.noKeyFrame, "Late.", retryAfter: .seconds(2)),
        GatewayRefusal(.undecodablePicture, "Bad.", retryAfter: .seconds(2)),
        GatewayRefusal(.snapshotsBusy, "Busy.", retryAfter: .seconds(1)),
    ])
    func `what goes wrong is a problem with its own name`(refusal: GatewayRefusal) async throws {
        let client = await client()
        client.gateway.refuse(with: refusal)
        let answer = try await client.send(.get, path)
        try expectProblem(answer, refusal.code.status, refusal.code.name)
        #expect((answer.headers[.retryAfter] != nil) == (refusal.retryAfter != nil))
        #expect(answer.headers[.cacheControl] == "no-store")
    }

    @Test func `nothing but reading is understood`() async throws {
        let answer = try await client().send(.delete, path)
        try expectProblem(answer, 405, "method-not-allowed")
        #expect(answer.headers[.allow] == "GET, HEAD, OPTIONS")
    }
}

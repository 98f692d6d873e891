import Auth
import Foundation
import Gateway
import HTTPTypes
import HummingbirdTesting
import Primitives
import Testing

@Suite("Revocations over HTTP")
struct RevocationTests {
    private static let path = "/api/v1/tokens/revocations"
    private static let json: HTTPFields = [.contentType: "application/json"]

    @Test func `a token that was taken back opens nothing any more`() async throws {
        let client = await Client()
        let token = try await client.token("cam", [.publish, .play])
        let claims = try await client.tokens.verify(token.revealed)
        let id = try #require(claims.jti)
        let body = "{\"jti\":\"\(id)\",\"exp\":\(claims.exp)}"
        #expect(try await client.send(.post, Self.path, Self.json, body: body).status == .noContent)
        for path in ["/whip/cam", "/whep/cam"] {
            let answer = try await client.send(.post, path, Client.sdp, body: "v=0", token: token)
            try expectProblem(answer, 401, "credential-revoked")
            #expect(answer.headers[.wwwAuthenticate]?.contains("invalid_token") == true)
        }
    }

    @Test func `a session is held to what its token says`() async throws {
        let client = await Client()
        let token = try await client.tokens.issue(
            stream: .any, permissions: [.publish], lifetime: .seconds(60), record: false, maximumBitrate: 1_000_000)
        let claims = try await client.tokens.verify(token.revealed)
        #expect(try await client.send(.post, "/whip/cam", Client.sdp, body: "v=0", token: token).status == .created)
        let terms = try #require(client.gateway.terms(of: client.gateway.session))
        #expect(terms.expiresAt == claims.exp)
        #expect(terms.maximumBitrate == 1_000_000 && terms.record == false)
        #expect(!terms.isRevoked())
        try client.revocations.revoke(try #require(claims.jti), until: claims.exp)
        #expect(terms.isRevoked())
    }

    @Test func `nobody but an administrator of all streams takes tokens back`() async throws {
        let client = await Client()
        for (stream, permissions) in [("*", [Permission.publish, .play]), ("cam", [.admin])] {
            let token = try await client.token(stream, permissions)
            let answer = try await client.send(
                .post, Self.path, Self.json, body: "{\"jti\":\"a\"}", from: Client.elsewhere, token: token)
            #expect(answer.status == .forbidden)
        }
        let nobody = try await client.send(
            .post, Self.path, Self.json, body: "{\"jti\":\"a\"}", from: Client.elsewhere)
        try expectProblem(nobody, 401, "credential-missing")
        #expect(client.revocations.count == 0)
    }

    @Test(arguments: ["", "{}", "[]", "{\"jti\":\"\"}", "{\"jti\":7}", "{\"jti\":\"a\",\"exp\":\"soon\"}"])
    func `a body that names no token is refused`(body: String) async throws {
        let client = await Client()
        try expectProblem(
            try await client.send(.post, Self.path, Self.json, body: body), 400, "malformed-revocation")
        let long = "{\"jti\":\"\(String(repeating: "x", count: RevocationList.maximumIDLength + 1))\"}"
        try expectProblem(
            try await client.send(.post, Self.path, Self.json, body: long), 400, "malformed-revocation")
        #expect(client.revocations.count == 0)
    }

    @Test func `other types and methods are refused with the right ones`() async throws {
        let client = await Client()
        try expectProblem(
            try await client.send(.post, Self.path, Client.sdp, body: "{}"), 415, "unsupported-media-type")
        let answer = try await client.send(.get, Self.path)
        try expectProblem(answer, 405, "method-not-allowed")
        #expect(answer.headers[.allow] == "OPTIONS, POST")
    }

    @Test func `a full list is said, so that nobody believes that a token was taken back`() async throws {
        let client = await Client()
        let end = Int64(Date.now.timeIntervalSince1970) + 1_000
        for number in 0..<RevocationList.capacity { try client.revocations.revoke("\(number)", until: end) }
        try expectProblem(
            try await client.send(.post, Self.path, Self.json, body: "{\"jti\":\"more\"}"), 503, "revocations-full")
    }
}

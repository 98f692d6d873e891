import Auth
import Foundation
import Hummingbird
import Primitives

/// Takes tokens back before they expire; what was begun with them ends within a second.
struct RevocationRoutes: Sendable {
    static let requestType = "application/json"
    /// How long a token is remembered whose expiry nobody said, in seconds.
    static let defaultMemory: Int64 = 366 * 24 * 3600

    private struct Request: Decodable {
        var jti: String
        var exp: Int64?
    }

    let access: Access

    /// `POST /api/v1/tokens/revocations` with the token's `jti` and, so that it can be forgotten, its `exp`.
    func revoke(_ request: Hummingbird.Request, peer: TransportAddress?) async throws(Problem) -> Response {
        _ = try await access.authorize(.admin, stream: nil, request, peer: peer)
        guard Body.isOf(Self.requestType, request) else {
            throw .unsupportedMediaType(Self.requestType, field: .acceptPost)
        }
        let body = try await Body.collect(request)
        guard let wanted = try? JSONDecoder().decode(Request.self, from: Data(body)),
            (1...RevocationList.maximumIDLength).contains(wanted.jti.utf8.count)
        else { throw .malformedRevocation }
        let end = wanted.exp ?? Int64(Date.now.timeIntervalSince1970) + Self.defaultMemory
        do throws(RevocationProblem) {
            try access.authorizer.revocations.revoke(wanted.jti, until: end)
        } catch {
            throw error == .full ? .revocationsFull : .revocationNotKept
        }
        return Response(status: .noContent)
    }
}

extension Problem {
    static let malformedRevocation = Problem(
        400,
        "malformed-revocation",
        "The body does not name a token. Send a JSON object such as {\"jti\":\"0123456789abcdef\",\"exp\":1767225600}."
    )
    static let revocationsFull = Problem(
        503,
        "revocations-full",
        "As many tokens as can be remembered have been revoked. Change auth.jwt.secret: that takes all tokens back."
    )
    static let revocationNotKept = Problem(
        500,
        "revocation-not-kept",
        "The token is revoked until the gateway restarts, but data.directory cannot be written."
    )
}

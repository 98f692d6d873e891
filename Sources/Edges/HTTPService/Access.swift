import Auth
import Gateway
import HTTPTypes
import Hummingbird
import Primitives
import Telemetry

/// Who a request comes from, and whether it may go on.
struct Access: Sendable {
    let authorizer: Authorizer
    /// Of addresses: all that they ask, and sessions.
    let requests: AddressLimiter
    let posts: AddressLimiter
    /// Sessions of holders of credentials.
    let holders: AddressLimiter
    let guesses: GuessLimit
    let limitsLoopback: Bool
    let now: @Sendable () -> Instant

    /// Checks what a request presents against what it asks for.
    ///
    /// - Throws: ``Problem``: 401 and 403 with the command that helps, 429 after too many wrong credentials.
    func authorize(
        _ permission: Permission,
        stream: StreamName?,
        _ request: Request,
        peer: TransportAddress?
    ) async throws(Problem) -> Grant {
        if let wait = guesses.wait(peer) { throw .tooManyFailures(wait) }
        do throws(AuthRefusal) {
            let credential = try credential(request, permission, stream)
            return try await authorizer.authorize(
                permission,
                stream: stream,
                credential: credential,
                origin: Self.origin(of: request, peer: peer)
            )
        } catch {
            guesses.note(error, from: peer)
            throw Problem(error)
        }
    }

    /// The same for whoever wants to begin to publish or to play, which an application may have a say in.
    func admit(
        _ permission: Permission,
        stream: StreamName,
        _ request: Request,
        peer: TransportAddress?,
        way: AccessQuestion.Way
    ) async throws(Problem) -> Grant {
        if let wait = guesses.wait(peer) { throw .tooManyFailures(wait) }
        do throws(AuthRefusal) {
            let credential = try credential(request, permission, stream)
            return try await authorizer.admit(
                permission,
                stream: stream,
                credential: credential,
                origin: Self.origin(of: request, peer: peer),
                way: way
            )
        } catch {
            guesses.note(error, from: peer)
            throw Problem(error)
        }
    }

    /// How long what was begun with a grant may go on, and what it may send.
    func terms(of grant: Grant) -> SessionTerms {
        SessionTerms(
            expiresAt: grant.expiresAt, maximumBitrate: grant.maximumBitrate, record: grant.record
        ) { [revocations = authorizer.revocations] in grant.tokenID.map { revocations.isRevoked($0) } ?? false }
    }

    /// The same for a session that is there already.
    ///
    /// Its path, which nobody can guess, stands for the right to it. A credential that is presented nevertheless must be good.
    func authorizeSession(
        _ permission: Permission,
        stream: StreamName,
        _ request: Request,
        peer: TransportAddress?
    ) async throws(Problem) {
        guard request.headers[.authorization] != nil else { return }
        _ = try await authorize(permission, stream: stream, request, peer: peer)
    }

    /// Counts a request of any kind.
    func countRequest(from peer: TransportAddress?) throws(Problem) {
        guard let peer, limitsLoopback || !peer.isLoopback, let wait = requests.take(peer, at: now()) else { return }
        throw .tooManyRequests(wait)
    }

    /// Counts a session that a credential asks for, wherever it is used.
    func countSession(of grant: Grant, from peer: TransportAddress?) throws(Problem) {
        guard case .credential(let digest) = grant.holder, limitsLoopback || peer?.isLoopback != true,
            let wait = holders.take(holder: digest, at: now())
        else { return }
        throw .tooManySessions(wait)
    }

    /// Counts a request for a session.
    func countPost(from peer: TransportAddress?) throws(Problem) {
        guard let peer, limitsLoopback || !peer.isLoopback, let wait = posts.take(peer, at: now()) else { return }
        throw .tooManyRequests(wait)
    }

    /// The token in `Authorization: Bearer …` (RFC 6750 section 2.1); `nil` when there is no such field.
    private func credential(
        _ request: Request,
        _ permission: Permission,
        _ stream: StreamName?
    ) throws(AuthRefusal) -> Secret? {
        let values = request.headers[values: .authorization]
        guard let value = values.first else { return nil }
        let parts = value.split(separator: " ", maxSplits: 1)
        guard values.count == 1, parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw authorizer.malformedCredential(permission, stream: stream)
        }
        return Secret(String(parts[1].drop { $0 == " " }))
    }

    /// The token of a request that names one and nothing else.
    func bearer(_ request: Request) -> Secret? {
        let values = request.headers[values: .authorization]
        guard values.count == 1, values[0].lowercased().hasPrefix("bearer ") else { return nil }
        return Secret(String(values[0].dropFirst(7).drop { $0 == " " }))
    }

    /// Turns those away who were wrong too often.
    func checkGuesses(_ peer: TransportAddress?) throws(Problem) {
        if let wait = guesses.wait(peer) { throw .tooManyFailures(wait) }
    }

    static func origin(of request: Request, peer: TransportAddress?) -> RequestOrigin {
        RequestOrigin(
            peer: peer,
            host: request.head.authority,
            fields: request.headers.lazy.map { (name: $0.name.rawName, value: $0.value) }
        )
    }
}

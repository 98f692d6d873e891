package import Auth
import Primitives
import Rooms
import Signaling

/// Who may take part in which rooms, for one connection.
package struct SignalingGate: Sendable {
    private let authorizer: Authorizer
    private let guesses: GuessLimit
    private let origin: RequestOrigin

    package init(authorizer: Authorizer, guesses: GuessLimit, origin: RequestOrigin) {
        self.authorizer = authorizer
        self.guesses = guesses
        self.origin = origin
    }

    /// What somebody was let in with.
    struct Admission: Sendable {
        var role: RoomRole
        var holder: String
        /// Seconds since 1970; `nil` for no end.
        var expiresAt: Int64?
        /// Must not wait.
        var isRevoked: @Sendable () -> Bool

        func isOver(at unixSeconds: Int64) -> Bool {
            expiresAt.map { unixSeconds >= $0 } == true || isRevoked()
        }
    }

    /// Whether a credential is good at all, or none is needed; which rooms it is for does not matter yet.
    func check(_ token: Secret?) async throws(SignalingError) {
        do throws(AuthRefusal) {
            _ = try await grant(.subscribe, stream: nil, token)
        } catch {
            // A good credential that is for single rooms.
            if error.status == 403 { return }
            throw refusal(error)
        }
    }

    /// Lets somebody into a room, or says why not.
    ///
    /// - Returns: The highest role that the credential gives.
    func admit(_ token: Secret?, to room: RoomName) async throws(SignalingError) -> Admission {
        guard let scope = room.scope else {
            throw SignalingError(.credentialRefused, "Namespace and room are too long together for any credential.")
        }
        let base: Grant
        do throws(AuthRefusal) {
            base = try await grant(.subscribe, stream: scope, token)
        } catch {
            throw refusal(error)
        }
        var role = RoomRole.subscriber
        for (permission, higher) in [(Permission.publish, RoomRole.publisher), (.admin, .moderator)] {
            if (try? await grant(permission, stream: scope, token)) != nil { role = higher }
        }
        let holder =
            switch base.holder {
            case .loopback: "loopback"
            case .anonymous(let digest): "anonymous:\(digest)"
            case .credential(let digest): "credential:\(digest)"
            }
        return Admission(role: role, holder: holder, expiresAt: base.expiresAt) {
            [revocations = authorizer.revocations, id = base.tokenID] in
            id.map { revocations.isRevoked($0) } ?? false
        }
    }

    private func grant(
        _ permission: Permission, stream: StreamName?, _ token: Secret?
    ) async throws(AuthRefusal) -> Grant {
        try await authorizer.authorize(permission, stream: stream, credential: token, origin: origin)
    }

    private func refusal(_ refusal: AuthRefusal) -> SignalingError {
        guesses.note(refusal, from: origin.peer)
        return SignalingError(.credentialRefused, refusal.detail)
    }

    /// How long this address has to wait because it was wrong too often.
    func wait() -> Duration? { guesses.wait(origin.peer) }
}

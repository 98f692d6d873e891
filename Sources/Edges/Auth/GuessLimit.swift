package import Primitives

/// Turns away unheard whoever has presented too many wrong credentials.
///
/// One for all ways in, so that guesses over RTMP and over HTTP are counted together.
package struct GuessLimit: Sendable {
    /// A stable word for logs, metrics and problems.
    package static let reason = "too-many-failures"
    /// What whoever is turned away reads.
    package static let detail = "This address has presented too many wrong credentials. Wait a little."

    private let limiter: AddressLimiter
    private let includesLoopback: Bool
    private let now: @Sendable () -> Instant

    /// - Parameters:
    ///   - perMinute: Wrong credentials of one address, at once and in the long run; at least 1.
    ///   - includesLoopback: Whether programs on this machine are counted too.
    ///   - now: The time, on any clock that does not go back.
    package init(
        perMinute: Int,
        includesLoopback: Bool = false,
        now: @escaping @Sendable () -> Instant = { MonotonicClock.now() }
    ) {
        limiter = AddressLimiter(perMinute: perMinute, burst: perMinute)
        self.includesLoopback = includesLoopback
        self.now = now
    }

    /// - Parameter peer: Who asks; `nil` when the system does not know, and then nothing is held against them.
    /// - Returns: How long until a credential of theirs is looked at again; `nil` when it is now.
    package func wait(_ peer: TransportAddress?) -> Duration? {
        counted(peer).flatMap { limiter.wait($0, at: now()) }
    }

    /// Counts a refusal.
    ///
    /// - Parameters:
    ///   - refusal: Asking without a credential is no guess, and neither is what an application did not answer.
    ///   - peer: Who was refused.
    package func note(_ refusal: AuthRefusal, from peer: TransportAddress?) {
        guard refusal.reason != .credentialMissing, refusal.reason != .decisionMissing, let peer = counted(peer) else {
            return
        }
        _ = limiter.take(peer, at: now())
    }

    private func counted(_ peer: TransportAddress?) -> TransportAddress? {
        guard let peer, includesLoopback || !peer.isLoopback else { return nil }
        return peer
    }
}

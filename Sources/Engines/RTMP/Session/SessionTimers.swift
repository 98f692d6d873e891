import Primitives

/// Everything a server session does because of time: give up on the slow, ping the silent.
struct SessionTimers: Sendable {
    enum Action: Equatable {
        case close(RTMPError)
        case ping
    }

    private let limits: RTMPLimits
    /// The latest instant seen.
    private(set) var now: Instant
    /// When the current phase began, or last saw what it waits for.
    private var phaseProgressAt: Instant
    private var lastBytesAt: Instant
    private var lastPingAt: Instant
    private let startedAt: Instant

    init(now: Instant, limits: RTMPLimits) {
        self.limits = limits
        self.now = now
        startedAt = now
        phaseProgressAt = now
        lastBytesAt = now
        lastPingAt = now
    }

    /// Milliseconds since the connection began, for ping requests.
    var milliseconds: UInt32 { UInt32(truncatingIfNeeded: (now - startedAt).nanoseconds / 1_000_000) }

    mutating func receivedBytes(at now: Instant) {
        self.now = max(self.now, now)
        lastBytesAt = self.now
    }

    mutating func finishedHandshake() { phaseProgressAt = now }
    mutating func startedPublishing() { phaseProgressAt = now }
    mutating func stoppedPublishing() { phaseProgressAt = now }
    mutating func receivedMedia() { phaseProgressAt = now }

    func deadline(phase: RTMPServerSession.Phase) -> Instant? {
        guard let (closeAt, _) = expiry(phase: phase) else { return nil }
        return pingAt(phase: phase).map { min($0, closeAt) } ?? closeAt
    }

    mutating func advance(to now: Instant, phase: RTMPServerSession.Phase) -> Action? {
        self.now = max(self.now, now)
        if let (closeAt, error) = expiry(phase: phase), self.now >= closeAt { return .close(error) }
        if let pingAt = pingAt(phase: phase), self.now >= pingAt {
            lastPingAt = self.now
            return .ping
        }
        return nil
    }

    private func expiry(phase: RTMPServerSession.Phase) -> (Instant, RTMPError)? {
        switch phase {
        case .handshaking: (phaseProgressAt + limits.handshakeTimeout, .handshakeTimedOut)
        case .connected: (phaseProgressAt + limits.publishTimeout, .publishTimedOut)
        // The decision is ours, and so is the delay.
        case .deciding, .closed: nil
        case .publishing: (phaseProgressAt + limits.idleTimeout, .idle)
        }
    }

    private func pingAt(phase: RTMPServerSession.Phase) -> Instant? {
        guard case .publishing = phase else { return nil }
        return max(lastBytesAt, lastPingAt) + limits.pingInterval
    }
}

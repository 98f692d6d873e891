/// How long a session may go on and what it may send, as whoever let it in says.
package struct SessionTerms: Sendable {
    /// Seconds since 1970; `nil` for no end.
    package var expiresAt: Int64?
    /// Bits per second that a publisher may send; `nil` for no limit.
    package var maximumBitrate: Int?
    /// Whether what is published is to be recorded, or must not be; `nil` leaves it to the configuration.
    package var record: Bool?
    /// Whether the credential has been taken back meanwhile; asked again and again, must not wait.
    package var isRevoked: @Sendable () -> Bool

    package init(
        expiresAt: Int64? = nil,
        maximumBitrate: Int? = nil,
        record: Bool? = nil,
        isRevoked: @escaping @Sendable () -> Bool = { false }
    ) {
        self.expiresAt = expiresAt
        self.maximumBitrate = maximumBitrate
        self.record = record
        self.isRevoked = isRevoked
    }

    /// Whether there is anything to look at while a session lives.
    var holdNothing: Bool { expiresAt == nil && maximumBitrate == nil }

    /// Why the session is over at `now`, in seconds since 1970; `nil` while it may go on.
    func end(at now: Double) -> SessionFailure? {
        if let expiresAt, now >= Double(expiresAt) { return .credentialExpired }
        return isRevoked() ? .credentialRevoked : nil
    }
}

/// A session's terms, and how long its publisher has sent more than they allow.
struct HeldTerms {
    var terms: SessionTerms
    /// Looks in a row, one each second.
    var timesExceeded = 0

    /// Looks in a row after which a publisher is told, and after which it is ended.
    static let patience = (warning: 2, end: 10)
    /// Encoders hit their rate on average only.
    static let tolerance = 1.15

    /// Takes in what came during the last second.
    ///
    /// - Returns: Whether the publisher is to be warned now, or ended.
    mutating func note(bitsPerSecond: Double) -> (warns: Bool, ends: Bool) {
        guard let maximum = terms.maximumBitrate, bitsPerSecond > Double(maximum) * Self.tolerance else {
            timesExceeded = 0
            return (false, false)
        }
        timesExceeded += 1
        return (timesExceeded == Self.patience.warning, timesExceeded >= Self.patience.end)
    }
}

/// Turns 16-bit RTP sequence numbers into numbers that never wrap (RFC 3550 appendix A.1, RFC 1982).
package struct SequenceUnwrapper: Sendable {
    /// The greatest number seen so far; `nil` before the first.
    package private(set) var newest: Int64?

    @inlinable
    package init() { newest = nil }

    /// Returns the extended sequence number of `sequenceNumber`.
    ///
    /// The first call returns its argument unchanged, and later calls choose the extension that is
    /// nearest to the newest value seen so far. An exact tie (32,768 apart) counts as older.
    ///
    /// - Parameter sequenceNumber: The RTP header field, in host byte order.
    /// - Returns: A value that grows by one for each packet sent. It can be negative for a packet
    ///   that was sent before the first one seen.
    /// - Complexity: O(1); never allocates.
    package mutating func unwrap(_ sequenceNumber: UInt16) -> Int64 {
        guard let newest else {
            self.newest = Int64(sequenceNumber)
            return Int64(sequenceNumber)
        }
        let extended = Self.extend(sequenceNumber, near: newest)
        if extended > newest { self.newest = extended }
        return extended
    }

    /// The extension of `sequenceNumber` nearest to `reference`, without remembering it.
    package static func extend(_ sequenceNumber: UInt16, near reference: Int64) -> Int64 {
        let distance = sequenceNumber &- UInt16(truncatingIfNeeded: reference)
        return distance < 0x8000 ? reference + Int64(distance) : reference - Int64(0x1_0000 - Int(distance))
    }
}

/// Turns 32-bit RTP timestamps into numbers that never wrap.
package struct TimestampUnwrapper: Sendable {
    private var newest: Int64?

    package init() { newest = nil }

    /// Returns the extension of `timestamp` nearest to the last one given.
    ///
    /// - Returns: The first argument unchanged, afterwards a value that keeps its distance to the one before.
    package mutating func unwrap(_ timestamp: UInt32) -> Int64 {
        guard let newest else {
            self.newest = Int64(timestamp)
            return Int64(timestamp)
        }
        let distance = Int32(bitPattern: timestamp &- UInt32(truncatingIfNeeded: newest))
        let extended = newest &+ Int64(distance)
        self.newest = extended
        return extended
    }
}

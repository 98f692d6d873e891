package import Primitives

/// Keeps one packet from being sent again twice within (fifteen sixteenths of) a round trip, however often a viewer asks.
///
/// A direct-mapped table of fixed size that is allocated with the first request: two packets that share a place merely
/// push each other out, and then a request may be answered once too often.
package struct RepeatFilter: Sendable {
    /// Packets remembered at most.
    package static let capacity = 256
    /// A viewer whose round trip is unknown is answered this often.
    package static let defaultInterval = Interval.milliseconds(20)
    /// However far away a viewer is, a request this much later is a new one.
    package static let maximumInterval = Interval.milliseconds(500)

    private struct Entry {
        var key: UInt64 = 0
        var at = Instant.zero
    }

    private var entries: [Entry] = []

    package init() {}

    /// Places in the table: 0 before the first request.
    package var count: Int { entries.count }

    /// Asks whether a packet may be sent again now.
    ///
    /// - Parameters:
    ///   - ssrc: The stream of the request.
    ///   - sequenceNumber: The packet's number there.
    ///   - roundTrip: To the viewer; `nil` while unknown.
    ///   - now: The time.
    /// - Returns: Whether it may; then it is remembered.
    /// - Complexity: O(1).
    package mutating func admit(
        ssrc: UInt32, _ sequenceNumber: UInt16, roundTrip: Interval?, at now: Instant
    ) -> Bool {
        if entries.isEmpty { entries = Array(repeating: Entry(), count: Self.capacity) }
        // 1 << 48 tells the first packet of SSRC 0 from an empty place.
        let key = 1 << 48 | UInt64(ssrc) << 16 | UInt64(sequenceNumber)
        let position = Int((sequenceNumber ^ UInt16(truncatingIfNeeded: ssrc)) & UInt16(Self.capacity - 1))
        // Round trips are measured too long rather than too short, and who asks again after one must not be refused.
        let interval = min(roundTrip.map { $0 - $0 / 16 } ?? Self.defaultInterval, Self.maximumInterval)
        if entries[position].key == key, now - entries[position].at < interval { return false }
        entries[position] = Entry(key: key, at: now)
        return true
    }
}

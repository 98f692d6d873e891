package import Primitives

/// What was sent to one receiver under which transport-wide number, and what became of it
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §2).
///
/// A ring of eight bytes a packet. Feedback about anything that it does not hold (numbers never sent, forgotten, or
/// reported as received before) is answered with nothing, so no feedback can make it grow or count a packet twice.
package struct SendHistory: ~Copyable {
    /// Packets remembered, a power of two: a second at 10 Mbit/s.
    package static let capacity = 1_024
    /// Bytes of one packet's entry.
    package static var entrySize: Int { MemoryLayout<Entry>.stride }
    /// Feedback that comes later than this is passed over: its path is not the one of now.
    package static let maximumAge = Interval.seconds(10)

    /// A packet that has come, as we sent it.
    package struct Received: Equatable, Sendable {
        /// The transport-wide number, continued past its 16 bits.
        package var number: Int64
        /// In whole microseconds.
        package var sentAt: Instant
        /// Bytes on the wire, 65,535 at most.
        package var size: Int
        /// The probe that it was part of; 0 for none.
        package var probe: UInt8
        /// Whether ``noteLosses(from:count:)`` counted it already: it was only late.
        package var wasLost: Bool

        package init(number: Int64, sentAt: Instant, size: Int, probe: UInt8, wasLost: Bool) {
            self.number = number
            self.sentAt = sentAt
            self.size = size
            self.probe = probe
            self.wasLost = wasLost
        }
    }

    private enum Status: UInt8 {
        /// Never sent: the numbers jumped over it.
        case absent
        case sent
        case lost
        case received
    }

    private struct Entry {
        /// Microseconds, which wrap after 71 minutes; see ``maximumAge``.
        var sentAt: UInt32 = 0
        var size: UInt16 = 0
        var status = Status.absent
        var probe: UInt8 = 0
    }

    private var entries = [Entry](repeating: Entry(), count: capacity)
    /// One past the newest number.
    private var end: Int64 = 0
    private var start: Int64 = 0

    package init() {}

    /// Packets between the oldest that is remembered and the newest.
    package var count: Int { Int(end - start) }
    /// Packets for which memory is held; never changes.
    package var storageCapacity: Int { entries.count }
    /// The newest number sent; `nil` before the first.
    package var newest: Int64? { end == start ? nil : end - 1 }

    private static func position(_ number: Int64) -> Int { Int(truncatingIfNeeded: number) & (capacity - 1) }

    private static func microseconds(_ instant: Instant) -> Int64 { instant.nanoseconds / 1_000 }

    /// Remembers a packet, in the order of sending: a number that is not newer than the last one begins a new history.
    ///
    /// - Parameters:
    ///   - number: Its transport-wide number; usually the last one plus one.
    ///   - size: Bytes on the wire.
    ///   - probe: The probe it is part of; 0 for none.
    ///   - now: When it leaves.
    /// - Complexity: O(1), or the width of a jump in the numbers, capped by ``capacity``; never allocates.
    @inline(__always)
    package mutating func add(_ number: UInt16, size: Int, probe: UInt8 = 0, at now: Instant) {
        if number != UInt16(truncatingIfNeeded: end) || end == start { jump(to: number) }
        entries[Self.position(end)] = Entry(
            sentAt: UInt32(truncatingIfNeeded: Self.microseconds(now)),
            size: UInt16(clamping: size),
            status: .sent,
            probe: probe
        )
        end += 1
        if end - start > Int64(Self.capacity) { start = end - Int64(Self.capacity) }
    }

    private mutating func jump(to number: UInt16) {
        let next = end == start ? Int64(number) : SequenceUnwrapper.extend(number, near: end)
        if end == start || next < end || next - end >= Int64(Self.capacity) {
            start = next
        } else {
            for skipped in end..<next { entries[Self.position(skipped)].status = .absent }
        }
        end = next
    }

    /// Notes that a packet has come.
    ///
    /// - Returns: `nil` unless the packet was sent, is remembered, and is reported as received for the first time.
    /// - Complexity: O(1); never allocates.
    package mutating func acknowledge(_ number: UInt16, at now: Instant) -> Received? {
        guard end > start else { return nil }
        let extended = SequenceUnwrapper.extend(number, near: end - 1)
        guard extended >= start, extended < end else { return nil }
        let position = Self.position(extended)
        let entry = entries[position]
        guard entry.status == .sent || entry.status == .lost else { return nil }
        let microseconds = Self.microseconds(now)
        let age = Int64(UInt32(truncatingIfNeeded: microseconds) &- entry.sentAt)
        guard age <= Self.maximumAge.nanoseconds / 1_000 else { return nil }
        entries[position].status = .received
        return Received(
            number: extended,
            sentAt: Instant(nanoseconds: (microseconds - age) * 1_000),
            size: Int(entry.size),
            probe: entry.probe,
            wasLost: entry.status == .lost
        )
    }

    /// Counts the packets of a reported range that have not come; call it after the arrivals were acknowledged.
    ///
    /// - Returns: Packets that are missed for the first time.
    /// - Complexity: O(`count`), capped by ``capacity``; never allocates.
    package mutating func noteLosses(from base: UInt16, count: UInt16) -> Int {
        guard end > start else { return 0 }
        let first = SequenceUnwrapper.extend(base, near: end - 1)
        var lost = 0
        for number in max(first, start)..<max(min(first + Int64(count), end), first, start) {
            let position = Self.position(number)
            guard entries[position].status == .sent else { continue }
            entries[position].status = .lost
            lost += 1
        }
        return lost
    }
}

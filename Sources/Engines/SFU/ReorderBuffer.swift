package import Primitives

/// Puts the packets of one inbound stream back in order, and waits a little for those that are missing.
///
/// A gap is waited for until ``patience`` has passed since the packet behind it came, or until the buffer is full;
/// then it is given up, and a packet from it that comes later is of no use any more.
package struct ReorderBuffer: Sendable {
    package struct Packet: Sendable {
        package var sequence: Int64
        package var timestamp: UInt32
        package var marker: Bool
        package var payload: [UInt8]
        package var arrivedAt: Instant

        package init(sequence: Int64, timestamp: UInt32, marker: Bool, payload: [UInt8], arrivedAt: Instant) {
            self.sequence = sequence
            self.timestamp = timestamp
            self.marker = marker
            self.payload = payload
            self.arrivedAt = arrivedAt
        }
    }

    /// Packets held at most: about a second of a video stream of 5 Mbit/s.
    package static let capacity = 512

    private let patience: Interval
    /// The number that is due; `nil` before the first packet.
    package private(set) var due: Int64?
    /// In ascending order of sequence number.
    private var waiting: [Packet] = []

    /// Packets that were given up.
    package private(set) var skipped: Int64 = 0

    /// - Parameter patience: Long enough for a retransmission to be asked for and to come.
    package init(patience: Interval = .milliseconds(300)) {
        self.patience = patience
    }

    /// Packets that wait for others.
    package var count: Int { waiting.count }

    /// When ``next(at:)`` gives up the gap in front; `nil` when nothing waits.
    package var deadline: Instant? { waiting.first.map { $0.arrivedAt + patience } }

    /// Takes a packet; one that is there already, or was given up, is passed over, and so is one that finds the buffer
    /// full because nobody called ``next(at:)``.
    ///
    /// - Complexity: O(1) in order, else linear in what waits.
    package mutating func insert(_ packet: Packet) {
        guard waiting.count < Self.capacity, packet.sequence >= due ?? packet.sequence else { return }
        if due == nil { due = packet.sequence }
        let index = waiting.lastIndex { $0.sequence <= packet.sequence }
        if let index, waiting[index].sequence == packet.sequence { return }
        waiting.insert(packet, at: index.map { $0 + 1 } ?? 0)
    }

    /// Takes out the next packet in order; `nil` while it must be waited for.
    package mutating func next(at now: Instant) -> Packet? {
        guard let first = waiting.first, let due else { return nil }
        if first.sequence > due {
            guard waiting.count >= Self.capacity || now >= first.arrivedAt + patience else { return nil }
            skipped += first.sequence - due
        }
        self.due = first.sequence + 1
        return waiting.removeFirst()
    }
}

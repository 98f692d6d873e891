/// How much of each tapped stream waits for ``FrameThread``, and what is left out because it is too much.
///
/// A stream that is over its bound loses whole bursts until one begins with a key frame, or is sound, and there is room.
struct TapQueues: Sendable {
    /// Bytes that may wait of one stream: a group of pictures of 4 MiB for a reader who comes late, and some seconds more.
    static let maximumBytes = 16 << 20
    /// Bytes that may wait of all streams together.
    static let maximumTotalBytes = 128 << 20

    private struct Queue {
        var bytes = 0
        /// Tracks of which nothing is taken before the next key frame.
        var skipped: Set<TrackID> = []
    }

    private var queues: [TapID: Queue] = [:]
    private var total = 0
    /// Packets that were left out.
    private(set) var dropped = 0

    mutating func open(_ tap: TapID) { queues[tap] = Queue() }

    mutating func close(_ tap: TapID) { total -= queues.removeValue(forKey: tap)?.bytes ?? 0 }

    /// Makes room for packets; what there is no room for is taken out of them.
    ///
    /// - Returns: Whether anything is left.
    mutating func admit(_ packets: inout TappedPackets) -> Bool {
        guard var queue = queues[packets.tap] else { return false }
        defer { queues[packets.tap] = queue }
        if !queue.skipped.isEmpty {
            packets.bursts.removeAll { burst in
                guard queue.skipped.contains(burst.track) else { return false }
                if burst.entries.first?.startsKeyFrame ?? false { return false }
                dropped += burst.entries.count
                return true
            }
        }
        let bytes = packets.bytes
        guard queue.bytes + bytes <= Self.maximumBytes, total + bytes <= Self.maximumTotalBytes else {
            for burst in packets.bursts {
                dropped += burst.entries.count
                queue.skipped.insert(burst.track)
            }
            return false
        }
        for burst in packets.bursts { queue.skipped.remove(burst.track) }
        queue.bytes += bytes
        total += bytes
        return !packets.bursts.isEmpty
    }

    /// Packets have been taken out of the queue.
    mutating func release(_ packets: TappedPackets) {
        guard queues[packets.tap] != nil else { return }
        let bytes = packets.bytes
        queues[packets.tap]?.bytes -= bytes
        total -= bytes
    }
}

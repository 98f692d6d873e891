import Primitives
import TestSupport

/// A bottleneck: a queue with a limit in front of a line of a certain rate, and the way behind it.
///
/// A packet's fate is decided when it is sent, so a change of capacity counts for packets sent from then on.
struct Link {
    var capacity: Bitrate
    /// One way, without the queue.
    var delay: Interval
    /// A packet that would wait longer is dropped.
    var queueLimit: Interval
    /// The part of packets lost at random.
    var loss = 0.0
    /// The most that the way behind the queue takes longer, at random, without reordering.
    var jitter = Interval.zero
    private var freeAt = Instant.zero
    private var lastArrival = Instant.zero

    init(
        _ capacity: Bitrate,
        delay: Interval = .milliseconds(25),
        queueLimit: Interval = .milliseconds(1_000),
        loss: Double = 0,
        jitter: Interval = .zero
    ) {
        self.capacity = capacity
        self.delay = delay
        self.queueLimit = queueLimit
        self.loss = loss
        self.jitter = jitter
    }

    /// Sends a packet: when it arrives (`nil` when it gets lost) and how long it waits in the queue.
    mutating func send(
        _ size: Int,
        at now: Instant,
        using random: inout SeededGenerator
    ) -> (arrival: Instant?, queueing: Interval) {
        let start = max(freeAt, now)
        let queueing = start - now
        guard queueing <= queueLimit else { return (nil, queueing) }
        freeAt = start + Interval(seconds: Double(size) * 8 / capacity.bitsPerSecond)
        if loss > 0, Double.random(in: 0..<1, using: &random) < loss { return (nil, queueing) }
        var arrival = freeAt + delay
        if jitter > .zero {
            arrival = arrival + Interval(nanoseconds: Int64.random(in: 0...jitter.nanoseconds, using: &random))
        }
        lastArrival = max(lastArrival, arrival)
        return (lastArrival, queueing)
    }
}

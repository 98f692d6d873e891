package import Primitives

/// How long something took, counted in fixed buckets; plain integers of one thread.
package struct DurationHistogram: Sendable, Equatable {
    /// Upper bounds of all buckets but the last, which takes what is longer; in seconds.
    package static let bounds: [Double] = [
        0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// Observations in each bucket, one more than there are bounds.
    package private(set) var counts = [Int](repeating: 0, count: bounds.count + 1)
    /// The sum of all observations, in seconds.
    package private(set) var sum: Double = 0

    package init() {}

    /// Counts `count` observations of the same length.
    package mutating func record(_ interval: Interval, count: Int = 1) {
        let seconds = max(interval.seconds, 0)
        var bucket = 0
        while bucket < Self.bounds.count, seconds > Self.bounds[bucket] { bucket += 1 }
        counts[bucket] += count
        sum += seconds * Double(count)
    }

    package mutating func add(_ other: DurationHistogram) {
        for bucket in counts.indices { counts[bucket] += other.counts[bucket] }
        sum += other.sum
    }
}

/// How long the phases of a viewer's or publisher's start take.
package struct JoinDurations: Sendable, Equatable {
    /// From the session's creation to the first selected pair.
    package var ice = DurationHistogram()
    /// From there to the keys.
    package var dtls = DurationHistogram()
    /// From the keys to the first media packet sent (viewers only).
    package var firstPacket = DurationHistogram()

    package init() {}

    package mutating func add(_ other: JoinDurations) {
        ice.add(other.ice)
        dtls.add(other.dtls)
        firstPacket.add(other.firstPacket)
    }
}

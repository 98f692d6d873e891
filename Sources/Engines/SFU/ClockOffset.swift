package import Primitives

/// How far a peer's NTP clock is behind ours, learnt from timestamps that arrive with varying delay.
///
/// The sample with the least delay is the truest, so the smallest difference of the last minute counts; what is left in
/// it is the least transit time. Corrections are slewed by at most 1 ms/s. All tracks of one peer share one offset:
/// then its error is the same for sound and picture, and lips stay in sync.
package struct ClockOffset: Sendable {
    /// Nanoseconds of correction for each second that passes: 1 ms/s.
    static let slewPerSecond: Int64 = 1_000_000
    /// A sample this far off the offset is a clock that was set, not a delay.
    private static let step = Interval.seconds(1)
    /// Samples in a row that prove a clock set back; one proves a clock set forward, for no delay is negative.
    private static let stepSamples = 3

    private var minimum = SlidingMinimum()
    private var slewed: SlewedValue?
    private var outliers = 0

    package init() {}

    /// Ours less the peer's, slewed; `nil` before the first sample.
    package var value: Interval? { slewed.map { Interval(nanoseconds: $0.value) } }

    /// Learns from one timestamp of the peer.
    ///
    /// - Parameters:
    ///   - remote: What the peer's clock showed.
    ///   - local: What ours showed when the message came.
    /// - Returns: The offset to use now: add it to the peer's time to get ours. `nil` when this timestamp is so late
    ///   that either it was held up or the peer has set its clock back, which only the next ones will tell.
    @discardableResult
    package mutating func observe(remote: NTPTime, local: NTPTime) -> Interval? {
        let sample = local.unixNanoseconds &- remote.unixNanoseconds
        guard var slewed else { return begin(with: sample, at: local) }
        let deviation = sample &- slewed.value
        if deviation < -Self.step.nanoseconds { return begin(with: sample, at: local) }
        if deviation > Self.step.nanoseconds {
            outliers += 1
            return outliers >= Self.stepSamples ? begin(with: sample, at: local) : nil
        }
        outliers = 0
        slewed.advance(to: local)
        slewed.target = minimum.insert(sample, at: local)
        self.slewed = slewed
        return Interval(nanoseconds: slewed.value)
    }

    private mutating func begin(with sample: Int64, at local: NTPTime) -> Interval {
        outliers = 0
        minimum = SlidingMinimum()
        minimum.insert(sample, at: local)
        slewed = SlewedValue(sample, at: local)
        return Interval(nanoseconds: sample)
    }
}

/// The smallest of the values of the last 30 to 60 s, in two buckets rather than a queue.
struct SlidingMinimum: Sendable {
    private static let bucketLength = Interval.seconds(30)

    private var previous: Int64?
    private var current: Int64?
    private var startedAt: NTPTime?

    /// Adds a value and returns the smallest, it included.
    @discardableResult
    mutating func insert(_ value: Int64, at now: NTPTime) -> Int64 {
        let age = startedAt.map { now.since($0) } ?? .zero
        if startedAt == nil || age >= Self.bucketLength || age < .zero {
            previous = age < Self.bucketLength * 2 ? current : nil
            current = nil
            startedAt = now
        }
        let smallest = min(value, current ?? value)
        current = smallest
        return min(smallest, previous ?? smallest)
    }
}

/// A number of nanoseconds that moves to its target by at most 1 ms each second.
struct SlewedValue: Sendable {
    /// Silence longer than this slews no further, or the first packet after it would see a step.
    private static let longestElapsed = Interval.seconds(1)

    private(set) var value: Int64
    var target: Int64
    private var updatedAt: NTPTime

    init(_ value: Int64, at now: NTPTime) {
        self.value = value
        target = value
        updatedAt = now
    }

    mutating func advance(to now: NTPTime) {
        let elapsed = min(max(now.since(updatedAt), .zero), Self.longestElapsed)
        updatedAt = now
        let budget = elapsed.nanoseconds * ClockOffset.slewPerSecond / 1_000_000_000
        value &+= min(max(target &- value, -budget), budget)
    }
}

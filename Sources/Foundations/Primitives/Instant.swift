/// A point on a monotonic clock, in nanoseconds since an origin that only the driver knows.
///
/// Engines never read a clock: they are told the time. `Instant` is ours rather than
/// `ContinuousClock.Instant` because a test must be able to write ``zero`` and count from there.
package struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds since the origin.
    package var nanoseconds: Int64

    package static let zero = Instant(nanoseconds: 0)
    /// Later than anything that will be measured; for "no deadline" in comparisons.
    package static let distantFuture = Instant(nanoseconds: .max)

    @inlinable
    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    @inlinable
    package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The instant `interval` later (earlier when negative), saturating at the ends of the range.
    @inlinable
    package func advanced(by interval: Interval) -> Instant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(interval.nanoseconds)
        return Instant(nanoseconds: overflow ? (interval.nanoseconds < 0 ? .min : .max) : sum)
    }

    /// The time from `earlier` to `self`; negative when `earlier` is in fact later.
    @inlinable
    package func since(_ earlier: Instant) -> Interval {
        let (difference, overflow) = nanoseconds.subtractingReportingOverflow(earlier.nanoseconds)
        return Interval(nanoseconds: overflow ? (nanoseconds < 0 ? .min : .max) : difference)
    }

    @inlinable
    package static func + (instant: Instant, interval: Interval) -> Instant { instant.advanced(by: interval) }

    @inlinable
    package static func - (later: Instant, earlier: Instant) -> Interval { later.since(earlier) }
}

/// A length of time in whole nanoseconds.
///
/// A 64-bit value, because `Swift.Duration` is 128 bits wide and its arithmetic shows up on the
/// packet path. Configuration and public interfaces speak `Duration`; see ``init(_:)``.
package struct Interval: Comparable, Hashable, Sendable {
    package var nanoseconds: Int64

    package static let zero = Interval(nanoseconds: 0)

    @inlinable
    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The nearest whole nanosecond below `duration`, saturating after 292 years.
    package init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflowInSum) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        nanoseconds = overflow || overflowInSum ? (seconds < 0 ? .min : .max) : sum
    }

    /// A length from a measured or computed number of seconds, which must be finite and below 292 years.
    @inlinable
    package init(seconds: Double) {
        nanoseconds = Int64(seconds * 1e9)
    }

    @inlinable
    package static func seconds(_ count: Int64) -> Interval { Interval(nanoseconds: count * 1_000_000_000) }
    @inlinable
    package static func milliseconds(_ count: Int64) -> Interval { Interval(nanoseconds: count * 1_000_000) }
    @inlinable
    package static func microseconds(_ count: Int64) -> Interval { Interval(nanoseconds: count * 1_000) }

    /// The length in seconds, for figures that people read.
    @inlinable
    package var seconds: Double { Double(nanoseconds) / 1e9 }
    /// The length in milliseconds, for figures that people read.
    @inlinable
    package var milliseconds: Double { Double(nanoseconds) / 1e6 }

    /// The number of ticks of a clock of `rate` Hz in this length, rounded towards zero.
    @inlinable
    package func ticks(atRate rate: Int) -> Int64 {
        let seconds = nanoseconds / 1_000_000_000
        let rest = nanoseconds % 1_000_000_000
        return seconds &* Int64(rate) &+ rest &* Int64(rate) / 1_000_000_000
    }

    /// The length of `ticks` of a clock of `rate` Hz.
    @inlinable
    package init(ticks: Int64, atRate rate: Int) {
        let rate = Int64(rate)
        nanoseconds = (ticks / rate) &* 1_000_000_000 &+ (ticks % rate) &* 1_000_000_000 / rate
    }

    @inlinable
    package static func < (left: Interval, right: Interval) -> Bool { left.nanoseconds < right.nanoseconds }
    @inlinable
    package static func + (left: Interval, right: Interval) -> Interval {
        Interval(nanoseconds: left.nanoseconds &+ right.nanoseconds)
    }
    @inlinable
    package static func - (left: Interval, right: Interval) -> Interval {
        Interval(nanoseconds: left.nanoseconds &- right.nanoseconds)
    }
    @inlinable
    package static func * (left: Interval, right: Double) -> Interval {
        Interval(nanoseconds: Int64(Double(left.nanoseconds) * right))
    }
    @inlinable
    package static func / (left: Interval, right: Int64) -> Interval {
        Interval(nanoseconds: left.nanoseconds / right)
    }
    @inlinable
    package static prefix func - (interval: Interval) -> Interval { Interval(nanoseconds: -interval.nanoseconds) }
}

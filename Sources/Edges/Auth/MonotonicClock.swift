package import Primitives

/// Time since some moment before the start.
package enum MonotonicClock {
    private static let origin = ContinuousClock.now

    package static func now() -> Instant { Instant.zero + Interval(ContinuousClock.now - origin) }
}

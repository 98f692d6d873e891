package import Primitives
import RTP

/// Turns the times in transport feedback into instants on the receiver's clock
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
///
/// The clock's origin is arbitrary: only differences mean something, and those only within one epoch.
package struct ArrivalClock: Sendable {
    /// A reference time that moves by more than this beside our own clock is another clock.
    package static let maximumStep = Interval.seconds(10)

    /// In units of the reference time, continued past its 24 bits.
    private var reference: Int64?
    private var lastFeedback = Instant.zero
    private var arrival = Instant.zero

    package init() {}

    /// Begins to read a feedback.
    ///
    /// - Returns: Whether its times can be compared with those of the feedback before it.
    package mutating func begin(referenceTime: Int32, at now: Instant) -> Bool {
        let value = Int64(referenceTime)
        var next = value
        var isContinuous = false
        if let reference {
            let distance = Int64(Int32(truncatingIfNeeded: (value &- reference) << 8) >> 8)
            let step = Self.interval(units: distance)
            let elapsed = now.since(lastFeedback)
            if step > -Self.maximumStep, step < elapsed + Self.maximumStep {
                next = reference &+ distance
                isContinuous = true
            }
        }
        reference = next
        lastFeedback = now
        arrival = .zero + Self.interval(units: next)
        return isContinuous
    }

    private static func interval(units: Int64) -> Interval {
        Interval(nanoseconds: units &* TransportFeedback.referenceTimeUnit.nanoseconds)
    }

    /// The arrival time of the next packet in the list.
    package mutating func next(delta: Int16) -> Instant {
        arrival = arrival + Interval(nanoseconds: Int64(delta) * TransportFeedback.deltaUnit.nanoseconds)
        return arrival
    }
}

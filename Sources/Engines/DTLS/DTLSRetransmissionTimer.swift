package import Primitives

/// When a flight that got no answer is sent again (RFC 6347 §4.2.4.1).
///
/// The RFC recommends 1 s at first and lets applications with shorter round trips wait less: a viewer looks at a black
/// picture all the while. Twelve retransmissions that wait 200 ms, doubled up to 3.2 s, end after half a minute.
package struct DTLSRetransmissionTimer: Equatable, Sendable {
    /// From a flight to its first repetition.
    package var initial: Interval
    /// The wait doubles from one repetition to the next up to this.
    package var maximum: Interval

    package init(initial: Interval = .milliseconds(200), maximum: Interval = .milliseconds(3200)) {
        self.initial = initial
        self.maximum = maximum
    }

    var initialMicroseconds: UInt32 { UInt32(clamping: max(initial.nanoseconds / 1_000, 1)) }
    var maximumMicroseconds: UInt32 {
        max(initialMicroseconds, UInt32(clamping: max(maximum.nanoseconds / 1_000, 1)))
    }
}

/// Wall-clock time as RTCP carries it: seconds since 1900 in the upper 32 bits, the fraction in the lower (RFC 3550 §4).
package struct NTPTime: Hashable, Comparable, Sendable {
    package var rawValue: UInt64

    /// Seconds from the NTP era (1900) to the Unix epoch (1970).
    package static let unixEpochOffset: Int64 = 2_208_988_800

    @inlinable
    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The time `nanoseconds` after the Unix epoch.
    ///
    /// Wraps with the NTP era, in 2036.
    package init(unixNanoseconds nanoseconds: Int64) {
        var seconds = nanoseconds / 1_000_000_000
        var rest = nanoseconds % 1_000_000_000
        if rest < 0 {
            seconds -= 1
            rest += 1_000_000_000
        }
        let fraction = (UInt64(rest) << 32) / 1_000_000_000
        rawValue = UInt64(truncatingIfNeeded: seconds &+ Self.unixEpochOffset) << 32 | fraction
    }

    /// Nanoseconds since the Unix epoch, for a time of the era that ends in 2036.
    package var unixNanoseconds: Int64 {
        let seconds = Int64(rawValue >> 32) - Self.unixEpochOffset
        // Rounded, so that nanoseconds survive a round trip. (A shift binds tighter than a product.)
        let fraction = Int64(((rawValue & 0xFFFF_FFFF) * 1_000_000_000 + 0x8000_0000) >> 32)
        return seconds * 1_000_000_000 + fraction
    }

    /// The middle 32 bits, as LSR and DLSR use them (RFC 3550 §6.4.1): units of 1/65,536 s.
    @inlinable
    package var compact: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 16) }

    @inlinable
    package static func < (left: NTPTime, right: NTPTime) -> Bool { left.rawValue < right.rawValue }

    /// The time `interval` later, or earlier when it is negative.
    package func advanced(by interval: Interval) -> NTPTime {
        NTPTime(unixNanoseconds: unixNanoseconds &+ interval.nanoseconds)
    }

    /// The time from `earlier` to `self`.
    package func since(_ earlier: NTPTime) -> Interval {
        Interval(nanoseconds: unixNanoseconds &- earlier.unixNanoseconds)
    }
}

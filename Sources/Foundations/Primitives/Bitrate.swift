/// A rate of data, never negative and always finite.
///
/// Whatever arithmetic gives (no time passed, nothing measured), the result is a rate that can be compared and sent at.
package struct Bitrate: Comparable, Hashable, Sendable {
    package let bitsPerSecond: Double

    package static let zero = Bitrate(bitsPerSecond: 0)
    /// More than any path of ours carries: 1 Tbit/s.
    package static let highest = Bitrate(bitsPerSecond: 1e12)

    /// A rate between ``zero`` and ``highest``; what is not a number becomes ``zero``.
    @inlinable
    package init(bitsPerSecond: Double) {
        self.bitsPerSecond = bitsPerSecond > 0 ? Double.minimum(bitsPerSecond, 1e12) : 0
    }

    /// The rate at which `bytes` take `interval`; ``highest`` when that is no time at all.
    @inlinable
    package init(bytes: Int, in interval: Interval) {
        let seconds = interval.seconds
        self.init(bitsPerSecond: bytes <= 0 ? 0 : seconds > 0 ? Double(bytes) * 8 / seconds : 1e12)
    }

    @inlinable
    package static func kilobits(_ count: Double) -> Bitrate { Bitrate(bitsPerSecond: count * 1e3) }
    @inlinable
    package static func megabits(_ count: Double) -> Bitrate { Bitrate(bitsPerSecond: count * 1e6) }

    /// The whole bytes that pass in `interval`, at most `Int32.max`; 0 when it is negative.
    @inlinable
    package func bytes(in interval: Interval) -> Int {
        Int(Double.minimum(Double.maximum(bitsPerSecond / 8 * interval.seconds, 0), Double(Int32.max)))
    }

    @inlinable
    package static func < (left: Bitrate, right: Bitrate) -> Bool { left.bitsPerSecond < right.bitsPerSecond }
    @inlinable
    package static func * (rate: Bitrate, factor: Double) -> Bitrate {
        Bitrate(bitsPerSecond: rate.bitsPerSecond * factor)
    }
    @inlinable
    package static func + (left: Bitrate, right: Bitrate) -> Bitrate {
        Bitrate(bitsPerSecond: left.bitsPerSecond + right.bitsPerSecond)
    }
    /// The ratio of two rates; 0 when the second is ``zero``.
    @inlinable
    package static func / (left: Bitrate, right: Bitrate) -> Double {
        right.bitsPerSecond > 0 ? left.bitsPerSecond / right.bitsPerSecond : 0
    }
}

extension Bitrate: CustomStringConvertible {
    /// Whole kilobits per second: `2500 kbit/s`.
    package var description: String { "\(Int64((bitsPerSecond / 1e3).rounded())) kbit/s" }
}

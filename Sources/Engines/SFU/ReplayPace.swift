package import Primitives

/// How fast a group of pictures is replayed to a joining viewer.
///
/// max(4 x the stream's bitrate, 10 Mbit/s), in groups of at most 16 packets: fast enough to catch
/// up within a fraction of a second, slow enough for the buffers of an ordinary access line.
package struct ReplayPace: Sendable {
    /// Packets that leave at once at most.
    package static let groupSize = 16
    /// How often a group may leave.
    package static let interval = Interval.milliseconds(5)
    private static let minimumBitsPerSecond: Double = 10_000_000

    private var bytesPerInterval = 0
    private var credit = 0

    package init() {}

    /// Sets the pace for a stream of `bitsPerSecond`; the first group may leave at once.
    package mutating func start(streamBitsPerSecond bitsPerSecond: Double) {
        bytesPerInterval = Int(Self.bytesPerSecond(streamBitsPerSecond: bitsPerSecond) * Self.interval.seconds)
        credit = Self.groupSize * 1200
    }

    /// Bytes per second at which a replay of such a stream runs.
    package static func bytesPerSecond(streamBitsPerSecond bitsPerSecond: Double) -> Double {
        bitrate(streamBitsPerSecond: bitsPerSecond).bitsPerSecond / 8
    }

    /// The rate at which a replay of such a stream runs.
    package static func bitrate(streamBitsPerSecond bitsPerSecond: Double) -> Bitrate {
        Bitrate(bitsPerSecond: max(4 * bitsPerSecond, minimumBitsPerSecond))
    }

    /// How long it takes to replay `bytes` and all that arrives meanwhile.
    package static func duration(ofBytes bytes: Int, streamBitsPerSecond bitsPerSecond: Double) -> Interval {
        let net = bytesPerSecond(streamBitsPerSecond: bitsPerSecond) - bitsPerSecond / 8
        return Interval(seconds: Double(bytes) / net)
    }

    /// Gives the allowance of one interval; unused allowance is kept for one group at most.
    package mutating func tick() {
        credit = min(credit + bytesPerInterval, max(bytesPerInterval, Self.groupSize * 1200))
    }

    package var maySend: Bool { credit > 0 }

    package mutating func spend(_ bytes: Int) {
        credit -= bytes
    }
}

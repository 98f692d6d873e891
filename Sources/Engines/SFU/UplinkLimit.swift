package import Primitives

/// What a publisher without transport-wide feedback is told it may send (draft-alvestrand-rmcat-remb-03).
///
/// Such a publisher estimates its path from our receiver reports, but never goes beyond the last REMB, and some (aiortc)
/// stay where they began until one comes. So the limit leads what arrives: it is well above it while nothing is lost, and a
/// little below it while more than a tenth is.
package struct UplinkLimit: Sendable {
    /// Never less than this: sound and a small picture.
    package static let minimum = Bitrate.kilobits(300)
    /// Never more than this; encoders have limits of their own.
    package static let maximum = Bitrate.megabits(20)
    /// What a publisher is allowed at first.
    package static let start = Bitrate.megabits(2)

    private static let growth = 1.5
    private static let backoff = 0.85
    /// Parts of packets lost at which the limit falls, and up to which it may grow (draft-ietf-rmcat-gcc-02 §6).
    private static let highLoss = 0.1
    private static let lowLoss = 0.02

    package private(set) var bitrate = UplinkLimit.start
    private var expected: Int64 = 0
    private var lost: Int64 = 0

    package init() {}

    /// Takes in the last second.
    ///
    /// - Parameters:
    ///   - received: What arrived.
    ///   - expected: Packets of all its streams since the beginning that should have come.
    ///   - lost: Those of them that did not come by themselves.
    package mutating func update(received: Bitrate, expected: Int64, lost: Int64) {
        let newExpected = expected - self.expected
        let newLost = max(lost - self.lost, 0)
        self.expected = expected
        self.lost = lost
        let fraction = newExpected > 0 ? Double(newLost) / Double(newExpected) : 0
        if fraction > Self.highLoss {
            bitrate = min(bitrate, received * Self.backoff)
        } else if fraction <= Self.lowLoss {
            bitrate = max(bitrate, received * Self.growth)
        }
        bitrate = min(max(bitrate, Self.minimum), Self.maximum)
    }
}

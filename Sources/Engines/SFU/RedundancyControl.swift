package import Primitives

/// Decides how many earlier frames each audio packet to a viewer repeats, by the losses that the viewer reports (RFC 2198).
///
/// Sound cannot wait for a retransmission, and repeating it costs little beside a picture. One repeated frame makes of 10%
/// random loss 1%, two make a tenth of that.
package struct RedundancyControl: Sendable {
    /// Frames repeated at most.
    package static let maximumLevel = 2
    /// Losses from which on one frame is repeated, and two.
    package static let lowLoss = 0.01
    package static let highLoss = 0.08
    /// Losses below this are none; after so long without any there is nothing to protect against.
    package static let cleanLoss = 0.005
    package static let cleanTime = Interval.seconds(10)
    /// Weight of the newest report once losses fall.
    private static let weight = 0.25

    /// Frames to repeat: 0...2.
    package private(set) var level = 0
    private var loss = 0.0
    private var lossyAt: Instant?

    package init() {}

    /// Takes the part of packets lost since the last report, 0 to 1.
    package mutating func receive(fractionLost: Double, at now: Instant) {
        // Up at once: what is lost until the next report is lost for good.
        loss = max(loss + (fractionLost - loss) * Self.weight, fractionLost / 2)
        if fractionLost >= Self.cleanLoss { lossyAt = now }
        if loss >= Self.highLoss {
            level = Self.maximumLevel
        } else if loss >= Self.lowLoss {
            level = max(level, 1)
        }
        guard let lossyAt, now - lossyAt >= Self.cleanTime else { return }
        level = 0
        loss = 0
    }
}

package import Primitives

/// A frame that was put together from RTP packets, with what is known about its way.
package struct ReceivedFrame: Sendable {
    /// Why a frame is not what was sent.
    package enum Damage: Equatable, Sendable {
        /// Packets of it are missing, or may be: nobody can tell where the lost ones belonged.
        case packetsLost
        /// A payload was not what the codec's format prescribes, or the frame exceeds a bound.
        case malformed(ParseError)
    }

    /// What came of the frame, with times that count from the first frame of the track.
    ///
    /// Of a damaged frame it holds the NAL units or OBUs that came whole, which may be none; of VP8 and VP9, nothing.
    package var frame: EncodedFrame
    /// The RTP timestamp of its packets.
    package var timestamp: UInt32
    /// `nil` for a frame that is exactly what was sent.
    package var damage: Damage?
    /// Packets missing since the frame before, its own included.
    ///
    /// A complete frame behind such a gap is of use only if it is a key frame.
    package var packetsLost: Int64

    package var isComplete: Bool { damage == nil }

    package init(frame: EncodedFrame, timestamp: UInt32, damage: Damage? = nil, packetsLost: Int64 = 0) {
        self.frame = frame
        self.timestamp = timestamp
        self.damage = damage
        self.packetsLost = packetsLost
    }
}

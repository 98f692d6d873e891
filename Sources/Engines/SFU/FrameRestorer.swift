package import Media
package import Primitives

/// Makes the frames of one track from its packets: in order, whole, and only such as a decoder can show.
///
/// Reads what came from a track's ``PacketLog``, where packets lie as they arrived and retransmissions lie behind what they
/// were late for. Behind a damaged frame or a gap nothing comes out until the next key frame, which must be asked for.
package struct FrameRestorer: Sendable {
    /// How long the first packets are given to be those of a key frame, before one is asked for.
    static let firstPatience = Interval.milliseconds(200)
    /// When to ask again for a key frame that does not come.
    static let retryInterval = Interval.seconds(1)

    package let codec: Codec
    private var reorder: ReorderBuffer
    private var depacketizer: RTPDepacketizer
    /// When to ask for the key frame that is waited for; `nil` while frames flow.
    private var keyFrameDueAt: Instant?
    private var awaitsKeyFrame: Bool
    /// Frames that have not been taken out yet.
    private var ready: [ReceivedFrame] = []

    /// Frames that were left out because they were damaged, or depended on what was lost.
    package private(set) var undecodable = 0

    /// - Parameters:
    ///   - codec: That of the track.
    ///   - patience: How long a missing packet is waited for; longer than a retransmission takes.
    package init(codec: Codec, patience: Interval = .milliseconds(300)) {
        self.codec = codec
        reorder = ReorderBuffer(patience: patience)
        depacketizer = RTPDepacketizer(codec: codec)
        awaitsKeyFrame = codec.kind == .video
    }

    /// When ``frames(at:)`` has something to do without another packet; `nil` for never.
    package var deadline: Instant? { reorder.deadline }

    /// When ``asksForKeyFrame(at:)`` will say so next; `nil` while none is needed.
    package var keyFrameDeadline: Instant? { keyFrameDueAt }

    /// Takes a packet; one that came before is passed over.
    package mutating func receive(_ packet: ReorderBuffer.Packet) {
        if awaitsKeyFrame, keyFrameDueAt == nil { keyFrameDueAt = packet.arrivedAt + Self.firstPatience }
        reorder.insert(packet)
        assemble(at: packet.arrivedAt)
    }

    /// Takes out the frames that are complete, in decoding order.
    package mutating func frames(at now: Instant) -> [ReceivedFrame] {
        assemble(at: now)
        defer { ready.removeAll(keepingCapacity: true) }
        return ready
    }

    private mutating func assemble(at now: Instant) {
        while let packet = reorder.next(at: now) {
            let received = depacketizer.receive(
                packet.payload.span,
                sequence: packet.sequence,
                timestamp: packet.timestamp,
                marker: packet.marker
            )
            for frame in received where admit(frame, at: now) { ready.append(frame) }
        }
    }

    /// Whether a key frame should be asked for now; at most once a second.
    package mutating func asksForKeyFrame(at now: Instant) -> Bool {
        guard let due = keyFrameDueAt, now >= due else { return false }
        keyFrameDueAt = now + Self.retryInterval
        return true
    }

    private mutating func admit(_ received: ReceivedFrame, at now: Instant) -> Bool {
        if codec.kind == .video {
            if received.isComplete, received.frame.isKeyFrame {
                awaitsKeyFrame = false
                keyFrameDueAt = nil
            } else if !received.isComplete || received.packetsLost > 0 {
                if !awaitsKeyFrame { keyFrameDueAt = now }
                awaitsKeyFrame = true
            }
        }
        guard received.isComplete, !awaitsKeyFrame else {
            undecodable += 1
            return false
        }
        return true
    }
}

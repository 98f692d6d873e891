import Primitives

/// Puts the frames of one track together again from their RTP packets: the counterpart of ``RTPPacketizer``.
///
/// Packets must come in the order of their sequence numbers; what is older than the last one is passed over, so that a
/// duplicate does no harm. A number that is left out is a lost packet. A frame ends with the marker, or where another
/// timestamp begins.
package struct RTPDepacketizer: Sendable {
    /// Bytes of a frame at most; 8 MiB is more than a key frame of 4K video has.
    package static let defaultMaximumFrameSize = 8 << 20

    package let codec: Codec
    private let maximumFrameSize: Int
    /// The number after the last packet's; `nil` before the first.
    private var expected: Int64?
    private var assembly: FrameAssembly?
    private var packetsLost: Int64 = 0
    private var timestamps = TimestampUnwrapper()
    private var firstTimestamp: Int64?
    private var lastDecodeTime = Int64.min

    /// - Parameters:
    ///   - codec: One that travels over RTP; all packets of others make damaged frames.
    ///   - maximumFrameSize: Bytes that a sender can make us hold; a larger frame is damaged.
    package init(codec: Codec, maximumFrameSize: Int = defaultMaximumFrameSize) {
        self.codec = codec
        self.maximumFrameSize = maximumFrameSize
    }

    /// Takes the next packet.
    ///
    /// - Parameters:
    ///   - payload: Without RTP header and padding. An empty one, as bandwidth probes have, counts as received.
    ///   - sequence: The extended sequence number.
    ///   - timestamp: That of the RTP header.
    ///   - marker: That of the RTP header.
    /// - Returns: The frames that end with this packet: none, one, or two when the marker of the frame before did not
    ///   come. Frames without content (only delimiters) are left out.
    /// - Complexity: Linear in the payload; each byte is copied at most twice.
    package mutating func receive(
        _ payload: Span<UInt8>,
        sequence: Int64,
        timestamp: UInt32,
        marker: Bool
    ) -> [ReceivedFrame] {
        let missing = sequence &- (expected ?? sequence)
        guard missing >= 0 else { return [] }
        let isFirst = expected == nil
        expected = sequence &+ 1
        packetsLost &+= missing
        guard !payload.isEmpty else {
            if missing > 0 { assembly?.noteLoss() }
            return []
        }
        var frames: [ReceivedFrame] = []
        if let current = assembly, current.timestamp != timestamp {
            // Its end may be among what was lost.
            if missing > 0 { assembly?.noteLoss() }
            if let frame = finish() { frames.append(frame) }
        } else if missing > 0 {
            assembly?.noteLoss()
        }
        if assembly == nil {
            assembly = FrameAssembly(
                codec: codec,
                timestamp: timestamp,
                maximumSize: maximumFrameSize,
                mayLackStart: isFirst || missing > 0
            )
        }
        assembly?.add(payload)
        // The marker of audio says that talk begins, not that a frame ends: each packet is one.
        if marker || codec.kind == .audio, let frame = finish() { frames.append(frame) }
        return frames
    }

    private mutating func finish() -> ReceivedFrame? {
        guard var finished = assembly else { return nil }
        assembly = nil
        finished.end()
        guard !finished.payload.isEmpty || finished.damage != nil else { return nil }
        defer { packetsLost = 0 }
        let extended = timestamps.unwrap(finished.timestamp)
        let first = firstTimestamp ?? extended
        firstTimestamp = first
        let time = Interval(ticks: extended &- first, atRate: codec.clockRate).nanoseconds / 1_000
        lastDecodeTime = max(lastDecodeTime, time)
        return ReceivedFrame(
            frame: EncodedFrame(
                codec: codec,
                // RTP tells when a frame is shown; it is decoded in the order in which it came.
                decodeTime: lastDecodeTime,
                presentationTime: time,
                isKeyFrame: codec.kind == .audio || finished.isKeyFrame,
                payload: finished.payload
            ),
            timestamp: finished.timestamp,
            damage: finished.damage,
            packetsLost: packetsLost
        )
    }
}

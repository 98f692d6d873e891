/// One access unit of one track on the frame lane: what RTMP delivers, what packetizers and encoders exchange.
package struct EncodedFrame: Sendable {
    package var codec: Codec
    /// Microseconds of media time since the start of the stream; never decreases within a track.
    package var decodeTime: Int64
    /// Microseconds of media time at which the frame is shown; equals ``decodeTime`` without B-frames.
    package var presentationTime: Int64
    package var isKeyFrame: Bool
    /// The coded bytes, in the layout of the codec.
    ///
    /// H.264/H.265: NAL units, each behind a four-byte big-endian length. AV1: a temporal unit of OBUs with size
    /// fields. VP8, VP9: the frame. Opus, AAC (raw, no ADTS), G.711: the packet.
    package var payload: [UInt8]

    package init(
        codec: Codec,
        decodeTime: Int64,
        presentationTime: Int64,
        isKeyFrame: Bool,
        payload: [UInt8]
    ) {
        self.codec = codec
        self.decodeTime = decodeTime
        self.presentationTime = presentationTime
        self.isKeyFrame = isKeyFrame
        self.payload = payload
    }
}

/// What a decoder must know before the first frame of a track.
package enum CodecConfiguration: Hashable, Sendable {
    /// Parameter sets as NAL units without start code or length: SPS then PPS.
    case h264(sps: [[UInt8]], pps: [[UInt8]])
    /// VPS, SPS, PPS as NAL units without start code or length.
    case h265(vps: [[UInt8]], sps: [[UInt8]], pps: [[UInt8]])
    /// The `av1C` configuration OBUs (a sequence header), with size fields.
    case av1(configurationOBUs: [UInt8])
    case vp9
    case vp8
    /// The AudioSpecificConfig of ISO/IEC 14496-3.
    case aac(audioSpecificConfig: [UInt8])
    case opus(channels: Int)

    package var codec: Codec {
        switch self {
        case .h264: .h264
        case .h265: .h265
        case .av1: .av1
        case .vp9: .vp9
        case .vp8: .vp8
        case .aac: .aac
        case .opus: .opus
        }
    }
}

import Media

/// A parser of untrusted bytes, ready to be fed by a fuzzer, or by a test with what a fuzzer once found.
///
/// A target fails by trapping. Errors that a parser throws are what it is there for.
package enum FuzzTarget: String, CaseIterable, Sendable {
    case stun
    case ice
    case turn
    case frames
    case rtp
    case rtcp
    case red
    case sdp
    case offer
    case counterAnswer = "counter-answer"
    case trickle
    case rtmp
    case chunks
    case amf
    case flv
    case h264
    case h265
    case av1
    case payload
    case descriptor
    case m3u8
    case signaling
    case hlsRequest = "hls-request"
    case hlsFrames = "hls-frames"
    case mp4
    case depacketizeH264 = "depacketize-h264"
    case depacketizeH265 = "depacketize-h265"
    case depacketizeVP8 = "depacketize-vp8"
    case depacketizeVP9 = "depacketize-vp9"
    case depacketizeAV1 = "depacketize-av1"
    case depacketizeOpus = "depacketize-opus"

    /// Runs the parser over `input`, from wherever the network could have sent it.
    package func run(_ input: Span<UInt8>) {
        switch self {
        case .stun: fuzzSTUN(input)
        case .ice: fuzzICE(input)
        case .turn: fuzzTURN(input)
        case .frames: fuzzFrames(input)
        case .rtp: fuzzRTP(input)
        case .rtcp: fuzzRTCP(input)
        case .red: fuzzRED(input)
        case .sdp: fuzzSessionDescription(input)
        case .offer: fuzzOffer(input)
        case .counterAnswer: fuzzCounterAnswer(input)
        case .trickle: fuzzTrickle(input)
        case .rtmp: fuzzRTMPSession(input)
        case .chunks: fuzzChunks(input)
        case .amf: fuzzAMF(input)
        case .flv: fuzzFLV(input)
        case .h264: fuzzH264(input)
        case .h265: fuzzH265(input)
        case .av1: fuzzAV1(input)
        case .payload: fuzzPayload(input)
        case .descriptor: fuzzDescriptor(input)
        case .m3u8: fuzzPlaylist(input)
        case .signaling: fuzzSignaling(input)
        case .hlsRequest: fuzzHLSRequest(input)
        case .hlsFrames: fuzzHLSFrames(input)
        case .mp4: fuzzMP4(input)
        case .depacketizeH264: fuzzDepacketizer(input, codec: .h264)
        case .depacketizeH265: fuzzDepacketizer(input, codec: .h265)
        case .depacketizeVP8: fuzzDepacketizer(input, codec: .vp8)
        case .depacketizeVP9: fuzzDepacketizer(input, codec: .vp9)
        case .depacketizeAV1: fuzzDepacketizer(input, codec: .av1)
        case .depacketizeOpus: fuzzDepacketizer(input, codec: .opus)
        }
    }
}

/// The bytes of a span, for parsers that keep them.
func array(_ span: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(span.count)
    for index in 0..<span.count {
        bytes.append(span[index])
    }
    return bytes
}

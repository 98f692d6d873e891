import ISOBMFF
import Media
import Primitives
import RTMP
import RTP

/// The first byte chooses how many bytes arrive at a time; the rest is what an encoder sends.
func fuzzRTMPSession(_ input: Span<UInt8>) {
    guard input.count > 1 else { return }
    var generator = CountingGenerator()
    var session = RTMPServerSession(now: .zero, using: &generator)
    let step = Int(input[0]) * 8 + 1
    let bytes = array(input.extracting(droppingFirst: 1))
    var packetizers = Packetizers()
    for start in stride(from: 0, to: bytes.count, by: step) {
        session.receive(bytes.span.extracting(start..<min(start + step, bytes.count)), at: .zero)
        drain(&session, into: &packetizers)
    }
    session.advance(to: .zero + .seconds(60))
    drain(&session, into: &packetizers)
}

private func drain(_ session: inout RTMPServerSession, into packetizers: inout Packetizers) {
    while let output = session.nextOutput() {
        switch output {
        case .publishRequested: session.acceptPublish()
        case .configuration(let configuration): packetizers.configure(configuration)
        case .frame(let frame): packetizers.packetize(frame)
        default: break
        }
    }
}

/// Boxes of files that a crash may have cut short.
func fuzzMP4(_ input: Span<UInt8>) {
    _ = try? MovieSummary(parsing: input)
    _ = try? FragmentSummary(parsing: input)
    _ = try? RandomAccessIndex(parsing: input)
    _ = RandomAccessIndex.size(fromTail: input)
}

func fuzzChunks(_ input: Span<UInt8>) {
    var reader = ChunkReader(limits: RTMPLimits())
    _ = try? reader.receive(input)
}

func fuzzAMF(_ input: Span<UInt8>) {
    var reader = AMF0Reader(input)
    _ = try? reader.readAll()
}

func fuzzFLV(_ input: Span<UInt8>) {
    _ = try? MediaTag.parse(input, kind: .video)
    _ = try? MediaTag.parse(input, kind: .audio)
}

func fuzzH264(_ input: Span<UInt8>) {
    _ = try? H264SequenceParameterSet(parsing: input)
    _ = try? AVCDecoderConfigurationRecord(parsing: input)
    fuzzUnits(input)
}

func fuzzH265(_ input: Span<UInt8>) {
    _ = try? H265SequenceParameterSet(parsing: input)
    _ = try? HEVCDecoderConfigurationRecord(parsing: input)
    fuzzUnits(input)
}

func fuzzAV1(_ input: Span<UInt8>) {
    _ = try? AV1CodecConfigurationRecord(parsing: input)
    _ = try? AudioSpecificConfig(parsing: input)
    let bytes = array(input)
    _ = try? AV1SequenceHeader(among: bytes)
    _ = try? AV1SequenceHeader(parsing: bytes)
    _ = try? VPFrameHeader(keyFrame: bytes, codec: .vp8)
    _ = try? VPFrameHeader(keyFrame: bytes, codec: .vp9)
}

private func fuzzUnits(_ input: Span<UInt8>) {
    let bytes = array(input)
    _ = try? NALUnits.ranges(annexB: input)
    _ = try? NALUnits.lengthPrefixed(fromAnnexB: bytes)
    for lengthSize in 1...4 {
        _ = try? NALUnits.normalize(bytes, lengthSize: lengthSize)
    }
    var packetizers = Packetizers()
    for codec in [Codec.h264, .h265, .vp8, .vp9, .av1] {
        packetizers.packetize(
            EncodedFrame(codec: codec, decodeTime: 0, presentationTime: 0, isKeyFrame: true, payload: bytes)
        )
    }
}

/// One packetizer for each codec, with the configuration seen last.
private struct Packetizers {
    private var packetizers: [Codec: RTPPacketizer] = [:]
    private var configurations: [Codec: CodecConfiguration] = [:]

    mutating func configure(_ configuration: CodecConfiguration) {
        configurations[configuration.codec] = configuration
    }

    mutating func packetize(_ frame: EncodedFrame) {
        guard frame.codec.rtpName != nil else { return }
        var packetizer =
            packetizers[frame.codec]
            ?? RTPPacketizer(codec: frame.codec, payloadType: 96, ssrc: 1, firstSequenceNumber: 65_530)
        var burst = PacketBurst()
        try? packetizer.packetize(frame, configuration: configurations[frame.codec], timestamp: 0, into: &burst)
        for entry in burst.entries {
            precondition(entry.length <= 1_200, "a packet of \(entry.length) bytes")
        }
        packetizers[frame.codec] = packetizer
    }
}

/// The same numbers in every run, so that a finding can be reproduced.
private struct CountingGenerator: RandomNumberGenerator {
    private var state: UInt64 = 0

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return state
    }
}

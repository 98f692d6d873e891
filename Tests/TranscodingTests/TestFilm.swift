import CFFmpeg
import Media
import Testing

/// Pictures of a known brightness, encoded as a publisher would.
///
/// Picture `n` has the brightness `40 + 2 * (n % 80)` everywhere but for moving stripes in its lower half, so that a
/// picture that comes out somewhere tells which one it is.
struct TestFilm {
    var configuration: CodecConfiguration
    /// In decoding order, their times in microseconds.
    var frames: [EncodedFrame]

    static func brightness(ofPicture number: Int) -> Int { 40 + 2 * (number % 80) }

    /// Encodes `count` pictures with an encoder of libavcodec, `options` being those of an ffmpeg command line.
    init(
        _ encoder: String = "libx264",
        count: Int = 60,
        width: Int = 160,
        height: Int = 96,
        framesPerSecond: Int32 = 30,
        keyFrameInterval: Int32 = 30,
        bFrames: Int32 = 0,
        options: [String: String] = [:]
    ) throws {
        let codec: Codec =
            switch encoder {
            case "libx265": .h265
            case "libvpx": .vp8
            case "libvpx-vp9": .vp9
            case "libaom-av1", "libsvtav1": .av1
            default: .h264
            }
        let coder = try TestEncoder(encoder) { context in
            context.pointee.width = Int32(width)
            context.pointee.height = Int32(height)
            context.pointee.pix_fmt = AV_PIX_FMT_YUV420P
            context.pointee.time_base = AVRational(num: 1, den: framesPerSecond)
            context.pointee.framerate = AVRational(num: framesPerSecond, den: 1)
            context.pointee.gop_size = keyFrameInterval
            context.pointee.max_b_frames = bFrames
            context.pointee.bit_rate = 800_000
            for (name, value) in options { av_opt_set(context, name, value, AV_OPT_SEARCH_CHILDREN) }
        }
        coder.frame.pointee.format = AV_PIX_FMT_YUV420P.rawValue
        coder.frame.pointee.width = Int32(width)
        coder.frame.pointee.height = Int32(height)
        try TestCodecs.check(av_frame_get_buffer(coder.frame, 0), "get_buffer")
        var packets: [TestEncoder.Packet] = []
        for number in 0..<count {
            try TestCodecs.check(av_frame_make_writable(coder.frame), "make_writable")
            try Self.paint(number, into: coder.frame)
            coder.frame.pointee.pts = Int64(number)
            packets += try coder.encode()
        }
        packets += try coder.encode(flush: true)
        let first = packets.first?.dts ?? 0
        let frames = try packets.map { packet in
            EncodedFrame(
                codec: codec,
                decodeTime: (packet.dts - first) * 1_000_000 / Int64(framesPerSecond),
                presentationTime: (packet.pts - first) * 1_000_000 / Int64(framesPerSecond),
                isKeyFrame: packet.isKeyFrame,
                payload: codec == .h264 || codec == .h265
                    ? try NALUnits.lengthPrefixed(fromAnnexB: packet.payload) : packet.payload
            )
        }
        self.frames = frames
        configuration =
            try codec == .av1
            ? #require(frames.first.flatMap { CodecConfiguration(inBandOf: $0) })
            : Self.configuration(codec, extradata: coder.extradata)
    }

    private static func paint(_ number: Int, into frame: UnsafeMutablePointer<AVFrame>) throws {
        let width = Int(frame.pointee.width)
        let height = Int(frame.pointee.height)
        let luma = try #require(frame.pointee.data.0)
        let stride = Int(frame.pointee.linesize.0)
        for row in 0..<height {
            for column in 0..<width {
                luma[row * stride + column] =
                    row < height / 2
                    ? UInt8(brightness(ofPicture: number)) : UInt8(60 + (column + 2 * number) / 8 % 4 * 40)
            }
        }
        for plane in [frame.pointee.data.1, frame.pointee.data.2] {
            let chroma = try #require(plane)
            for row in 0..<(height / 2) {
                for column in 0..<(width / 2) { chroma[row * Int(frame.pointee.linesize.1) + column] = 128 }
            }
        }
    }

    private static func configuration(_ codec: Codec, extradata: [UInt8]) throws -> CodecConfiguration {
        switch codec {
        case .h264:
            let sets = try NALUnits.ranges(annexB: extradata.span).map { Array(extradata[$0]) }
            return .h264(sps: sets.filter { $0[0] & 0x1F == 7 }, pps: sets.filter { $0[0] & 0x1F == 8 })
        case .h265:
            let sets = try NALUnits.ranges(annexB: extradata.span).map { Array(extradata[$0]) }
            return .h265(
                vps: sets.filter { $0[0] >> 1 & 0x3F == 32 }, sps: sets.filter { $0[0] >> 1 & 0x3F == 33 },
                pps: sets.filter { $0[0] >> 1 & 0x3F == 34 })
        default: return codec == .vp8 ? .vp8 : .vp9
        }
    }
}

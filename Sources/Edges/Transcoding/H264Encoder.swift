import CFFmpeg
import Media

/// libx264 (through libavcodec) tuned for live pictures: constrained baseline, one slice, no frame held back.
struct H264Encoder: ~Copyable {
    /// What an encoder is opened with.
    struct Settings: Sendable {
        var width: Int
        var height: Int
        var framesPerSecond: Int
        /// Bits per second.
        var bitrate: Int
        /// Frames from one key frame to the next.
        var keyFrameInterval: Int
    }

    private var context: UnsafeMutablePointer<AVCodecContext>?
    private var packet: UnsafeMutablePointer<AVPacket>?
    private var frame: UnsafeMutablePointer<AVFrame>?

    init(_ settings: Settings) throws(TranscodingError) {
        martlet_av_silence()
        guard let codec = avcodec_find_encoder_by_name("libx264") else { throw .codecUnavailable(name: "libx264") }
        context = avcodec_alloc_context3(codec)
        packet = av_packet_alloc()
        frame = av_frame_alloc()
        guard let context, packet != nil, let frame else { throw .openFailed(codec: "libx264", code: -1) }

        context.pointee.width = Int32(clamping: settings.width)
        context.pointee.height = Int32(clamping: settings.height)
        context.pointee.pix_fmt = AV_PIX_FMT_YUV420P
        context.pointee.framerate = AVRational(num: Int32(clamping: settings.framesPerSecond), den: 1)
        context.pointee.time_base = AVRational(num: 1, den: Int32(clamping: settings.framesPerSecond))
        context.pointee.gop_size = Int32(clamping: settings.keyFrameInterval)
        context.pointee.max_b_frames = 0
        context.pointee.refs = 1
        context.pointee.bit_rate = Int64(settings.bitrate)
        // Half a second of buffer keeps key frames from bursting far above the rate.
        context.pointee.rc_max_rate = Int64(settings.bitrate)
        context.pointee.rc_buffer_size = Int32(clamping: settings.bitrate / 2)
        context.pointee.thread_count = 1
        context.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER
        for (name, value) in [
            ("preset", "superfast"), ("tune", "zerolatency"), ("profile", "baseline"), ("forced-idr", "1"),
            // The flash is no new scene: key frames come when we say.
            ("sc_threshold", "0"),
        ] {
            av_opt_set(context, name, value, AV_OPT_SEARCH_CHILDREN)
        }
        var code = avcodec_open2(context, codec, nil)
        guard code >= 0 else { throw .openFailed(codec: "libx264", code: code) }

        frame.pointee.format = AV_PIX_FMT_YUV420P.rawValue
        frame.pointee.width = context.pointee.width
        frame.pointee.height = context.pointee.height
        code = av_frame_get_buffer(frame, 0)
        guard code >= 0 else { throw .openFailed(codec: "libx264", code: code) }
    }

    deinit {
        var context = context
        var packet = packet
        var frame = frame
        avcodec_free_context(&context)
        av_packet_free(&packet)
        av_frame_free(&frame)
    }

    /// The parameter sets that open every key frame.
    var configuration: CodecConfiguration {
        var sps: [[UInt8]] = []
        var pps: [[UInt8]] = []
        if let context, let data = context.pointee.extradata, context.pointee.extradata_size > 0 {
            let bytes = Array(UnsafeBufferPointer(start: data, count: Int(context.pointee.extradata_size)))
            for range in (try? NALUnits.ranges(annexB: bytes.span)) ?? [] {
                switch H264NALUnitType.of(bytes[range.lowerBound]) {
                case H264NALUnitType.sequenceParameterSet: sps.append(Array(bytes[range]))
                case H264NALUnitType.pictureParameterSet: pps.append(Array(bytes[range]))
                default: continue
                }
            }
        }
        return .h264(sps: sps, pps: pps)
    }

    /// Encodes the picture with number `index`, which must grow from call to call.
    ///
    /// - Returns: The NAL units as ``EncodedFrame/payload`` holds them; `nil` when the encoder gives nothing.
    mutating func encode(
        _ picture: Picture,
        index: Int64,
        asKeyFrame: Bool
    ) throws(TranscodingError) -> (payload: [UInt8], isKeyFrame: Bool)? {
        guard let context, let packet, let frame else { return nil }
        var code = av_frame_make_writable(frame)
        guard code >= 0 else { throw .codingFailed(codec: "libx264", code: code) }
        copy(picture.luma, width: picture.width, to: frame.pointee.data.0, stride: Int(frame.pointee.linesize.0))
        copy(picture.blue, width: picture.width / 2, to: frame.pointee.data.1, stride: Int(frame.pointee.linesize.1))
        copy(picture.red, width: picture.width / 2, to: frame.pointee.data.2, stride: Int(frame.pointee.linesize.2))
        frame.pointee.pts = index
        frame.pointee.pict_type = asKeyFrame ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE

        code = avcodec_send_frame(context, frame)
        guard code >= 0 else { throw .codingFailed(codec: "libx264", code: code) }
        code = avcodec_receive_packet(context, packet)
        if code == martlet_averror_try_again() { return nil }
        guard code >= 0 else { throw .codingFailed(codec: "libx264", code: code) }
        defer { av_packet_unref(packet) }
        guard let data = packet.pointee.data, packet.pointee.size > 0 else { return nil }
        let bytes = Array(UnsafeBufferPointer(start: data, count: Int(packet.pointee.size)))
        guard let payload = try? NALUnits.lengthPrefixed(fromAnnexB: bytes) else { return nil }
        return (payload, packet.pointee.flags & AV_PKT_FLAG_KEY != 0)
    }

    private func copy(_ plane: [UInt8], width: Int, to target: UnsafeMutablePointer<UInt8>?, stride: Int) {
        guard let target, width > 0 else { return }
        plane.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            for row in 0..<(source.count / width) {
                (target + row * stride).update(from: base + row * width, count: width)
            }
        }
    }
}

import CFFmpeg
import Media

/// A video encoder of libavcodec, tuned for live pictures: no reordering, one slice, nothing held back.
final class LibavcodecVideoEncoder: VideoEncoder {
    private let name: String
    private let codec: Codec
    private var context: UnsafeMutablePointer<AVCodecContext>?
    private var packet: UnsafeMutablePointer<AVPacket>?
    private let bitrate: Int
    /// Where pictures go that the encoder takes from a graphics card.
    private let card: GraphicsCardFrames?
    /// Pictures per second: assumed at first, then measured.
    private var frameRate = 30.0
    private var assumedFrameRate = 30.0
    private var lastTime: Int64?

    /// Opens the encoder that libavcodec calls `name`.
    ///
    /// What `picture` says of its colours goes into the parameter sets.
    init(_ name: String, _ settings: VideoEncoderSettings, like picture: DecodedPicture? = nil) throws(TranscodingError)
    {
        self.name = name
        codec = settings.codec
        bitrate = settings.bitrate
        martlet_av_silence()
        guard let encoder = avcodec_find_encoder_by_name(name) else { throw .codecUnavailable(name: name) }
        card = name.hasSuffix("_vaapi") ? try GraphicsCardFrames(width: settings.width, height: settings.height) : nil
        context = avcodec_alloc_context3(encoder)
        packet = av_packet_alloc()
        guard let context, packet != nil else { throw .openFailed(codec: name, code: -1) }
        context.pointee.width = Int32(clamping: settings.width)
        context.pointee.height = Int32(clamping: settings.height)
        context.pointee.pix_fmt = AV_PIX_FMT_YUV420P
        card?.attach(to: context)
        context.pointee.color_range = AVCOL_RANGE_MPEG
        if let picture {
            context.pointee.colorspace = picture.frame.pointee.colorspace
            context.pointee.color_primaries = picture.frame.pointee.color_primaries
            context.pointee.color_trc = picture.frame.pointee.color_trc
            context.pointee.sample_aspect_ratio = picture.frame.pointee.sample_aspect_ratio
        }
        context.pointee.time_base = AVRational(num: 1, den: 1_000_000)
        context.pointee.framerate = AVRational(num: 30, den: 1)
        // libvpx takes this for how long the first picture is shown.
        context.pointee.ticks_per_frame = 33_333
        context.pointee.gop_size = 1 << 20
        context.pointee.max_b_frames = 0
        context.pointee.refs = 1
        context.pointee.bit_rate = Int64(settings.bitrate)
        // Half a second of buffer keeps key frames from bursting far above the rate.
        context.pointee.rc_max_rate = Int64(settings.bitrate)
        context.pointee.rc_buffer_size = Int32(clamping: settings.bitrate / 2)
        if codec == .vp8 { context.pointee.rc_min_rate = Int64(settings.bitrate) }
        context.pointee.thread_count = 1
        context.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER
        for (option, value) in Self.options[name] ?? [] {
            av_opt_set(context, option, value, AV_OPT_SEARCH_CHILDREN)
        }
        let code = avcodec_open2(context, encoder, nil)
        guard code >= 0 else { throw .openFailed(codec: name, code: code) }
    }

    deinit {
        avcodec_free_context(&context)
        av_packet_free(&packet)
    }

    static func isAvailable(_ name: String) -> Bool {
        avcodec_find_encoder_by_name(name) != nil
    }

    /// What makes each encoder fast, without delay, and obedient about key frames.
    private static let options: [String: [(String, String)]] = [
        "libx264": [
            ("preset", "superfast"), ("tune", "zerolatency"), ("profile", "baseline"), ("forced-idr", "1"),
            // A flash is no new scene: key frames come when we say.
            ("sc_threshold", "0"),
        ],
        "libopenh264": [("profile", "constrained_baseline"), ("allow_skip_frames", "0"), ("rc_mode", "bitrate")],
        "h264_nvenc": [
            ("preset", "p2"), ("tune", "ull"), ("profile", "baseline"), ("forced-idr", "1"), ("zerolatency", "1"),
            ("delay", "0"), ("no-scenecut", "1"), ("rc", "cbr"),
        ],
        "h264_vaapi": [
            ("profile", "constrained_baseline"), ("rc_mode", "CBR"), ("async_depth", "1"), ("idr_interval", "0"),
        ],
        "libvpx": [
            ("deadline", "realtime"), ("cpu-used", "-8"), ("lag-in-frames", "0"), ("auto-alt-ref", "0"),
            ("max-intra-rate", "300"), ("drop-threshold", "0"),
        ],
    ]

    var configuration: CodecConfiguration {
        guard codec == .h264 else { return .vp8 }
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

    func encode(_ picture: DecodedPicture, asKeyFrame: Bool) throws(TranscodingError) -> EncodedFrame? {
        // Shares the pixels; what is said about them may then differ from encoder to encoder.
        var clone = av_frame_clone(picture.frame)
        defer { av_frame_free(&clone) }
        guard let context, let packet, let frame = clone else { return nil }
        frame.pointee.pict_type = asKeyFrame ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE
        frame.pointee.key_frame = asKeyFrame ? 1 : 0
        follow(picture.time)
        var uploaded = try card?.upload(frame)
        defer { av_frame_free(&uploaded) }
        var code = avcodec_send_frame(context, uploaded ?? frame)
        guard code >= 0 else { throw .codingFailed(codec: name, code: code) }
        code = avcodec_receive_packet(context, packet)
        if code == martlet_averror_try_again() { return nil }
        guard code >= 0 else { throw .codingFailed(codec: name, code: code) }
        defer { av_packet_unref(packet) }
        guard let data = packet.pointee.data, packet.pointee.size > 0 else { return nil }
        var payload = Array(UnsafeBufferPointer(start: data, count: Int(packet.pointee.size)))
        if codec == .h264 {
            guard let units = try? NALUnits.lengthPrefixed(fromAnnexB: payload) else { return nil }
            payload = units
        }
        return EncodedFrame(
            codec: codec,
            decodeTime: picture.time,
            presentationTime: picture.time,
            isKeyFrame: packet.pointee.flags & AV_PKT_FLAG_KEY != 0,
            payload: payload
        )
    }

    /// Keeps to the bitrate at whatever number of pictures per second there turn out to be.
    ///
    /// x264 goes by the number it was opened with, or holds each picture back until it knows the time of the next. So
    /// it is told a bitrate at which its share for each picture is right.
    private func follow(_ time: Int64) {
        defer { lastTime = time }
        guard name == "libx264", let context, let lastTime, time > lastTime else { return }
        let rate = 1e6 / Double(time - lastTime)
        frameRate += (min(max(rate, 1), 240) - frameRate) / 16
        guard frameRate > assumedFrameRate * 1.15 || frameRate < assumedFrameRate / 1.15 else { return }
        assumedFrameRate = frameRate
        // At very few pictures per second each would become as large as a minute of others.
        let adjusted = Int64(Double(bitrate) * min(30 / frameRate, 3))
        context.pointee.bit_rate = adjusted
        context.pointee.rc_max_rate = adjusted
        context.pointee.rc_buffer_size = Int32(clamping: adjusted / 2)
    }
}

import CFFmpeg

/// The AAC-LC encoder of libavcodec at 48 kHz, stereo.
struct AACEncoder: ~Copyable {
    static let sampleRate = 48_000
    static let channels = 2
    /// Samples per channel in a frame.
    static let frameSamples = 1_024

    private var context: UnsafeMutablePointer<AVCodecContext>?
    private var packet: UnsafeMutablePointer<AVPacket>?
    private var frame: UnsafeMutablePointer<AVFrame>?
    /// The AudioSpecificConfig of ISO/IEC 14496-3 §1.6.2.1.
    private(set) var audioSpecificConfig: [UInt8] = []

    /// Opens an encoder for `bitrate` bits per second.
    init(bitrate: Int) throws(TranscodingError) {
        martlet_av_silence()
        guard let codec = avcodec_find_encoder(AV_CODEC_ID_AAC) else { throw .codecUnavailable(name: "aac encoder") }
        context = avcodec_alloc_context3(codec)
        packet = av_packet_alloc()
        frame = av_frame_alloc()
        guard let context, packet != nil, let frame else { throw .openFailed(codec: "aac encoder", code: -1) }
        context.pointee.sample_rate = Int32(Self.sampleRate)
        context.pointee.sample_fmt = AV_SAMPLE_FMT_FLTP
        av_channel_layout_default(&context.pointee.ch_layout, Int32(Self.channels))
        context.pointee.bit_rate = Int64(bitrate)
        context.pointee.time_base = AVRational(num: 1, den: Int32(Self.sampleRate))
        context.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER
        var code = avcodec_open2(context, codec, nil)
        guard code >= 0, Int(context.pointee.frame_size) == Self.frameSamples else {
            throw .openFailed(codec: "aac encoder", code: code)
        }
        if let data = context.pointee.extradata, context.pointee.extradata_size > 0 {
            audioSpecificConfig = Array(
                UnsafeBufferPointer(start: data, count: Int(context.pointee.extradata_size)))
        }
        frame.pointee.format = AV_SAMPLE_FMT_FLTP.rawValue
        frame.pointee.nb_samples = Int32(Self.frameSamples)
        frame.pointee.sample_rate = Int32(Self.sampleRate)
        av_channel_layout_default(&frame.pointee.ch_layout, Int32(Self.channels))
        code = av_frame_get_buffer(frame, 0)
        guard code >= 0 else { throw .openFailed(codec: "aac encoder", code: code) }
    }

    deinit {
        var context = context
        var packet = packet
        var frame = frame
        avcodec_free_context(&context)
        av_packet_free(&packet)
        av_frame_free(&frame)
    }

    /// Encodes 1,024 samples per channel, interleaved, in -1...1.
    ///
    /// The encoder looks ahead: what it gives belongs to samples of two frames before.
    ///
    /// - Parameters:
    ///   - samples: Those of one frame.
    ///   - position: The number of the first of them; it grows from call to call.
    /// - Returns: A raw frame, and the position of the first sample that a decoder puts out for it. `nil` for the first
    ///   samples.
    /// - Throws: ``TranscodingError/codingFailed(codec:code:)``.
    /// - Precondition: `samples` holds ``frameSamples`` pairs.
    mutating func encode(
        _ samples: ArraySlice<Float>,
        at position: Int64
    ) throws(TranscodingError) -> (payload: [UInt8], position: Int64)? {
        precondition(samples.count == Self.frameSamples * Self.channels, "AAC takes 1,024 samples at a time")
        guard let context, let packet, let frame else { return nil }
        var code = av_frame_make_writable(frame)
        guard code >= 0, let planes = frame.pointee.extended_data else {
            throw .codingFailed(codec: "aac encoder", code: code)
        }
        for channel in 0..<Self.channels {
            guard let plane = planes[channel] else { continue }
            plane.withMemoryRebound(to: Float.self, capacity: Self.frameSamples) { target in
                for index in 0..<Self.frameSamples {
                    target[index] = samples[samples.startIndex + index * Self.channels + channel]
                }
            }
        }
        frame.pointee.pts = position
        code = avcodec_send_frame(context, frame)
        guard code >= 0 else { throw .codingFailed(codec: "aac encoder", code: code) }
        code = avcodec_receive_packet(context, packet)
        if code == martlet_averror_try_again() { return nil }
        guard code >= 0, let data = packet.pointee.data else { throw .codingFailed(codec: "aac encoder", code: code) }
        defer { av_packet_unref(packet) }
        return (Array(UnsafeBufferPointer(start: data, count: Int(packet.pointee.size))), packet.pointee.pts)
    }
}

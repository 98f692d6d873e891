import CFFmpeg

/// The AAC decoder of libavcodec (LC, HE and HE v2).
struct AACDecoder: ~Copyable {
    private var context: UnsafeMutablePointer<AVCodecContext>?
    private var packet: UnsafeMutablePointer<AVPacket>?
    private var frame: UnsafeMutablePointer<AVFrame>?

    /// Opens the decoder for the AudioSpecificConfig of ISO/IEC 14496-3 §1.6.2.1.
    init(audioSpecificConfig: [UInt8]) throws(TranscodingError) {
        guard !audioSpecificConfig.isEmpty, audioSpecificConfig.count <= 1_024 else {
            throw .invalidConfiguration("an AudioSpecificConfig of \(audioSpecificConfig.count) bytes")
        }
        martlet_av_silence()
        guard let codec = avcodec_find_decoder(AV_CODEC_ID_AAC) else { throw .codecUnavailable(name: "aac decoder") }
        context = avcodec_alloc_context3(codec)
        packet = av_packet_alloc()
        frame = av_frame_alloc()
        guard let context, packet != nil, frame != nil,
            let extra = av_mallocz(audioSpecificConfig.count + Int(AV_INPUT_BUFFER_PADDING_SIZE))
        else { throw .openFailed(codec: "aac decoder", code: -1) }
        extra.copyMemory(from: audioSpecificConfig, byteCount: audioSpecificConfig.count)
        context.pointee.extradata = extra.assumingMemoryBound(to: UInt8.self)
        context.pointee.extradata_size = Int32(audioSpecificConfig.count)
        context.pointee.thread_count = 1
        context.pointee.pkt_timebase = AVRational(num: 1, den: 1_000_000)
        let code = avcodec_open2(context, codec, nil)
        guard code >= 0 else { throw .openFailed(codec: "aac decoder", code: code) }
    }

    deinit {
        var context = context
        var packet = packet
        var frame = frame
        avcodec_free_context(&context)
        av_packet_free(&packet)
        av_frame_free(&frame)
    }

    /// Hands one raw AAC frame to the decoder; take everything out with ``receive()`` before the next.
    ///
    /// - Parameters:
    ///   - payload: The frame without ADTS header; an empty one is ignored.
    ///   - time: Microseconds of media time.
    /// - Throws: ``TranscodingError/codingFailed(codec:code:)`` for a frame that makes no sense.
    mutating func send(_ payload: [UInt8], time: Int64) throws(TranscodingError) {
        guard let context, let packet, !payload.isEmpty else { return }
        var code = av_new_packet(packet, Int32(clamping: payload.count))
        guard code >= 0, let data = packet.pointee.data else {
            throw .codingFailed(codec: "aac decoder", code: code)
        }
        UnsafeMutableRawPointer(data).copyMemory(from: payload, byteCount: payload.count)
        packet.pointee.pts = time
        code = avcodec_send_packet(context, packet)
        av_packet_unref(packet)
        guard code >= 0 else { throw .codingFailed(codec: "aac decoder", code: code) }
    }

    /// The next decoded frame, valid until the next call, usually 1,024 or 2,048 samples per channel; `nil` when the
    /// decoder wants more.
    ///
    /// Its `pts` is the time of its first sample and equals that of the AAC frame: RTMP times name what a decoder puts
    /// out, not what an encoder took in.
    mutating func receive() throws(TranscodingError) -> UnsafeMutablePointer<AVFrame>? {
        guard let context, let frame else { return nil }
        let code = avcodec_receive_frame(context, frame)
        if code == martlet_averror_try_again() { return nil }
        guard code >= 0 else { throw .codingFailed(codec: "aac decoder", code: code) }
        return frame
    }
}

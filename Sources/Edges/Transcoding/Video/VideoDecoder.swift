import CFFmpeg
package import Media

/// The video decoders of libavcodec, behind which are its own for H.264, H.265, VP8 and VP9, and dav1d for AV1.
///
/// Pictures come out in the order in which they are shown, whatever the order in which they are coded: with B-frames
/// some are held back until the next ones are there. It works in the thread of the caller.
package struct VideoDecoder: ~Copyable {
    /// Larger pictures are refused (pixels, a little over 4K): they would cost gigabytes.
    package static let maximumPixels: Int64 = 4_096 * 2_304

    package let codec: Codec
    private var context: UnsafeMutablePointer<AVCodecContext>?
    private var packet: UnsafeMutablePointer<AVPacket>?
    private var frame: UnsafeMutablePointer<AVFrame>?
    /// What AV1 key frames are preceded by where they lack it.
    private let sequenceHeader: [UInt8]

    /// Opens the decoder of a track.
    ///
    /// - Throws: ``TranscodingError/codecUnavailable(name:)`` when there is none, for audio too, and
    ///   ``TranscodingError/openFailed(codec:code:)`` when parameter sets make no sense.
    package init(_ configuration: CodecConfiguration) throws(TranscodingError) {
        codec = configuration.codec
        if case .av1(let units) = configuration { sequenceHeader = units } else { sequenceHeader = [] }
        martlet_av_silence()
        guard let decoder = Self.decoder(of: configuration.codec) else {
            throw .codecUnavailable(name: "\(configuration.codec.rawValue) decoder")
        }
        context = avcodec_alloc_context3(decoder)
        packet = av_packet_alloc()
        frame = av_frame_alloc()
        guard let context, packet != nil, frame != nil else { throw .openFailed(codec: codec.rawValue, code: -1) }
        let extra = Self.extradata(configuration)
        if !extra.isEmpty {
            guard let memory = av_mallocz(extra.count + Int(AV_INPUT_BUFFER_PADDING_SIZE)) else {
                throw .openFailed(codec: codec.rawValue, code: -1)
            }
            memory.copyMemory(from: extra, byteCount: extra.count)
            context.pointee.extradata = memory.assumingMemoryBound(to: UInt8.self)
            context.pointee.extradata_size = Int32(clamping: extra.count)
        }
        // Threads of the decoder would hold pictures back by themselves.
        context.pointee.thread_count = 1
        context.pointee.pkt_timebase = AVRational(num: 1, den: 1_000_000)
        context.pointee.max_pixels = Self.maximumPixels
        let code = avcodec_open2(context, decoder, nil)
        guard code >= 0 else { throw .openFailed(codec: codec.rawValue, code: code) }
    }

    deinit {
        var context = context
        var packet = packet
        var frame = frame
        avcodec_free_context(&context)
        av_packet_free(&packet)
        av_frame_free(&frame)
    }

    /// Decodes a frame, in decoding order; returns the pictures that can be shown with it, none to several.
    ///
    /// - Throws: ``TranscodingError/codingFailed(codec:code:)`` for a frame that makes no sense or cannot be decoded
    ///   whole. The frames up to the next key frame are of no use then.
    package mutating func decode(_ encoded: EncodedFrame) throws(TranscodingError) -> [DecodedPicture] {
        guard let context, let packet, encoded.codec == codec, !encoded.payload.isEmpty else {
            throw .codingFailed(codec: codec.rawValue, code: -1)
        }
        let header =
            encoded.isKeyFrame && !sequenceHeader.isEmpty && CodecConfiguration(inBandOf: encoded) == nil
            ? sequenceHeader : []
        let count = header.count + encoded.payload.count
        var code = av_new_packet(packet, Int32(clamping: count))
        guard code >= 0, let data = packet.pointee.data else { throw .codingFailed(codec: codec.rawValue, code: code) }
        defer { av_packet_unref(packet) }
        let bytes = UnsafeMutableRawPointer(data)
        bytes.copyMemory(from: header, byteCount: header.count)
        (bytes + header.count).copyMemory(from: encoded.payload, byteCount: encoded.payload.count)
        if codec == .h264 || codec == .h265 {
            guard let ranges = try? NALUnits.ranges(lengthPrefixed: encoded.payload.span), !ranges.isEmpty else {
                throw .codingFailed(codec: codec.rawValue, code: -1)
            }
            // A start code has the size of a length: the units stay where they are. Empty units become zeros.
            var end = 0
            for range in ranges {
                bytes.advanced(by: end).initializeMemory(
                    as: UInt8.self, repeating: 0, count: range.lowerBound - end)
                data[range.lowerBound - 1] = 1
                end = range.upperBound
            }
            bytes.advanced(by: end).initializeMemory(as: UInt8.self, repeating: 0, count: count - end)
        }
        packet.pointee.pts = encoded.presentationTime
        packet.pointee.dts = encoded.decodeTime
        packet.pointee.flags = encoded.isKeyFrame ? AV_PKT_FLAG_KEY : 0
        code = avcodec_send_packet(context, packet)
        guard code >= 0 else { throw .codingFailed(codec: codec.rawValue, code: code) }
        return try receive()
    }

    /// The pictures that are still held back; after this the decoder begins anew, at a key frame.
    package mutating func finish() -> [DecodedPicture] {
        guard let context else { return [] }
        avcodec_send_packet(context, nil)
        let pictures = (try? receive()) ?? []
        avcodec_flush_buffers(context)
        return pictures
    }

    /// Forgets everything that came before; the next frame must be a key frame.
    package mutating func reset() {
        if let context { avcodec_flush_buffers(context) }
    }

    private mutating func receive() throws(TranscodingError) -> [DecodedPicture] {
        guard let context, let frame else { return [] }
        var pictures: [DecodedPicture] = []
        while true {
            let code = avcodec_receive_frame(context, frame)
            if code == martlet_averror_try_again() || code == martlet_averror_end() { return pictures }
            guard code >= 0 else { throw .codingFailed(codec: codec.rawValue, code: code) }
            let isWhole = frame.pointee.flags & AV_FRAME_FLAG_CORRUPT == 0 && frame.pointee.decode_error_flags == 0
            guard isWhole else {
                av_frame_unref(frame)
                throw .codingFailed(codec: codec.rawValue, code: -1)
            }
            if frame.pointee.pts == martlet_av_no_timestamp() {
                frame.pointee.pts = frame.pointee.best_effort_timestamp
            }
            guard let picture = DecodedPicture(taking: frame) else { return pictures }
            pictures.append(picture)
        }
    }

    private static func decoder(of codec: Codec) -> UnsafePointer<AVCodec>? {
        switch codec {
        case .h264: avcodec_find_decoder(AV_CODEC_ID_H264)
        case .h265: avcodec_find_decoder(AV_CODEC_ID_HEVC)
        case .vp8: avcodec_find_decoder(AV_CODEC_ID_VP8)
        case .vp9: avcodec_find_decoder(AV_CODEC_ID_VP9)
        // libavcodec's own needs hardware.
        case .av1: avcodec_find_decoder_by_name("libdav1d") ?? avcodec_find_decoder_by_name("libaom-av1")
        case .aac, .opus, .pcmu, .pcma: nil
        }
    }

    /// Whether this machine has a decoder for `codec`.
    package static func isAvailable(for codec: Codec) -> Bool { decoder(of: codec) != nil }

    private static func extradata(_ configuration: CodecConfiguration) -> [UInt8] {
        switch configuration {
        case .h264(let sps, let pps): (sps + pps).flatMap { [0, 0, 0, 1] + $0 }
        case .h265(let vps, let sps, let pps): (vps + sps + pps).flatMap { [0, 0, 0, 1] + $0 }
        case .av1(let units): units
        case .vp8, .vp9, .aac, .opus: []
        }
    }
}

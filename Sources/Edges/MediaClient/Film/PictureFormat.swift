import CFFmpeg
import Media

/// What a container states about the pictures of a stream, and RTP does not.
struct PictureFormat {
    var width: Int32
    var height: Int32
    /// Of libavutil; `AV_PIX_FMT_NONE` where parameter sets tell it to those who want to know.
    var pixels: Int32

    private init(width: Int32, height: Int32, pixels: Int32 = AV_PIX_FMT_NONE.rawValue) {
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    private init(_ size: (width: Int, height: Int)) {
        self.init(width: Int32(clamping: size.width), height: Int32(clamping: size.height))
    }

    /// The format of a key frame's picture.
    ///
    /// - Returns: `nil` when the frame makes no sense, or the installed libavcodec cannot decode it.
    /// - Complexity: For VP8, VP9 and AV1 one picture is decoded; the others say it in their parameter sets.
    static func of(_ frame: EncodedFrame, _ configuration: CodecConfiguration) -> PictureFormat? {
        switch configuration {
        case .h264(let sps, _):
            sps.first.flatMap { try? H264SequenceParameterSet(parsing: $0.span) }
                .map { PictureFormat(($0.width, $0.height)) }
        case .h265(_, let sps, _):
            sps.first.flatMap { try? H265SequenceParameterSet(parsing: $0.span) }
                .map { PictureFormat(($0.width, $0.height)) }
        case .vp8: decode(frame, AV_CODEC_ID_VP8)
        case .vp9: decode(frame, AV_CODEC_ID_VP9)
        case .av1: decode(frame, AV_CODEC_ID_AV1)
        case .aac, .opus: nil
        }
    }

    private static func decode(_ frame: EncodedFrame, _ id: AVCodecID) -> PictureFormat? {
        martlet_av_silence()
        guard let codec = avcodec_find_decoder(id) else { return nil }
        var context = avcodec_alloc_context3(codec)
        var packet = av_packet_alloc()
        var picture = av_frame_alloc()
        defer {
            avcodec_free_context(&context)
            av_packet_free(&packet)
            av_frame_free(&picture)
        }
        context?.pointee.thread_count = 1
        guard avcodec_open2(context, codec, nil) >= 0,
            av_new_packet(packet, Int32(clamping: frame.payload.count)) >= 0, let data = packet?.pointee.data
        else { return nil }
        UnsafeMutableRawPointer(data).copyMemory(from: frame.payload, byteCount: frame.payload.count)
        guard avcodec_send_packet(context, packet) >= 0 else { return nil }
        // Some decoders hold the picture until they hear that nothing follows.
        avcodec_send_packet(context, nil)
        guard avcodec_receive_frame(context, picture) >= 0, let picture, picture.pointee.width > 0 else { return nil }
        return PictureFormat(
            width: picture.pointee.width, height: picture.pointee.height, pixels: picture.pointee.format)
    }
}

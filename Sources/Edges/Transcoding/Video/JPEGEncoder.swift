import CFFmpeg

/// Still pictures as JPEG files (libavcodec's mjpeg).
package enum JPEGEncoder {
    /// Makes a JPEG file of a picture: some 5 to 50 ms of work for the calling thread.
    ///
    /// - Parameters:
    ///   - picture: From ``VideoDecoder``.
    ///   - box: The room that it has to fit into; it is never made larger.
    ///   - quality: 1 (worst) to 100.
    /// - Returns: The bytes of the file.
    /// - Throws: ``TranscodingError`` when the picture's format cannot be brought into that of JPEG.
    package static func encode(
        _ picture: DecodedPicture,
        within box: PictureBox = PictureBox(),
        quality: Int = 80
    ) throws(TranscodingError) -> [UInt8] {
        let size = box.size(ofPicture: (picture.width, picture.height))
        let scaled = try PictureScaler(range: .full).scale(picture, width: size.width, height: size.height)
        martlet_av_silence()
        guard let codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG) else { throw .codecUnavailable(name: "mjpeg") }
        var context = avcodec_alloc_context3(codec)
        var packet = av_packet_alloc()
        var frame = av_frame_clone(scaled.frame)
        defer {
            avcodec_free_context(&context)
            av_packet_free(&packet)
            av_frame_free(&frame)
        }
        guard let context, let packet, let frame else { throw .openFailed(codec: "mjpeg", code: -1) }
        context.pointee.width = Int32(size.width)
        context.pointee.height = Int32(size.height)
        context.pointee.pix_fmt = AV_PIX_FMT_YUVJ420P
        context.pointee.color_range = AVCOL_RANGE_JPEG
        context.pointee.time_base = AVRational(num: 1, den: 1_000_000)
        context.pointee.thread_count = 1
        context.pointee.flags |= AV_CODEC_FLAG_QSCALE
        // libavcodec's scale goes from 1, the best, to 31; 2 to 12 is what people can tell apart.
        let scale = Int32(2 + (100 - min(max(quality, 1), 100)) / 10)
        context.pointee.global_quality = scale * FF_QP2LAMBDA
        var code = avcodec_open2(context, codec, nil)
        guard code >= 0 else { throw .openFailed(codec: "mjpeg", code: code) }
        frame.pointee.quality = context.pointee.global_quality
        frame.pointee.pts = 0
        code = avcodec_send_frame(context, frame)
        if code >= 0 { code = avcodec_receive_packet(context, packet) }
        guard code >= 0, let data = packet.pointee.data else { throw .codingFailed(codec: "mjpeg", code: code) }
        return Array(UnsafeBufferPointer(start: data, count: Int(packet.pointee.size)))
    }
}

import CFFmpeg

/// Pictures in the memory of a graphics card, for encoders that take them from nowhere else (VAAPI).
///
/// Belongs to the thread of its encoder.
final class GraphicsCardFrames {
    /// Pictures that the card holds at a time: one that is encoded, one that it refers to, and a few for the driver.
    private static let poolSize: Int32 = 8

    private var device: UnsafeMutablePointer<AVBufferRef>?
    private var pool: UnsafeMutablePointer<AVBufferRef>?

    /// Opens the machine's first graphics card and reserves room for pictures of one size.
    ///
    /// - Throws: ``TranscodingError/openFailed(codec:code:)`` where there is none, or its driver has no such size.
    init(width: Int, height: Int) throws(TranscodingError) {
        var code = av_hwdevice_ctx_create(&device, AV_HWDEVICE_TYPE_VAAPI, nil, nil, 0)
        guard code >= 0, let device else { throw .openFailed(codec: "the graphics card (VAAPI)", code: code) }
        pool = av_hwframe_ctx_alloc(device)
        guard let pool else { throw .openFailed(codec: "the graphics card (VAAPI)", code: -1) }
        let context = UnsafeMutableRawPointer(pool.pointee.data).assumingMemoryBound(to: AVHWFramesContext.self)
        context.pointee.format = AV_PIX_FMT_VAAPI
        context.pointee.sw_format = AV_PIX_FMT_NV12
        context.pointee.width = Int32(clamping: width)
        context.pointee.height = Int32(clamping: height)
        context.pointee.initial_pool_size = Self.poolSize
        code = av_hwframe_ctx_init(pool)
        guard code >= 0 else { throw .openFailed(codec: "the graphics card (VAAPI)", code: code) }
    }

    deinit {
        av_buffer_unref(&pool)
        av_buffer_unref(&device)
    }

    /// Has an encoder, which is not open yet, take its pictures from here.
    func attach(to context: UnsafeMutablePointer<AVCodecContext>) {
        context.pointee.pix_fmt = AV_PIX_FMT_VAAPI
        context.pointee.hw_frames_ctx = av_buffer_ref(pool)
    }

    /// Copies a picture into the card's memory.
    ///
    /// - Parameter frame: 8 bits, 4:2:0, of the size given to `init`.
    /// - Returns: A frame that the caller frees, with the time and kind of `frame`.
    /// - Throws: ``TranscodingError/codingFailed(codec:code:)`` when the picture has another format or the card no room.
    func upload(_ frame: UnsafeMutablePointer<AVFrame>) throws(TranscodingError) -> UnsafeMutablePointer<AVFrame> {
        var plain = try Self.interleaved(frame)
        defer { av_frame_free(&plain) }
        var uploaded = av_frame_alloc()
        guard let result = uploaded else { throw .codingFailed(codec: "VAAPI", code: -1) }
        var code = av_hwframe_get_buffer(pool, result, 0)
        if code >= 0 { code = av_hwframe_transfer_data(result, plain, 0) }
        if code >= 0 { code = av_frame_copy_props(result, frame) }
        guard code >= 0 else {
            av_frame_free(&uploaded)
            throw .codingFailed(codec: "VAAPI", code: code)
        }
        return result
    }

    /// The same picture in NV12, which every driver takes: the two colour planes as one, a byte of each in turn.
    static func interleaved(
        _ frame: UnsafeMutablePointer<AVFrame>
    ) throws(TranscodingError) -> UnsafeMutablePointer<AVFrame>? {
        var target = av_frame_alloc()
        guard let result = target else { throw .codingFailed(codec: "NV12", code: -1) }
        result.pointee.format = AV_PIX_FMT_NV12.rawValue
        result.pointee.width = frame.pointee.width
        result.pointee.height = frame.pointee.height
        let code = av_frame_get_buffer(result, 0)
        guard code >= 0, frame.pointee.format == AV_PIX_FMT_YUV420P.rawValue,
            let luma = frame.pointee.data.0, let blue = frame.pointee.data.1, let red = frame.pointee.data.2,
            let lumaOut = result.pointee.data.0, let colorOut = result.pointee.data.1
        else {
            av_frame_free(&target)
            throw .codingFailed(codec: "NV12", code: code)
        }
        let width = Int(frame.pointee.width)
        for row in 0..<Int(frame.pointee.height) {
            (lumaOut + row * Int(result.pointee.linesize.0)).update(
                from: luma + row * Int(frame.pointee.linesize.0), count: width)
        }
        for row in 0..<Int(frame.pointee.height) / 2 {
            let out = colorOut + row * Int(result.pointee.linesize.1)
            let blueRow = blue + row * Int(frame.pointee.linesize.1)
            let redRow = red + row * Int(frame.pointee.linesize.2)
            for column in 0..<width / 2 {
                out[2 * column] = blueRow[column]
                out[2 * column + 1] = redRow[column]
            }
        }
        return result
    }
}

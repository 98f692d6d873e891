import CFFmpeg

/// Brings pictures to another size, and to the pixel format that encoders take: 8 bits, 4:2:0 (libswscale).
///
/// Belongs to one thread. Each size wants a scaler of its own: going from one to another costs its tables anew.
package final class PictureScaler {
    /// How brightness is spread over its eight bits.
    package enum Range: Sendable {
        /// 16 to 235, as in video.
        case studio
        /// 0 to 255, as in JPEG.
        case full

        fileprivate var format: AVPixelFormat {
            switch self {
            case .studio: AV_PIX_FMT_YUV420P
            case .full: AV_PIX_FMT_YUVJ420P
            }
        }
    }

    private var context: OpaquePointer?
    private let range: Range

    package init(range: Range = .studio) {
        self.range = range
    }

    deinit {
        sws_freeContext(context)
    }

    /// The picture in another size; itself when it has that size and format already.
    ///
    /// - Parameters:
    ///   - picture: Its size and format may differ from call to call.
    ///   - width: An even number of pixels, 2 to 8192.
    ///   - height: The same.
    /// - Returns: A picture with the same time.
    /// - Throws: ``TranscodingError`` when libswscale does not take the picture's format.
    package func scale(
        _ picture: DecodedPicture,
        width: Int,
        height: Int
    ) throws(TranscodingError) -> DecodedPicture {
        guard (2...8_192).contains(width), (2...8_192).contains(height), width % 2 == 0, height % 2 == 0 else {
            throw .invalidConfiguration("a picture of \(width)x\(height)")
        }
        let source = picture.frame
        let format = Self.format(of: source)
        if format == range.format, picture.width == width, picture.height == height { return picture }
        context = sws_getCachedContext(
            context, source.pointee.width, source.pointee.height, format, Int32(width), Int32(height), range.format,
            SWS_BILINEAR, nil, nil, nil)
        guard let context else { throw .openFailed(codec: "libswscale", code: -1) }
        if range == .full { Self.setColors(of: context, from: source) }
        var target = av_frame_alloc()
        guard let frame = target else { throw .openFailed(codec: "libswscale", code: -1) }
        defer { av_frame_free(&target) }
        frame.pointee.format = range.format.rawValue
        frame.pointee.width = Int32(width)
        frame.pointee.height = Int32(height)
        frame.pointee.pts = source.pointee.pts
        var code = av_frame_get_buffer(frame, 0)
        if code >= 0 {
            code = withUnsafeBytes(of: source.pointee.data) { planes in
                withUnsafeBytes(of: source.pointee.linesize) { strides in
                    withUnsafeBytes(of: frame.pointee.data) { targets in
                        withUnsafeBytes(of: frame.pointee.linesize) { targetStrides in
                            sws_scale(
                                context,
                                planes.bindMemory(to: UnsafePointer<UInt8>?.self).baseAddress,
                                strides.bindMemory(to: Int32.self).baseAddress,
                                0,
                                source.pointee.height,
                                targets.bindMemory(to: UnsafeMutablePointer<UInt8>?.self).baseAddress,
                                targetStrides.bindMemory(to: Int32.self).baseAddress
                            )
                        }
                    }
                }
            }
        }
        guard code >= 0, let scaled = DecodedPicture(taking: frame) else {
            throw .codingFailed(codec: "libswscale", code: code)
        }
        return scaled
    }

    /// Has the colours of a frame turned into those of JPEG files, which are always those of ITU-R BT.601.
    private static func setColors(of context: OpaquePointer, from frame: UnsafeMutablePointer<AVFrame>) {
        let shorter = min(frame.pointee.width, frame.pointee.height)
        let space =
            switch frame.pointee.colorspace {
            case AVCOL_SPC_BT709: SWS_CS_ITU709
            case AVCOL_SPC_BT2020_NCL, AVCOL_SPC_BT2020_CL: SWS_CS_BT2020
            case AVCOL_SPC_SMPTE240M: SWS_CS_SMPTE240M
            // Browsers guess it by the size as well.
            case AVCOL_SPC_UNSPECIFIED: shorter < 720 ? SWS_CS_ITU601 : SWS_CS_ITU709
            default: SWS_CS_ITU601
            }
        let isFull = frame.pointee.color_range == AVCOL_RANGE_JPEG
        // A refusal leaves hues a little off, which is better than no picture.
        _ = sws_setColorspaceDetails(
            context, sws_getCoefficients(space), isFull ? 1 : 0, sws_getCoefficients(SWS_CS_ITU601), 1, 0, 1 << 16,
            1 << 16)
    }

    /// The pixel format of a frame, with its range in it, as libswscale wants it.
    private static func format(of frame: UnsafeMutablePointer<AVFrame>) -> AVPixelFormat {
        let format = AVPixelFormat(rawValue: frame.pointee.format)
        guard frame.pointee.color_range == AVCOL_RANGE_JPEG else { return format }
        switch format {
        case AV_PIX_FMT_YUV420P: return AV_PIX_FMT_YUVJ420P
        case AV_PIX_FMT_YUV422P: return AV_PIX_FMT_YUVJ422P
        case AV_PIX_FMT_YUV444P: return AV_PIX_FMT_YUVJ444P
        default: return format
        }
    }

    /// The size closest to `height` that keeps the shape of a picture, never larger than it; both sides even.
    package static func size(
        ofPicture picture: (width: Int, height: Int),
        height: Int?
    ) -> (width: Int, height: Int) {
        guard picture.width > 0, picture.height > 0 else { return (2, 2) }
        // A phone held upright sends 720x1280: what counts is the shorter side.
        let shorter = min(picture.width, picture.height)
        let target = min(max(height ?? shorter, 2), shorter)
        func scaled(_ side: Int) -> Int { max(2, (side * target / shorter) & ~1) }
        return (scaled(picture.width), scaled(picture.height))
    }
}

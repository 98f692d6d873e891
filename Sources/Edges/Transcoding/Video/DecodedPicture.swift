import CFFmpeg

/// A picture as a decoder gave it, in whatever pixel format that was; its pixels are shared, not copied.
///
/// Never changes once it is made, which is why it may go from thread to thread.
package final class DecodedPicture: @unchecked Sendable {
    /// Owned alone by this object and never written to.
    let frame: UnsafeMutablePointer<AVFrame>

    /// Takes what `source` refers to, which is left empty; `nil` when there is no memory.
    init?(taking source: UnsafeMutablePointer<AVFrame>) {
        guard let frame = av_frame_alloc() else { return nil }
        av_frame_move_ref(frame, source)
        self.frame = frame
    }

    /// A copy of a painted picture, shown at `time` (microseconds); `nil` when there is no memory.
    init?(_ picture: Picture, time: Int64) {
        guard let frame = av_frame_alloc() else { return nil }
        self.frame = frame
        frame.pointee.format = AV_PIX_FMT_YUV420P.rawValue
        frame.pointee.width = Int32(clamping: picture.width)
        frame.pointee.height = Int32(clamping: picture.height)
        frame.pointee.pts = time
        guard av_frame_get_buffer(frame, 0) >= 0 else { return nil }
        Self.copy(picture.luma, width: picture.width, to: frame.pointee.data.0, stride: frame.pointee.linesize.0)
        Self.copy(picture.blue, width: picture.width / 2, to: frame.pointee.data.1, stride: frame.pointee.linesize.1)
        Self.copy(picture.red, width: picture.width / 2, to: frame.pointee.data.2, stride: frame.pointee.linesize.2)
    }

    private static func copy(_ plane: [UInt8], width: Int, to target: UnsafeMutablePointer<UInt8>?, stride: Int32) {
        guard let target, width > 0 else { return }
        plane.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            for row in 0..<(source.count / width) {
                (target + row * Int(stride)).update(from: base + row * width, count: width)
            }
        }
    }

    deinit {
        var frame: UnsafeMutablePointer<AVFrame>? = frame
        av_frame_free(&frame)
    }

    package var width: Int { Int(frame.pointee.width) }
    package var height: Int { Int(frame.pointee.height) }
    /// Microseconds of media time at which it is shown.
    package var time: Int64 { frame.pointee.pts }

    /// The brightness at a pixel, 8 bits; `nil` outside the picture and in formats of other depths.
    func luma(x: Int, y: Int) -> UInt8? {
        guard frame.pointee.format == AV_PIX_FMT_YUV420P.rawValue, (0..<width).contains(x), (0..<height).contains(y)
        else { return nil }
        return frame.pointee.data.0?[y * Int(frame.pointee.linesize.0) + x]
    }
}

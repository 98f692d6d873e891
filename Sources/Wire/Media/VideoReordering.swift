/// What is known about the order in which a video stream is decoded and shown.
package enum VideoReordering: Hashable, Sendable {
    /// No picture has been shown out of decoding order so far.
    case absent
    /// Pictures are shown out of order, and all of those that are shown early are disposable: without them nothing
    /// is reordered any more.
    case disposable
    /// Pictures are shown out of order that others are predicted from; browsers cannot play this.
    case required
}

/// Watches a stream for B-frames and, when asked to, takes the disposable ones out.
///
/// WebRTC has no decoding time: a receiver decodes in the order of arrival and shows at once, so a stream whose
/// pictures change places stalls in browsers.
package struct VideoReorderingFilter: Sendable {
    /// What to do with a frame.
    package enum Verdict: Hashable, Sendable {
        case forward
        /// A picture shown out of order that nothing refers to.
        case dropDisposable
        /// A picture shown out of order that others refer to: this stream cannot be sent as it is.
        case reordered
    }

    /// The worst that has been seen since the last ``configure(_:)`` with other parameter sets.
    package private(set) var reordering = VideoReordering.absent
    /// Disposable pictures taken out.
    package private(set) var droppedCount: UInt64 = 0
    /// Whether parameter sets leave room for reordering; `true` until they are known.
    package private(set) var isPossible = true
    private var configuration: CodecConfiguration?
    /// The latest presentation time of the frames that were forwarded.
    private var latestPresentation: Int64?

    package init() {}

    /// Whether B-frames must be expected although none has been seen.
    ///
    /// They must when the parameter sets allow them and the first `keyFrame` is shown later than it is decoded: that
    /// is the time which the encoder set aside for reordering.
    package func expectsReordering(from keyFrame: EncodedFrame) -> Bool {
        isPossible && keyFrame.presentationTime > keyFrame.decodeTime
    }

    /// Takes note of parameter sets; those that differ from the last ones begin a new verdict.
    package mutating func configure(_ configuration: CodecConfiguration) {
        guard configuration != self.configuration else { return }
        self.configuration = configuration
        reordering = .absent
        latestPresentation = nil
        isPossible = Self.allowsReordering(configuration)
    }

    private static func allowsReordering(_ configuration: CodecConfiguration) -> Bool {
        switch configuration {
        case .h264(let sps, _):
            sps.isEmpty
                || sps.contains { (try? H264SequenceParameterSet(parsing: $0.span))?.allowsReordering ?? true }
        case .h265(_, let sps, _):
            sps.isEmpty
                || sps.contains { (try? H265SequenceParameterSet(parsing: $0.span))?.maximumReorderedPictures != 0 }
        // VP8, VP9 and AV1 reorder inside the bitstream: each temporal unit shows one picture, in order.
        case .av1, .vp9, .vp8, .aac, .opus: false
        }
    }

    /// Judges the next frame in decoding order.
    ///
    /// A frame that is shown before one already forwarded is what we call reordered: after the disposable ones have
    /// been dropped, those that remain are in order.
    package mutating func admit(_ frame: EncodedFrame) -> Verdict {
        guard isPossible, frame.codec == .h264 || frame.codec == .h265 else { return .forward }
        guard let latest = latestPresentation, frame.presentationTime < latest, !frame.isKeyFrame else {
            // A key frame begins anew: whatever came before it in decoding order is shown before it.
            latestPresentation = frame.presentationTime
            return .forward
        }
        if Self.isDisposable(frame) {
            if reordering == .absent { reordering = .disposable }
            droppedCount &+= 1
            return .dropDisposable
        }
        reordering = .required
        return .reordered
    }

    /// Whether no other picture is predicted from `frame`; `false` when the payload cannot be read.
    ///
    /// H.264: nal_ref_idc is 0 in every slice (§7.4.1). H.265: every slice is a sub-layer non-reference picture
    /// (table 7-1: even types up to 14), which holds for streams without temporal sub-layers.
    package static func isDisposable(_ frame: EncodedFrame) -> Bool {
        guard let ranges = try? NALUnits.ranges(lengthPrefixed: frame.payload.span) else { return false }
        var hasSlice = false
        for range in ranges {
            let header = frame.payload[range.lowerBound]
            switch frame.codec {
            case .h264:
                guard (1...5).contains(H264NALUnitType.of(header)) else { continue }
                guard header & 0x60 == 0 else { return false }
            case .h265:
                let type = H265NALUnitType.of(header)
                guard type < 32 else { continue }
                guard type <= 14, type % 2 == 0 else { return false }
            default:
                return false
            }
            hasSlice = true
        }
        return hasSlice
    }
}

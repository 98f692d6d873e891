import Media

/// Frames from the beginning of an epoch, held until it is known what tracks there are.
struct FrameStaging: Sendable {
    private(set) var frames: [EncodedFrame] = []
    private(set) var byteCount = 0

    /// Media time that is waited for a kind of media that the publisher announced, in microseconds.
    static let patience: Int64 = 1_500_000
    /// No more is held, whatever is announced.
    static let maximumBytes = 16 << 20
    static let maximumFrames = 2_048

    var isEmpty: Bool { frames.isEmpty }

    mutating func append(_ frame: EncodedFrame) {
        frames.append(frame)
        byteCount += frame.payload.count
    }

    /// Whether nothing should be waited for any more.
    var isExhausted: Bool {
        guard let first = frames.first, let last = frames.last else { return false }
        return last.decodeTime &- first.decodeTime >= Self.patience || byteCount >= Self.maximumBytes
            || frames.count >= Self.maximumFrames
    }

    /// The first key frame of video.
    var firstKeyFrame: EncodedFrame? { frames.first { $0.codec.kind == .video && $0.isKeyFrame } }

    var hasAudio: Bool { frames.contains { $0.codec.kind == .audio } }
}

import Media

/// What a reader who comes late is given first: the publisher, the codecs, and the frames since the last key frame.
struct FrameHistory: Sendable {
    /// Bytes of frames that are kept; a larger group of pictures is not, and late readers wait for the next key frame.
    static let maximumBytes = 8 << 20
    /// Frames that are kept, sound included.
    static let maximumFrames = 2048

    /// `nil` between publishers.
    private(set) var epoch: PublishEpoch?
    private(set) var configurations: [MediaKind: CodecConfiguration] = [:]
    /// From a key frame of the picture on; empty without a picture.
    private(set) var frames: [EncodedFrame] = []
    /// The last key frame of the picture, also when what followed it was too much to keep.
    private(set) var keyFrame: EncodedFrame?
    private var bytes = 0

    /// Whether a reader that begins now must wait for a key frame.
    var lacksKeyFrame: Bool { configurations[.video] != nil && frames.isEmpty }

    /// Notes a publisher; what was known of the one before is forgotten.
    mutating func begin(_ epoch: PublishEpoch) {
        self = FrameHistory()
        self.epoch = epoch
    }

    mutating func end() {
        self = FrameHistory()
    }

    mutating func setClock(unixNanosecondsAtZero zero: Int64) {
        epoch?.unixNanosecondsAtZero = zero
    }

    /// Notes how a track is encoded from now on.
    ///
    /// - Returns: Whether that is new.
    mutating func configure(_ configuration: CodecConfiguration) -> Bool {
        let kind = configuration.codec.kind
        guard epoch != nil, configurations.updateValue(configuration, forKey: kind) != configuration else {
            return false
        }
        switch kind {
        case .video:
            forget()
            keyFrame = nil
        // The picture goes on, and what is kept of the sound cannot be decoded as what is told of it.
        case .audio:
            frames.removeAll { $0.codec.kind == .audio }
            bytes = frames.reduce(0) { $0 + $1.payload.count }
        }
        return true
    }

    /// Notes a frame.
    ///
    /// - Returns: Whether readers may have it: its decoder is known.
    mutating func note(_ frame: EncodedFrame) -> Bool {
        guard epoch != nil, configurations[frame.codec.kind]?.codec == frame.codec else { return false }
        if frame.codec.kind == .video, frame.isKeyFrame {
            forget()
            keyFrame = frame.payload.count <= Self.maximumBytes ? frame : nil
        }
        let isPart = !frames.isEmpty || frame.codec.kind == .video && frame.isKeyFrame
        guard isPart else { return true }
        guard frames.count < Self.maximumFrames, bytes + frame.payload.count <= Self.maximumBytes else {
            forget()
            return true
        }
        frames.append(frame)
        bytes += frame.payload.count
        return true
    }

    private mutating func forget() {
        frames = []
        bytes = 0
    }
}

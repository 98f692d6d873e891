import ISOBMFF
import Media

/// Makes recordings of what a reader of a stream is told: when a file begins and ends, and its fragments.
///
/// Sans-IO. A file begins with a key frame and has the same tracks from beginning to end: another publisher, another codec or
/// picture size, or a track that comes late begins another file, and so do time and size at the next key frame. Fragments are
/// about a second long, so that a crash costs no more; a key frame begins one where the last is not much shorter.
struct RecordingMuxer {
    /// What must be written, in order.
    enum Output {
        case open(Opening)
        case fragment(Fragment)
        case close
    }

    /// A new file.
    struct Opening {
        /// The wall clock at the first frame.
        var unixMilliseconds: Int64
        /// `ftyp` and `moov`.
        var header: [UInt8]
        var tracks: [MovieTrack]
    }

    /// Whole boxes to be appended.
    struct Fragment {
        var bytes: [UInt8]
        /// Whether decoding can begin here.
        var beginsWithKeyFrame: Bool
        /// Of the leading track, the picture where there is one: ticks of the first sample, and behind the last one.
        var time: UInt64
        var end: UInt64
    }

    /// When one file is followed by the next.
    struct Limits {
        /// Microseconds of media.
        var duration: Int64 = 3_600_000_000
        var bytes = 1 << 30
    }

    /// Microseconds of a fragment without a key frame to end it.
    static let fragmentDuration: Int64 = 1_000_000
    /// Microseconds that a fragment has at least when a key frame ends it.
    static let leastFragmentDuration: Int64 = 500_000
    /// Bytes after which a fragment ends wherever it is.
    static let maximumFragmentBytes = 8 << 20
    /// How long a file waits for a track that was announced, in microseconds of media time.
    static let patience: Int64 = 2_000_000
    /// Frames and bytes that wait for it at most.
    static let maximumWaiting = 512
    static let maximumWaitingBytes = 8 << 20

    private let limits: Limits
    private var file: OpenFile?
    private var outputs: [Output] = []

    private var kinds: Set<MediaKind> = []
    private var unixNanosecondsAtZero: Int64 = 0
    private var configurations: [MediaKind: CodecConfiguration] = [:]
    /// Frames that a file could begin with, while a track that was announced is missing.
    private var waiting: [EncodedFrame] = []
    private var waitingBytes = 0
    private var waitingSince: Int64?
    /// Whether the file has other tracks than the stream by now.
    private var isOutdated = false

    init(limits: Limits) {
        self.limits = limits
    }

    /// What has come of it since the last call.
    mutating func takeOutputs() -> [Output] {
        defer { outputs.removeAll(keepingCapacity: true) }
        return outputs
    }

    mutating func receive(_ event: FrameEvent) {
        switch event {
        case .began(let epoch):
            end()
            configurations = [:]
            kinds = epoch.kinds
            unixNanosecondsAtZero = epoch.unixNanosecondsAtZero
        case .configured(let configuration):
            configurations[configuration.codec.kind] = configuration
            if let file, !file.has(configuration) { isOutdated = true }
        case .clock(let zero): unixNanosecondsAtZero = zero
        case .frame(let frame): write(frame)
        case .ended, .closed: end()
        }
    }

    /// Ends the file, if there is one; the next begins with the next key frame.
    mutating func end() {
        waiting = []
        waitingBytes = 0
        waitingSince = nil
        isOutdated = false
        guard file != nil else { return }
        finishFile()
        outputs.append(.close)
    }

    /// Forgets the file, which cannot be written any more.
    mutating func abandon() {
        file = nil
        end()
        outputs = []
    }

    // MARK: Files

    private mutating func write(_ frame: EncodedFrame) {
        guard configurations[frame.codec.kind]?.codec == frame.codec else { return }
        guard let file else { return wait(frame) }
        if frame.codec.kind == .video, frame.isKeyFrame, !file.fits(frame) { isOutdated = true }
        let isDue = isOutdated || file.exceeds(limits, at: frame)
        if isDue, mayBegin(frame) {
            let base = min(frame.decodeTime, file.soundEnd ?? frame.decodeTime)
            add(frame, isLast: true)
            finishFile()
            outputs.append(.close)
            isOutdated = false
            open([frame], base: base)
        } else if file.has(configurations[frame.codec.kind]) {
            add(frame, isLast: false)
        }
    }

    /// Whether a file may begin with this frame.
    private func mayBegin(_ frame: EncodedFrame) -> Bool {
        frame.codec.kind == .video ? frame.isKeyFrame : configurations[.video] == nil
    }

    /// Keeps a frame until all tracks are known, and then begins a file.
    private mutating func wait(_ frame: EncodedFrame) {
        let since = waitingSince ?? frame.decodeTime
        waitingSince = since
        if frame.codec.kind == .video, frame.isKeyFrame, !waiting.contains(where: { $0.codec.kind == .video }) {
            // The sound before the first picture.
            waiting = []
            waitingBytes = 0
        }
        // Sound may come before the picture that it belongs to, and turn out to be alone.
        guard !waiting.isEmpty || frame.codec.kind == .audio || frame.isKeyFrame else { return }
        waiting.append(frame)
        waitingBytes += frame.payload.count
        let areKnown = kinds.union(configurations.keys).allSatisfy { configurations[$0] != nil }
        let isOver =
            frame.decodeTime - since >= Self.patience || waiting.count >= Self.maximumWaiting
            || waitingBytes >= Self.maximumWaitingBytes
        guard areKnown || isOver else { return }
        guard configurations[.video] == nil || waiting.contains(where: { $0.codec.kind == .video }) else {
            // The picture is known and has no key frame yet.
            waiting = []
            waitingBytes = 0
            return
        }
        let frames = waiting
        waiting = []
        waitingBytes = 0
        waitingSince = nil
        open(frames, base: frames.map { min($0.decodeTime, $0.presentationTime) }.min() ?? frame.decodeTime)
    }

    private mutating func open(_ frames: [EncodedFrame], base: Int64) {
        guard let file = OpenFile(configurations, firstFrames: frames, base: base) else { return }
        self.file = file
        let time = unixNanosecondsAtZero &+ base &* 1_000
        outputs.append(
            .open(Opening(unixMilliseconds: time / 1_000_000, header: file.header, tracks: file.tracks)))
        for frame in frames { add(frame, isLast: false) }
    }

    private mutating func add(_ frame: EncodedFrame, isLast: Bool) {
        guard let fragment = file?.add(frame, isLast: isLast) else { return }
        outputs.append(.fragment(fragment))
    }

    private mutating func finishFile() {
        if let fragment = file?.finish() { outputs.append(.fragment(fragment)) }
        file = nil
    }
}

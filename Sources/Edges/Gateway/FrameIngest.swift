package import Media
package import MediaIO
package import Primitives
import Synchronization
import Transcoding

/// Why a frame publisher must stop.
package enum IngestEnd: Sendable {
    /// Somebody else publishes the stream now.
    case superseded
    case shutdown
    /// What it was let in with no longer counts; why, for people.
    case credential(String)
}

/// What a frame publisher's way in needs of the world around it; each is called on any thread and must not wait.
package struct FrameIngestOutputs: Sendable {
    /// For the worker that owns the stream.
    package var post: @Sendable (MediaCommand) -> Void
    /// There is something to ``FrameIngest/takeNews()``; not called again before that was done.
    package var report: @Sendable (FrameIngest) -> Void
    /// The publisher must stop; called at most once.
    package var onEnd: @Sendable (IngestEnd) -> Void
    /// A viewer cannot go on without a key frame; publishers that cannot make one ignore this.
    package var onKeyFrameRequest: @Sendable () -> Void

    package init(
        post: @escaping @Sendable (MediaCommand) -> Void,
        report: @escaping @Sendable (FrameIngest) -> Void,
        onEnd: @escaping @Sendable (IngestEnd) -> Void,
        onKeyFrameRequest: @escaping @Sendable () -> Void = {}
    ) {
        self.post = post
        self.report = report
        self.onEnd = onEnd
        self.onKeyFrameRequest = onKeyFrameRequest
    }
}

/// A publisher's way in for encoded frames: packetizes them and hands them to the media plane.
///
/// The bridge from the frame lane to the packet lane; readers of frames get them whole, as they came. AAC is transcoded to Opus on a thread of its own
/// while there are viewers. May be called from any thread; never waits.
package final class FrameIngest: Sendable {
    /// Frames that wait until the tracks are known, at most.
    package static let maximumBacklog = 256
    /// How long the second track may be late before the stream starts without it, in microseconds of media time.
    static let patience: Int64 = 500_000

    package let stream: StreamName
    let policy: ReorderingPolicy
    /// Whether the gateway can encode pictures anew where the policy says so.
    let canTranscode: Bool
    let outputs: FrameIngestOutputs
    /// The way to those who read frames; `nil` where nobody can.
    let lane: FrameLane.Writer?
    /// Unix nanoseconds.
    let wallClock: @Sendable () -> Int64
    let state = Mutex(State())

    struct State {
        enum Phase {
            /// Waiting for the codec configurations; `since` is the media time of the first frame.
            case collecting(since: Int64?)
            /// Waiting for the gateway to give each track its number.
            case announced
            case ready
            case ended
        }

        var phase = Phase.collecting(since: nil)
        var configurations: [MediaKind: CodecConfiguration] = [:]
        var backlog: [EncodedFrame] = []
        var lanes: [MediaKind: PacketLane] = [:]
        /// Unix nanoseconds at media time 0.
        var epoch: Int64?
        /// Whether readers have been told of the publisher.
        var hasBegun = false
        var reordering = VideoReorderingFilter()
        /// What viewers are told about the video, which differs from what the publisher says of it.
        var sentConfiguration: CodecConfiguration?
        /// Browsers cannot play the video as it is.
        var isReordered = false
        var transcoder: AACToOpusTranscoder?
        var viewersPresent = false
        var news = IngestNews()
        var hasReported = false
        var figures = IngestFigures()
    }

    /// A way in that has not seen anything yet.
    ///
    /// `wallClock` gives Unix nanoseconds.
    package init(
        stream: StreamName,
        policy: ReorderingPolicy,
        outputs: FrameIngestOutputs,
        lane: FrameLane.Writer? = nil,
        canTranscode: Bool = true,
        wallClock: @escaping @Sendable () -> Int64 = { WallClock.nanosecondsSince1970() }
    ) {
        self.stream = stream
        self.policy = policy
        self.outputs = outputs
        self.lane = lane
        self.canTranscode = canTranscode
        self.wallClock = wallClock
    }

    // MARK: In

    /// Says how a track is encoded; again when that changes.
    package func configure(_ configuration: CodecConfiguration) {
        state.withLock { configure(configuration, &$0) }
    }

    /// Takes a frame; in decoding order within each track.
    package func write(_ frame: EncodedFrame) {
        state.withLock { state in
            count(frame, &state)
            noteParameterSets(in: frame, &state)
            switch state.phase {
            case .ended: return
            case .ready:
                read(frame, &state)
                send(frame, &state)
            case .collecting(let since):
                keep(frame, &state)
                state.phase = .collecting(since: since ?? frame.decodeTime)
                announceIfComplete(&state)
            case .announced:
                read(frame, &state)
                keep(frame, &state)
            }
        }
    }

    /// Takes what the encoder says it sends, in bits per second.
    package func declare(bitrate: Int) {
        state.withLock { $0.figures.declaredBitrate = bitrate > 0 ? bitrate : nil }
    }

    /// Notes that the encoder's timestamps jumped or went back; those of the frames go on.
    package func noteClockJump() {
        state.withLock { $0.figures.clockJumps += 1 }
    }

    /// What has come so far.
    package var figures: IngestFigures { state.withLock { $0.figures } }

    /// Adds a warning that the stream's status shows.
    package func warn(_ warning: IngestWarning) {
        state.withLock { state in tell(&state) { $0.add(warning) } }
    }

    /// The publisher has stopped by itself.
    package func finish() {
        guard close() else { return }
        state.withLock { state in tell(&state) { $0.isFinished = true } }
    }

    // MARK: From the gateway

    /// What has happened since the last time.
    package func takeNews() -> IngestNews {
        state.withLock { state in
            defer {
                state.news = IngestNews()
                state.hasReported = false
            }
            return state.news
        }
    }

    /// Ends the publisher; it is told why.
    package func end(_ reason: IngestEnd) {
        if close() { outputs.onEnd(reason) }
    }

    /// Whether a track goes on from before: its packets then continue.
    package func feeds(_ track: TrackID) -> Bool {
        state.withLock { state in state.lanes.values.contains { $0.track == track } }
    }

    /// The media plane has these tracks, in the order announced.
    package func ready(_ tracks: [(id: TrackID, codec: Codec)]) {
        state.withLock { ready(tracks, &$0) }
    }

    /// Whether anybody watches: transcoding waits for the first viewer.
    package func setViewersPresent(_ present: Bool) {
        state.withLock { state in
            guard state.viewersPresent != present else { return }
            state.viewersPresent = present
            restartTranscoder(&state)
        }
    }

    /// A viewer cannot go on without a key frame.
    package func requestKeyFrame() {
        outputs.onKeyFrameRequest()
    }

    private func close() -> Bool {
        let (wasOpen, transcoder) = state.withLock { state in
            defer {
                state.phase = .ended
                state.transcoder = nil
                state.backlog = []
            }
            if case .ended = state.phase { return (false, nil as AACToOpusTranscoder?) }
            return (true, state.transcoder)
        }
        transcoder?.stop()
        return wasOpen
    }

    /// Puts something where the gateway will find it, and calls the gateway unless it is on its way already.
    func tell(_ state: inout State, _ change: (inout IngestNews) -> Void) {
        change(&state.news)
        guard !state.hasReported else { return }
        state.hasReported = true
        outputs.report(self)
    }
}

package import Media
import MediaIO
package import Primitives
import RTP
import Synchronization
import Transcoding

/// Why a frame publisher must stop.
package enum IngestEnd: Sendable {
    /// Somebody else publishes the stream now.
    case superseded
    case shutdown
}

/// What a frame publisher tells the gateway, in order, without waiting.
enum IngestMessage: Sendable {
    /// Codec, and picture size of video.
    struct Track: Sendable {
        var description: TrackDescription
        var width: Int?
        var height: Int?
    }

    case announce(FrameIngest, [Track])
    case warn(FrameIngest, IngestWarning, isReordered: Bool)
    case finished(FrameIngest)
}

/// A publisher's way in for encoded frames: packetizes them and hands them to the media plane.
///
/// The bridge from the frame lane to the packet lane. AAC is transcoded to Opus on a thread of its own
/// while there are viewers. May be called from any thread; never waits.
package final class FrameIngest: Sendable {
    /// Frames that wait until the tracks are known, at most.
    static let maximumBacklog = 256
    /// How long the second track may be late before the stream starts without it, in microseconds of media time.
    private static let patience: Int64 = 500_000
    /// A media clock further from the wall clock than this has jumped.
    private static let maximumClockError: Int64 = 5_000_000_000
    /// Audio frames after which the clock is told again.
    private static let audioClockInterval = 50

    package let stream: StreamName
    private let worker: Int
    private let post: @Sendable (MediaCommand) -> Void
    private let report: @Sendable (IngestMessage) -> Void
    private let onEnd: @Sendable (IngestEnd) -> Void
    private let state = Mutex(State())

    private struct Lane {
        var packetizer: RTPPacketizer
        var track: TrackID
        var timestampBase: UInt32
        var framesSinceClock = 0
    }

    private struct State {
        enum Phase {
            /// Waiting for the codec configurations; `since` is the media time of the first frame.
            case collecting(since: Int64?)
            case announced
            case ready
            case ended
        }

        var phase = Phase.collecting(since: nil)
        var configurations: [MediaKind: CodecConfiguration] = [:]
        var backlog: [EncodedFrame] = []
        var lanes: [MediaKind: Lane] = [:]
        /// Unix nanoseconds at media time 0.
        var epoch: Int64?
        var reordering = VideoReorderingFilter()
        var hasWarnedOfReordering = false
        var transcoder: AACToOpusTranscoder?
        var viewersPresent = false
        var droppedForBacklog = 0
    }

    init(
        worker: Int,
        stream: StreamName,
        post: @escaping @Sendable (MediaCommand) -> Void,
        report: @escaping @Sendable (IngestMessage) -> Void,
        onEnd: @escaping @Sendable (IngestEnd) -> Void
    ) {
        self.worker = worker
        self.stream = stream
        self.post = post
        self.report = report
        self.onEnd = onEnd
    }

    // MARK: In

    /// Says how a track is encoded; again when that changes.
    package func configure(_ configuration: CodecConfiguration) {
        state.withLock { state in
            let kind = configuration.codec.kind
            let isChange = state.configurations[kind].map { $0 != configuration } ?? false
            state.configurations[kind] = configuration
            if kind == .video { state.reordering.configure(configuration) }
            if kind == .audio, isChange { restartTranscoder(&state) }
            announceIfComplete(&state)
        }
    }

    /// Takes a frame; in decoding order within each track.
    package func write(_ frame: EncodedFrame) {
        state.withLock { state in
            switch state.phase {
            case .ended: return
            case .ready: send(frame, &state)
            case .collecting(let since):
                keep(frame, &state)
                state.phase = .collecting(since: since ?? frame.decodeTime)
                announceIfComplete(&state)
            case .announced: keep(frame, &state)
            }
        }
    }

    /// Adds a warning that the stream's status shows.
    package func warn(_ warning: IngestWarning) {
        report(.warn(self, warning, isReordered: false))
    }

    /// The publisher has stopped by itself.
    package func finish() {
        if close() { report(.finished(self)) }
    }

    // MARK: From the gateway

    /// Ends the publisher; it is told why.
    func end(_ reason: IngestEnd) {
        if close() { onEnd(reason) }
    }

    /// The media plane has these tracks, in the order announced.
    func ready(_ tracks: [(id: TrackID, codec: Codec)]) {
        state.withLock { state in
            guard case .announced = state.phase else { return }
            for track in tracks {
                state.lanes[track.codec.kind] = Lane(
                    packetizer: RTPPacketizer(
                        codec: track.codec,
                        payloadType: 96,
                        ssrc: track.id,
                        firstSequenceNumber: UInt16.random(in: 0...(.max))
                    ),
                    track: track.id,
                    timestampBase: UInt32.random(in: 0...(.max))
                )
            }
            state.phase = .ready
            for frame in state.backlog { send(frame, &state) }
            state.backlog = []
        }
    }

    /// Whether anybody watches: transcoding waits for the first viewer.
    func setViewersPresent(_ present: Bool) {
        state.withLock { state in
            guard state.viewersPresent != present else { return }
            state.viewersPresent = present
            restartTranscoder(&state)
        }
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

    // MARK: Tracks

    private func keep(_ frame: EncodedFrame, _ state: inout State) {
        // What is older than the last key frame is of no use to anybody.
        if frame.isKeyFrame, frame.codec.kind == .video { state.backlog.removeAll { $0.codec.kind == .video } }
        if state.backlog.count < Self.maximumBacklog {
            state.backlog.append(frame)
        } else {
            state.droppedForBacklog += 1
        }
    }

    private func announceIfComplete(_ state: inout State) {
        guard case .collecting(let since) = state.phase, !state.configurations.isEmpty else { return }
        let elapsed = since.map { (state.backlog.last?.decodeTime ?? $0) - $0 } ?? 0
        guard state.configurations.count == 2 || elapsed >= Self.patience else { return }
        state.phase = .announced
        let order: [MediaKind] = [.video, .audio]
        report(.announce(self, order.compactMap { state.configurations[$0] }.map(Self.track)))
    }

    private static func track(_ configuration: CodecConfiguration) -> IngestMessage.Track {
        switch configuration {
        case .h264(let sps, _):
            let parsed = sps.first.flatMap { try? H264SequenceParameterSet(parsing: $0.span) }
            return IngestMessage.Track(
                description: TrackDescription(
                    codec: .h264,
                    formatParameters: [
                        "packetization-mode": "1", "level-asymmetry-allowed": "1",
                        "profile-level-id": parsed?.profileLevelID ?? "42e01f",
                    ]
                ),
                width: parsed?.width,
                height: parsed?.height
            )
        case .h265(_, let sps, _):
            let parsed = sps.first.flatMap { try? H265SequenceParameterSet(parsing: $0.span) }
            return IngestMessage.Track(
                description: TrackDescription(codec: .h265),
                width: parsed?.width,
                height: parsed?.height
            )
        case .av1, .vp8, .vp9:
            return IngestMessage.Track(description: TrackDescription(codec: configuration.codec))
        case .aac, .opus:
            return IngestMessage.Track(description: TrackDescription(codec: .opus, channels: 2))
        }
    }

    // MARK: Frames

    private func send(_ frame: EncodedFrame, _ state: inout State) {
        setEpoch(for: frame, &state)
        switch frame.codec {
        case .aac:
            state.transcoder?.write(frame)
        case .h264, .h265:
            switch state.reordering.admit(frame) {
            case .forward: packetize(frame, &state)
            case .dropDisposable: warnOfReordering(isFatal: false, &state)
            case .reordered:
                warnOfReordering(isFatal: true, &state)
                // The lane goes on: whatever else reads the stream can reorder.
                packetize(frame, &state)
            }
        default:
            packetize(frame, &state)
        }
    }

    private func setEpoch(for frame: EncodedFrame, _ state: inout State) {
        let now = WallClock.nanosecondsSince1970()
        let expected = now - frame.decodeTime * 1000
        if let epoch = state.epoch, abs(epoch - expected) < Self.maximumClockError { return }
        state.epoch = expected
        for kind in state.lanes.keys { state.lanes[kind]?.framesSinceClock = 0 }
    }

    private func packetize(_ frame: EncodedFrame, _ state: inout State) {
        let kind = frame.codec.kind
        guard var lane = state.lanes[kind], lane.packetizer.codec == frame.codec, let epoch = state.epoch else {
            return
        }
        let rate = Int64(frame.codec.clockRate)
        let ticks = frame.presentationTime / 1_000_000 * rate + frame.presentationTime % 1_000_000 * rate / 1_000_000
        let timestamp = lane.timestampBase &+ UInt32(truncatingIfNeeded: ticks)
        var burst = PacketBurst(capacity: frame.payload.count + frame.payload.count / 32 + 256)
        guard
            (try? lane.packetizer.packetize(
                frame,
                configuration: state.configurations[kind],
                timestamp: timestamp,
                into: &burst
            )) != nil
        else { return }
        let tellsClock = kind == .video ? frame.isKeyFrame : lane.framesSinceClock % Self.audioClockInterval == 0
        let clock =
            tellsClock
            ? ClockReference(
                timestamp: timestamp,
                ntpTime: NTPTime(unixNanoseconds: epoch + frame.presentationTime * 1000)
            )
            : nil
        lane.framesSinceClock += 1
        state.lanes[kind] = lane
        post(.burst(lane.track, burst, clock))
    }

    private func warnOfReordering(isFatal: Bool, _ state: inout State) {
        guard !state.hasWarnedOfReordering || isFatal else { return }
        state.hasWarnedOfReordering = true
        let warning =
            isFatal
            ? IngestWarning(
                code: "b-frames",
                message: "The encoder sends B-frames that other frames depend on. Browsers cannot play them by WebRTC. "
                    + "Turn B-frames off (OBS: bframes=0 or tune zerolatency; ffmpeg: -bf 0)."
            )
            : IngestWarning(
                code: "b-frames-dropped",
                message:
                    "The encoder sends B-frames. They are left out for WebRTC viewers, who see a lower frame rate. "
                    + "Turn B-frames off in the encoder (OBS: bframes=0; ffmpeg: -bf 0)."
            )
        report(.warn(self, warning, isReordered: isFatal))
    }

    // MARK: Audio

    private func restartTranscoder(_ state: inout State) {
        let old = state.transcoder
        state.transcoder = nil
        if let old { old.stop() }
        guard state.viewersPresent, case .aac(let config)? = state.configurations[.audio] else { return }
        let transcoder = AACToOpusTranscoder(audioSpecificConfig: config) { [weak self] frame in
            self?.state.withLock { state in
                guard let self else { return }
                self.packetize(frame, &state)
            }
        }
        do throws(TranscodingError) {
            try transcoder.start()
            state.transcoder = transcoder
        } catch {
            report(
                .warn(
                    self,
                    IngestWarning(
                        code: "audio-not-transcodable",
                        message: "The AAC audio cannot be turned into Opus (\(error)), so WebRTC viewers hear nothing."
                    ),
                    isReordered: false
                )
            )
        }
    }
}

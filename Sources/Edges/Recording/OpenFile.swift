import ISOBMFF
import Media

/// The tracks of a file that is being recorded, and its next fragment.
struct OpenFile {
    private struct Lane {
        let track: MovieTrack
        let configuration: CodecConfiguration
        var timeline: SampleTimeline
        var samples: [TimedSample] = []
        /// Ticks behind the last sample, and of it.
        var end: UInt64 = 0
        var lastDuration: UInt64 = 0
    }

    private var lanes: [Lane]
    /// Media time at which the file begins, in microseconds.
    private let base: Int64
    private var sequenceNumber: UInt32 = 1
    /// Bytes of all fragments.
    private var bytes = 0
    private var pendingBytes = 0
    /// Media time behind the newest sound, in microseconds; `nil` without sound.
    private(set) var soundEnd: Int64?

    /// A file of the tracks that are known, and can be described; `nil` when there are none.
    ///
    /// - Parameters:
    ///   - configurations: Those of the stream.
    ///   - frames: What the file begins with.
    ///   - base: Media time in microseconds that is 0 in the file.
    init?(_ configurations: [MediaKind: CodecConfiguration], firstFrames frames: [EncodedFrame], base: Int64) {
        self.base = base
        lanes = []
        for kind in [MediaKind.video, .audio] {
            let keyFrame = frames.first { $0.codec.kind == kind && $0.isKeyFrame }
            guard let configuration = configurations[kind], kind == .audio || keyFrame != nil,
                let track = try? MovieTrack(
                    identifier: UInt32(lanes.count + 1), configuration: configuration, keyFrame: keyFrame)
            else { continue }
            lanes.append(Lane(track: track, configuration: configuration, timeline: SampleTimeline(track: track)))
        }
        guard !lanes.isEmpty else { return nil }
    }

    var tracks: [MovieTrack] { lanes.map(\.track) }
    var header: [UInt8] { InitializationSegment.bytes(of: tracks) }

    /// Whether a track of the file is coded like this.
    func has(_ configuration: CodecConfiguration?) -> Bool {
        lanes.contains { $0.configuration == configuration }
    }

    /// Whether a key frame has the size that the file's track says; only VP8 and VP9 change it by themselves.
    func fits(_ frame: EncodedFrame) -> Bool {
        guard frame.codec == .vp8 || frame.codec == .vp9, let lane = lanes.first, lane.track.kind == .video,
            let track = try? MovieTrack(
                identifier: lane.track.identifier, configuration: lane.configuration, keyFrame: frame)
        else { return true }
        return track == lane.track
    }

    /// Whether another file should follow.
    func exceeds(_ limits: RecordingMuxer.Limits, at frame: EncodedFrame) -> Bool {
        frame.decodeTime - base >= limits.duration || bytes + pendingBytes >= limits.bytes
    }

    /// Takes a frame.
    ///
    /// - Parameters:
    ///   - frame: The next one of its track.
    ///   - isLast: Only its time counts: it is the first of the next file.
    /// - Returns: A fragment that is complete.
    mutating func add(_ frame: EncodedFrame, isLast: Bool) -> RecordingMuxer.Fragment? {
        guard let index = lanes.firstIndex(where: { $0.track.codec == frame.codec }) else { return nil }
        var moved = frame
        moved.decodeTime = max(frame.decodeTime - base, 0)
        moved.presentationTime = frame.presentationTime - base
        if let sample = lanes[index].timeline.append(moved) { take(sample, lane: index) }
        if isLast {
            _ = lanes[index].timeline.finish()
            return nil
        }
        if frame.codec.kind == .audio {
            soundEnd = frame.decodeTime + Int64(lanes[index].track.seconds(ofTicks: lanes[index].lastDuration) * 1e6)
        }
        return isDue(at: moved, lane: index) ? fragment() : nil
    }

    /// Ends the file.
    mutating func finish() -> RecordingMuxer.Fragment? {
        for index in lanes.indices {
            if let sample = lanes[index].timeline.finish() { take(sample, lane: index) }
        }
        return fragment()
    }

    private mutating func take(_ sample: TimedSample, lane: Int) {
        pendingBytes += sample.sample.payload.count
        lanes[lane].end = sample.end
        lanes[lane].lastDuration = UInt64(sample.sample.duration)
        lanes[lane].samples.append(sample)
    }

    /// Whether the fragment should end before a frame of the leading track.
    private func isDue(at frame: EncodedFrame, lane: Int) -> Bool {
        guard pendingBytes < RecordingMuxer.maximumFragmentBytes else { return true }
        guard lane == 0, let first = lanes[0].samples.first else { return false }
        let start = Int64(lanes[0].track.seconds(ofTicks: first.decodeTime) * 1e6)
        let length = frame.decodeTime - start
        let isCut = frame.codec.kind == .video && frame.isKeyFrame
        // A microsecond for what was rounded.
        return length + 1 >= (isCut ? RecordingMuxer.leastFragmentDuration : RecordingMuxer.fragmentDuration)
    }

    private mutating func fragment() -> RecordingMuxer.Fragment? {
        let tracks = lanes.compactMap { lane in
            lane.samples.first.map {
                TrackFragment(
                    trackIdentifier: lane.track.identifier, decodeTime: $0.decodeTime,
                    samples: lane.samples.map(\.sample))
            }
        }
        guard !tracks.isEmpty else { return nil }
        let first = lanes[0].samples.first
        let encoded = MediaFragment(sequenceNumber: sequenceNumber, tracks: tracks).bytes()
        let fragment = RecordingMuxer.Fragment(
            bytes: encoded,
            beginsWithKeyFrame: first?.sample.isKeyFrame ?? false,
            time: first?.decodeTime ?? lanes[0].end,
            end: lanes[0].end
        )
        sequenceNumber &+= 1
        bytes += encoded.count
        pendingBytes = 0
        for index in lanes.indices { lanes[index].samples = [] }
        return fragment
    }
}

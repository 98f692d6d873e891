import ISOBMFF
import Media
import Primitives

/// From frames to segments.
extension Presentation {
    /// The picture counts as gone when the sound is so far ahead of it, in microseconds.
    static let greatestLag: Int64 = 3_000_000
    /// Sound that is so late is replaced by silence, in microseconds.
    static let silenceLag: Int64 = 1_500_000
    /// A hole in the sound up to this long is filled with silence, in microseconds.
    static let longestSilence: Int64 = 4_000_000

    mutating func take(_ frame: EncodedFrame, at now: Instant) {
        guard epoch != nil else { return }
        let kind = frame.codec.kind
        guard configurations[kind]?.codec == frame.codec else { return }
        guard leader != nil else {
            // A picture begins with a key frame.
            if kind == .video, !frame.isKeyFrame, staging.firstKeyFrame == nil { return }
            staging.append(frame)
            return settle(at: now)
        }
        process(frame)
    }

    // MARK: The beginning of an epoch

    /// Begins the epoch when its tracks are known, or have been waited for long enough.
    mutating func settle(at now: Instant) {
        guard leader == nil, let epoch, !staging.isEmpty else { return }
        let hasVideo = staging.firstKeyFrame != nil
        let isComplete =
            (!epoch.kinds.contains(.video) || hasVideo) && (!epoch.kinds.contains(.audio) || staging.hasAudio)
        if isComplete || staging.isExhausted { start(at: now) }
    }

    mutating func start(at now: Instant) {
        let frames = staging.frames
        let keyFrame = staging.firstKeyFrame
        staging = FrameStaging()
        var tracks: [MediaKind: MovieTrack] = [:]
        if keyFrame != nil { tracks[.video] = makeTrack(.video, keyFrame: keyFrame) }
        tracks[.audio] = makeTrack(.audio, keyFrame: nil)
        guard let leader: MediaKind = tracks[.video] != nil ? .video : tracks[.audio] != nil ? .audio : nil,
            let first = frames.first(where: { $0.codec.kind == leader && ($0.isKeyFrame || leader == .audio) })
        else { return }
        begin(tracks, leader: leader, at: first.decodeTime, shown: first.presentationTime)
        for frame in frames { process(frame) }
    }

    private func makeTrack(_ kind: MediaKind, keyFrame: EncodedFrame?) -> MovieTrack? {
        guard let configuration = configurations[kind] else { return nil }
        return try? MovieTrack(identifier: 1, configuration: configuration, keyFrame: keyFrame)
    }

    /// Begins a segment that follows from nothing, with these tracks.
    private mutating func begin(
        _ tracks: [MediaKind: MovieTrack], leader: MediaKind, at time: Int64, shown: Int64
    ) {
        let number = currentNumber
        let follows = renditions.values.contains { !$0.segments.isEmpty }
        let epochNumber = epoch?.number ?? 0
        let discontinuities = renditions.values.first.map(discontinuityNumber) ?? 0
        for kind in tracks.keys where renditions[kind] == nil {
            var rendition = Rendition(name: RenditionName(kind), number: number, epoch: epochNumber)
            // As many as the others have seen: the number counts for the presentation.
            rendition.removedDiscontinuities = discontinuities
            renditions[kind] = rendition
        }
        for kind in renditions.keys {
            renditions[kind]?.relabel(epoch: epochNumber, beginsDiscontinuity: follows)
            if let track = tracks[kind] {
                renditions[kind]?.begin(track)
            } else if kind == .audio, silence != nil {
                let track = renditions[kind]?.track
                renditions[kind]?.begin(track)
            } else {
                renditions[kind]?.begin(nil)
            }
        }
        self.leader = leader
        segmentStart = time
        progress = [:]
        askedForKeyFrame = false
        noteBoundary(at: shown, beginsDiscontinuity: follows)
    }

    func discontinuityNumber(_ rendition: Rendition) -> Int {
        rendition.removedDiscontinuities + rendition.segments.count { $0.beginsDiscontinuity }
            + (rendition.current.beginsDiscontinuity ? 1 : 0)
    }

    // MARK: Frames

    private mutating func process(_ frame: EncodedFrame) {
        let kind = frame.codec.kind
        guard let leader else { return }
        if kind == .video, frame.isKeyFrame || leader != .video {
            // VP8 and VP9 say only in their key frames that the size has changed.
            guard frame.isKeyFrame, let track = makeTrack(.video, keyFrame: frame) else { return }
            if leader != .video || track != renditions[.video]?.track {
                change(.video, to: track, at: frame)
            }
        } else if kind == .audio, let track = makeTrack(.audio, keyFrame: nil), track != renditions[.audio]?.track {
            if renditions[.audio] == nil {
                join(track)
            } else {
                change(.audio, to: track, at: frame)
            }
        }
        guard renditions[kind]?.track != nil else { return }
        if kind == self.leader {
            lead(frame)
        } else {
            follow(frame)
        }
    }

    /// A track that begins late, beside those that are there: it is silent up to now.
    private mutating func join(_ track: MovieTrack) {
        guard let leader, let leading = renditions[leader] else { return }
        var rendition = Rendition(
            name: RenditionName(track.kind), number: leading.current.number, epoch: leading.current.epoch)
        rendition.removedDiscontinuities = discontinuityNumber(leading)
        rendition.begin(track)
        renditions[track.kind] = rendition
    }

    /// Goes on with another track, behind a discontinuity.
    private mutating func change(_ kind: MediaKind, to track: MovieTrack, at frame: EncodedFrame) {
        guard let leader else { return }
        if renditions[leader]?.isCurrentEmpty == false || renditions[leader]?.timeline?.pendingDecodeTime != nil {
            breakOff()
        }
        var tracks = renditions.compactMapValues(\.track)
        tracks[kind] = track
        begin(
            tracks, leader: kind == .video ? .video : leader, at: frame.decodeTime, shown: frame.presentationTime)
    }

    /// Ends what all renditions have in the making: nothing that follows belongs to it.
    mutating func breakOff() {
        guard let leader else { return }
        if let last = renditions[leader]?.finishTimeline() { addLeading(last) }
        for kind in renditions.keys where kind != leader {
            if let last = renditions[kind]?.finishTimeline() { renditions[kind]?.queue.append(last) }
            drain(kind, upTo: nil)
        }
        closeSegments(beginsDiscontinuity: true)
    }

    // MARK: The leading track

    private mutating func lead(_ frame: EncodedFrame) {
        guard let leader, let track = renditions[leader]?.track else { return }
        if let pending = renditions[leader]?.timeline?.pendingDecodeTime {
            let time = track.ticks(atMicroseconds: frame.decodeTime)
            let distance = time > pending ? track.seconds(ofTicks: time - pending) : 0
            if distance > longestPause {
                // A pause that no part could hold: time goes on behind a discontinuity.
                breakOff()
                begin(
                    renditions.compactMapValues(\.track), leader: leader, at: frame.decodeTime,
                    shown: frame.presentationTime)
            } else if targetDuration == nil {
                longestFrame = max(longestFrame, distance)
            }
        }
        let mayEnd = leader == .audio || frame.isKeyFrame
        if let sample = renditions[leader]?.place(frame) {
            addLeading(sample)
            if mayEnd, (renditions[leader]?.currentDuration ?? 0) >= shortestSegment {
                endSegment(at: frame.decodeTime, shown: frame.presentationTime)
            }
        }
        progress[leader] = frame.decodeTime
        shown = max(shown, frame.presentationTime)
        for kind in renditions.keys where kind != leader { drain(kind, upTo: frame.decodeTime) }
        if leader == .video, !askedForKeyFrame,
            (renditions[leader]?.currentDuration ?? 0) >= configuration.segmentDuration.seconds - 0.04
        {
            askedForKeyFrame = true
            wantsKeyFrame = true
        }
    }

    /// Adds a sample of the leading track; a segment that would become too long ends before it.
    private mutating func addLeading(_ sample: TimedSample) {
        guard let leader, let rendition = renditions[leader] else { return }
        let length = rendition.seconds(UInt64(sample.sample.duration))
        if rendition.currentDuration + length > longestSegment, !rendition.isCurrentEmpty {
            let rate = Int(rendition.track?.timescale ?? 1)
            let ticks = Int64(clamping: sample.decodeTime)
            let shown = ticks &+ Int64(sample.sample.compositionOffset)
            endSegment(
                at: Interval(ticks: ticks, atRate: rate).nanoseconds / 1_000,
                shown: Interval(ticks: shown, atRate: rate).nanoseconds / 1_000)
        }
        add(sample, to: leader)
    }

    private mutating func endSegment(at time: Int64, shown: Int64) {
        for kind in renditions.keys where kind != leader { drain(kind, upTo: time) }
        closeSegments(beginsDiscontinuity: false)
        segmentStart = time
        askedForKeyFrame = false
        wantsKeyFrame = false
        noteBoundary(at: shown, beginsDiscontinuity: false)
    }

    private mutating func closeSegments(beginsDiscontinuity: Bool) {
        guard let leader, let epoch else { return }
        for kind in renditions.keys { renditions[kind]?.closePart() }
        let duration = renditions[leader]?.current.duration ?? 0
        // Sound may last longer than a picture that breaks off, and the target holds for it as well.
        let longest = renditions.values.map(\.current.duration).max() ?? duration
        for kind in renditions.keys {
            renditions[kind]?.closeSegment(
                duration: duration, epoch: epoch.number, beginsDiscontinuity: beginsDiscontinuity)
        }
        if targetDuration == nil { settleTargets(firstSegment: longest) }
    }

    private mutating func add(_ sample: TimedSample, to kind: MediaKind) {
        let (target, clock) = (settledPartTarget, clock)
        renditions[kind]?.add(sample, partTarget: target, clock: clock)
    }

    // MARK: Following tracks

    private mutating func follow(_ frame: EncodedFrame) {
        let kind = frame.codec.kind
        guard let leader else { return }
        if leader == .video, frame.decodeTime - (progress[leader] ?? segmentStart) > Self.greatestLag {
            loseLeader()
            return lead(frame)
        }
        if kind == .audio, let expected = expectedAudioTime {
            let length = silence.map { Int64($0.duration) } ?? 20_000
            // What silence stands for already, or was there before this segment.
            guard frame.decodeTime + length > expected - 100_000 else { return }
            if frame.decodeTime - expected > 100_000, frame.decodeTime - expected < Self.longestSilence {
                fillSilence(upTo: frame.decodeTime - length)
            }
        }
        progress[kind] = frame.decodeTime
        if let sample = renditions[kind]?.place(frame) { renditions[kind]?.queue.append(sample) }
        if let led = progress[leader] { drain(kind, upTo: led) }
    }

    /// The picture has stopped: the sound goes on alone, from where the picture ended.
    private mutating func loseLeader() {
        let time = progress[.video] ?? segmentStart
        drain(.audio, upTo: time)
        var rest = renditions[.audio]?.queue ?? []
        renditions[.audio]?.queue = []
        if let last = renditions[.audio]?.finishTimeline() { rest.append(last) }
        breakOff()
        var tracks = renditions.compactMapValues(\.track)
        tracks[.video] = nil
        begin(tracks, leader: .audio, at: time, shown: max(time, shown &+ 2_000))
        for sample in rest { addLeading(sample) }
    }

    /// Moves the samples that begin before `time` from the queue into the segment, as many as it may hold.
    ///
    /// The rest waits for the next segment. When `time` is `nil`, there is none: sound that is ahead of a picture that
    /// breaks off has nothing to go with, and is forgotten.
    private mutating func drain(_ kind: MediaKind, upTo time: Int64?) {
        guard let track = renditions[kind]?.track else { return }
        if kind == .audio, let time, let expected = expectedAudioTime, expected < time - Self.silenceLag {
            fillSilence(upTo: time - Self.silenceLag / 2)
        }
        let limit = time.map { track.ticks(atMicroseconds: $0) } ?? .max
        var count = 0
        for sample in renditions[kind]?.queue ?? [] {
            guard sample.decodeTime < limit else { break }
            if let rendition = renditions[kind], !rendition.isCurrentEmpty,
                rendition.currentDuration + rendition.seconds(UInt64(sample.sample.duration)) > longestSegment
            {
                break
            }
            add(sample, to: kind)
            count += 1
        }
        if time == nil { renditions[kind]?.queue = [] } else { renditions[kind]?.queue.removeFirst(count) }
    }

    // MARK: Silence

    /// What stands for the sound where there is none; `nil` when we cannot write it.
    var silence: SilentFrame? {
        // The configuration in force may be the one of the publisher before.
        silentConfiguration.flatMap(SilentFrame.init)
    }

    private var silentConfiguration: CodecConfiguration? {
        configurations[.audio] ?? lastAudioConfiguration
    }

    /// Microseconds of media time at which the next frame of sound should begin.
    private var expectedAudioTime: Int64? {
        guard let rendition = renditions[.audio], let track = rendition.track else { return nil }
        guard let pending = rendition.timeline?.pendingDecodeTime else { return segmentStart }
        let length = silence?.duration ?? 20_000
        return Int64(track.seconds(ofTicks: pending) * 1_000_000 + length)
    }

    private mutating func fillSilence(upTo time: Int64) {
        guard let silence, let configuration = silentConfiguration, var next = expectedAudioTime.map(Double.init),
            Double(time) - next < 20_000_000
        else { return }
        while next < Double(time) {
            let frame = EncodedFrame(
                codec: configuration.codec, decodeTime: Int64(next), presentationTime: Int64(next), isKeyFrame: true,
                payload: silence.payload)
            if let sample = renditions[.audio]?.place(frame) { renditions[.audio]?.queue.append(sample) }
            next += silence.duration
        }
    }
}

import ISOBMFF
package import Media
package import Primitives

/// A stream as HLS: takes its frames, and answers requests for playlists and media.
///
/// The picture leads: segments begin with its key frames, and the sound is cut at the same times, so that a number
/// means the same time in both. Where there is no picture, the sound leads. All of it lives in memory, and in no more
/// than ``PresentationConfiguration/maximumBytes``.
///
/// Like all engines it is told the time. ``version`` says whether a blocked request should be looked at again.
package struct Presentation: Sendable {
    package let configuration: PresentationConfiguration
    /// Grows with every part, segment and end.
    package internal(set) var version = 0
    /// The stream is over, and playlists say so.
    package internal(set) var isClosed = false
    /// Set when segments wait for a key frame; whoever can ask the publisher for one should, and take it back.
    package var wantsKeyFrame = false
    /// What seconds segments last at most, in whole numbers; `nil` before the first is complete.
    package internal(set) var targetDuration: Int?
    /// Seconds that parts last at most.
    package internal(set) var partTarget: Double

    var epoch: PublishEpoch?
    var renditions: [MediaKind: Rendition] = [:]
    var configurations: [MediaKind: CodecConfiguration] = [:]
    /// Of the last publisher who sent sound.
    var lastAudioConfiguration: CodecConfiguration?
    /// Frames of an epoch whose tracks are not known yet.
    var staging = FrameStaging()
    /// Which rendition decides where segments end; `nil` before an epoch's first segment.
    var leader: MediaKind?
    /// Microseconds of media time at which the segment in the making begins.
    var segmentStart: Int64 = 0
    /// Microseconds of media time up to which a track has come.
    var progress: [MediaKind: Int64] = [:]
    /// The longest distance of two frames of the leading rendition, in seconds, while ``partTarget`` is not settled.
    var longestFrame = 0.0
    /// Whether a key frame was asked for in this segment.
    var askedForKeyFrame = false
    /// Smaller sizes of the picture, the largest first.
    var rungs: [LadderRung] = []
    /// Microseconds of media time up to which the leading rendition has come, as it is shown.
    var shown = Int64.min
    /// The segment that was in the making when the rungs were added.
    var rungsSince = 0
    private let firstNumber: Int

    /// Makes a presentation without media.
    ///
    /// - Parameters:
    ///   - configuration: How to cut, and what to keep.
    ///   - unixSeconds: The wall clock, from which segments are numbered: whoever comes back after HLS was stopped for a
    ///     while, or after the gateway was started anew, must not find numbers that go back or mean something else.
    package init(configuration: PresentationConfiguration = .init(), unixSeconds: Int64) {
        self.configuration = configuration
        partTarget = Interval(nanoseconds: configuration.partDuration.nanoseconds).seconds
        // Seconds since 2026; a segment lasts longer than that, so that numbers stay behind the clock.
        firstNumber = Int(max(0, unixSeconds - 1_767_225_600))
    }

    /// Bytes of media that are kept.
    package var byteCount: Int {
        let ladder = rungs.reduce(staging.byteCount) { $0 + $1.byteCount }
        return renditions.values.reduce(ladder) { $0 + $1.byteCount }
    }

    /// The kinds of media that there are playlists of.
    package var kinds: Set<MediaKind> { Set(renditions.keys) }

    /// Whether there is something to play: a complete segment.
    package var isReady: Bool { targetDuration != nil }

    // MARK: Events

    /// Takes the next event of the stream.
    package mutating func receive(_ event: FrameEvent, at now: Instant) {
        guard !isClosed else { return }
        let before = progressMark
        switch event {
        case .began(let epoch):
            endEpoch()
            self.epoch = epoch
            shown = .min
            lastAudioConfiguration = configurations[.audio] ?? lastAudioConfiguration
            configurations = [:]
            staging = FrameStaging()
        case .configured(let configuration):
            configurations[configuration.codec.kind] = configuration
            settle(at: now)
        case .frame(let frame): take(frame, at: now)
        case .clock(let nanoseconds): epoch?.unixNanosecondsAtZero = nanoseconds
        case .ended: endEpoch()
        case .closed:
            endEpoch()
            isClosed = true
            finishRungs()
            version += 1
        }
        advanceRungs()
        noteProgress(since: before, at: now)
    }

    /// Has blocked requests looked at again, if a part or segment has become complete.
    mutating func noteProgress(since before: Int, at now: Instant) {
        guard progressMark != before else { return }
        version += 1
        trim(at: now)
    }

    /// Something that changes when a part or segment is complete.
    var progressMark: Int {
        let ladder = rungs.reduce(0) { $0 &+ $1.progressMark }
        return renditions.values.reduce(ladder) { $0 &+ $1.current.number &* 4_096 &+ $1.current.parts.count }
    }

    /// Forgets media until at most `bytes` remain, when streams together hold too much.
    package mutating func trim(toBytes bytes: Int, at now: Instant) {
        var excess = byteCount - bytes
        for index in rungs.indices where excess > 0 {
            let held = rungs[index].byteCount
            rungs[index].trim { $0.trim(toBytes: held - excess, at: now) }
            excess = byteCount - bytes
        }
        for kind in [MediaKind.video, .audio] where excess > 0 {
            guard let held = renditions[kind]?.byteCount else { continue }
            renditions[kind]?.trim(toBytes: held - excess, at: now)
            excess = byteCount - bytes
        }
    }

    private mutating func trim(at now: Instant) {
        let target = Double(targetDuration ?? 0)
        let window = max(configuration.window.seconds, 10 * target)
        for kind in renditions.keys { renditions[kind]?.trim(window: window, at: now) }
        for index in rungs.indices { rungs[index].trim { $0.trim(window: window, at: now) } }
        if byteCount > configuration.maximumBytes { trim(toBytes: configuration.maximumBytes, at: now) }
    }

    // MARK: Epochs

    /// The publisher's last frames end the segment in the making.
    private mutating func endEpoch() {
        if let leader {
            if renditions[leader]?.isCurrentEmpty == false || renditions[leader]?.timeline?.pendingDecodeTime != nil {
                breakOff()
            }
            self.leader = nil
        } else if epoch != nil, !staging.isEmpty {
            start(at: .zero)
            if leader != nil {
                breakOff()
                leader = nil
            }
        }
        for kind in renditions.keys { renditions[kind]?.restart() }
        staging = FrameStaging()
        progress = [:]
        wantsKeyFrame = false
    }

    /// The number of the segment in the making, the same in all renditions.
    var currentNumber: Int { renditions.values.first?.current.number ?? firstNumber }

    /// Unix nanoseconds at media time 0.
    var clock: Int64 { epoch?.unixNanosecondsAtZero ?? 0 }
}

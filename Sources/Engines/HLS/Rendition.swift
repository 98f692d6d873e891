import ISOBMFF
import Media
import Primitives

/// One track of a stream, cut into segments and parts.
///
/// The ``Presentation`` says when a segment ends; within it, parts are as long as whole frames allow.
struct Rendition: Sendable {
    let name: RenditionName
    /// How frames are coded now; `nil` while there are none of this kind.
    private(set) var track: MovieTrack?
    private(set) var timeline: SampleTimeline?
    /// Samples that wait until the leading rendition has come as far.
    var queue: [TimedSample] = []

    /// Listed, complete segments, oldest first.
    var segments: [PresentationSegment] = []
    /// The one in the making.
    var current: PresentationSegment
    /// No longer listed, but still served to those who have an older playlist.
    var retired: [PresentationSegment] = []
    /// Initialization segments by the epoch and number of the first segment that needs them.
    var maps: [(epoch: UInt64, number: Int, bytes: [UInt8])] = []
    /// Discontinuities in segments that are not listed any more.
    var removedDiscontinuities = 0

    /// The fragment in the making.
    private var run: TrackFragment?
    private var runTicks: UInt64 = 0
    private var runBytes = 0
    private var fragmentNumber: UInt32 = 0

    init(name: RenditionName, number: Int, epoch: UInt64) {
        self.name = name
        current = PresentationSegment(
            number: number, epoch: epoch, mapNumber: number, mapEpoch: epoch, beginsDiscontinuity: false)
    }

    /// Bytes of all media that is kept.
    var byteCount: Int {
        (segments + retired).reduce(current.byteCount + runBytes) { $0 + $1.byteCount }
            + queue.reduce(0) { $0 + $1.sample.payload.count }
    }

    /// Seconds of the segment in the making, as far as it is known.
    var currentDuration: Double { current.duration + seconds(runTicks) }

    func seconds(_ ticks: UInt64) -> Double { track?.seconds(ofTicks: ticks) ?? 0 }

    /// The index and number of the part that will be ready next.
    var nextPart: (number: Int, index: Int) { (current.number, current.parts.count) }

    // MARK: Samples

    /// Takes up a track, or another one: the next sample begins a segment with an initialization segment of its own.
    ///
    /// - Precondition: The segment in the making is empty.
    mutating func begin(_ track: MovieTrack?) {
        precondition(current.parts.isEmpty && run == nil, "a track begins with a segment")
        queue = []
        timeline = track.map(SampleTimeline.init)
        guard let track else {
            self.track = nil
            return
        }
        if track == self.track, let last = maps.last {
            (current.mapEpoch, current.mapNumber) = (last.epoch, last.number)
        } else {
            maps.append((current.epoch, current.number, InitializationSegment.bytes(of: [track])))
            (current.mapEpoch, current.mapNumber) = (current.epoch, current.number)
        }
        self.track = track
    }

    /// Counts time anew within the same track, after a jump.
    mutating func restart() {
        queue = []
        timeline = track.map(SampleTimeline.init)
    }

    /// Takes the next frame, and returns the one before it, whose duration is known by now.
    mutating func place(_ frame: EncodedFrame) -> TimedSample? {
        timeline?.append(frame)
    }

    /// The last frame before a break.
    mutating func finishTimeline() -> TimedSample? {
        timeline?.finish()
    }

    /// Adds a sample to the segment in the making.
    ///
    /// - Parameters:
    ///   - sample: Follows the one before it.
    ///   - partTarget: Seconds that a part may last at most; `nil` while the segment is to be one part.
    ///   - captured: Unix nanoseconds at media time 0.
    mutating func add(_ sample: TimedSample, partTarget: Double?, clock captured: Int64) {
        let limit = partTarget.map { UInt64($0 * Double(track?.timescale ?? 1) + 0.5) } ?? .max
        if run != nil,
            runTicks + UInt64(sample.sample.duration) > limit
                || runBytes + sample.sample.payload.count > PresentationConfiguration.maximumPartBytes
        {
            closePart()
        }
        if run == nil {
            run = TrackFragment(trackIdentifier: track?.identifier ?? 1, decodeTime: sample.decodeTime)
            if current.captured == nil {
                let ticks = Int64(truncatingIfNeeded: sample.decodeTime) &+ Int64(sample.sample.compositionOffset)
                let nanoseconds = Interval(ticks: ticks, atRate: Int(track?.timescale ?? 1)).nanoseconds
                current.captured = captured &+ nanoseconds
            }
        }
        run?.samples.append(sample.sample)
        runTicks += UInt64(sample.sample.duration)
        runBytes += sample.sample.payload.count
    }

    /// Ends the part in the making, if there is one.
    mutating func closePart() {
        guard let run else { return }
        fragmentNumber &+= 1
        let fragment = MediaFragment(sequenceNumber: fragmentNumber, tracks: [run])
        current.append(
            PresentationPart(
                duration: seconds(runTicks), isIndependent: run.samples.first?.isKeyFrame ?? false,
                bytes: fragment.bytes(beginsSegment: current.parts.isEmpty)),
            frames: run.samples.count)
        self.run = nil
        runTicks = 0
        runBytes = 0
    }

    /// Ends the segment in the making and begins the next.
    ///
    /// - Parameters:
    ///   - duration: Seconds, for when there was no media.
    ///   - epoch: Of the next segment.
    ///   - beginsDiscontinuity: Whether the next segment does not follow from this one.
    mutating func closeSegment(duration: Double, epoch: UInt64, beginsDiscontinuity: Bool) {
        closePart()
        if current.parts.isEmpty {
            current.isGap = true
            current.duration = duration
        }
        segments.append(current)
        current = PresentationSegment(
            number: current.number + 1, epoch: epoch, mapNumber: current.mapNumber, mapEpoch: current.mapEpoch,
            beginsDiscontinuity: beginsDiscontinuity)
    }

    /// Turns an empty segment in the making into the first of another epoch, or behind a discontinuity.
    mutating func relabel(epoch: UInt64, beginsDiscontinuity: Bool) {
        current.epoch = epoch
        if beginsDiscontinuity { current.beginsDiscontinuity = true }
    }

    var isCurrentEmpty: Bool { current.parts.isEmpty && run == nil }
}

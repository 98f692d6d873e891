import ISOBMFF
import Media

/// A smaller size of the picture, cut where the publisher's picture is.
///
/// One that is encoded from that picture has its frames a little later, at the same media times and with key frames on the
/// same pictures. So it may be a segment behind, and never ahead: where segments begin is told by the leading
/// rendition, number by number.
///
/// One that the publisher sends is there at the same time, but its clock may differ by some milliseconds and its key frames
/// may lie a little later: its segments begin with these, if they are near.
struct LadderRung: Sendable {
    /// Where the leading rendition has begun a segment.
    struct Boundary: Sendable {
        var number: Int
        /// Of the publisher.
        var epoch: UInt64
        /// Microseconds of media time at which its first frame is shown.
        var time: Int64
        var beginsDiscontinuity: Bool
        /// Discontinuities before it.
        var discontinuities: Int
        /// Seconds that the segment before it lasts.
        var precedingDuration: Double
        /// Seconds that segments may last.
        var longestSegment: Double
    }

    /// How far the leading rendition has come, and how parts are cut.
    struct Lead: Sendable {
        var epoch: UInt64
        /// Microseconds of media time up to which pictures are there.
        var time: Int64
        var partTarget: Double
        /// Seconds that segments may last.
        var longestSegment: Double
        /// Unix nanoseconds at media time 0.
        var clock: Int64
    }

    private enum Item {
        case configured(CodecConfiguration)
        case frame(EncodedFrame, epoch: UInt64)
    }

    /// Segments that one may be behind that is encoded; then what it lacks is a gap.
    static let greatestLag = 3
    /// What a layer lacks is a gap as soon as the picture has come so much further, in microseconds.
    static let layerSilence: Int64 = 1_000_000
    /// How long after the picture's a layer's key frame may come to begin a segment, in microseconds.
    static let keyFrameSlack: Int64 = 300_000
    /// Frames that wait for the leading rendition to come as far.
    static let maximumQueue = 256

    let name: RenditionName
    /// Bits per second that its encoder aims at; 0 where that is not known.
    let bitrate: Int
    /// Whether the publisher sends it.
    let isLayer: Bool
    /// How far the times of one picture may differ, in microseconds.
    private let tolerance: Int64
    /// How it is encoded, with its size; `nil` before that is known.
    private(set) var track: MovieTrack?
    /// `nil` before its first segment.
    private(set) var rendition: Rendition?
    /// The publisher whose frames come.
    private var epoch: UInt64 = 0
    /// Segments that the leading rendition has begun and this one has not.
    private var boundaries: [Boundary] = []
    private var queue: [Item] = []
    /// Nothing can be shown before a segment that begins with a key frame.
    private var awaitsBoundary = true
    /// Microseconds of media time at which the first frame of the segment in the making is shown.
    private var segmentStart: Int64?
    /// What has come since the beginning: for a first guess of its rate.
    private var received: (bytes: Int, from: Int64, to: Int64) = (0, .max, .min)

    init(_ name: RenditionName, bitrate: Int) {
        self.name = name
        self.bitrate = bitrate
        if case .layer = name { isLayer = true } else { isLayer = false }
        tolerance = isLayer ? 20_000 : 1_000
    }

    /// Bits per second that it is going to take, as far as that is known before there is a segment.
    var expectedBitrate: Double? {
        if bitrate > 0 { return Double(bitrate) }
        let microseconds = received.to &- received.from
        guard received.bytes > 0, microseconds >= 300_000 else { return nil }
        return Double(received.bytes) * 8_000_000 / Double(microseconds)
    }

    /// Whether there is media in what was last complete, or nothing was yet.
    var isFlowing: Bool { rendition?.segments.last.map { !$0.isGap } ?? true }

    var byteCount: Int {
        queue.reduce(rendition?.byteCount ?? 0) { sum, item in
            if case .frame(let frame, _) = item { sum + frame.payload.count } else { sum }
        }
    }

    /// Something that changes when a part or segment is complete, or the rung has become known.
    var progressMark: Int {
        (track == nil ? 0 : 1) &+ (rendition.map { $0.current.number &* 4_096 &+ $0.current.parts.count } ?? 0)
    }

    /// Whether there is something to play.
    var isReady: Bool { rendition.map { !$0.segments.isEmpty } ?? false }

    mutating func trim(_ body: (inout Rendition) -> Void) {
        guard var rendition else { return }
        body(&rendition)
        self.rendition = rendition
    }

    // MARK: In

    /// Takes the next event of its encoder.
    mutating func receive(_ event: FrameEvent) {
        switch event {
        case .began(let epoch):
            self.epoch = epoch.number
            received = (0, .max, .min)
        case .configured(let configuration): queue.append(.configured(configuration))
        case .frame(let frame):
            guard queue.count < Self.maximumQueue else {
                // The leading rendition has stopped: what comes next begins anew.
                queue = queue.filter { if case .configured = $0 { true } else { false } }.suffix(1)
                awaitsBoundary = true
                return
            }
            queue.append(.frame(frame, epoch: epoch))
            received.from = min(received.from, frame.presentationTime)
            received.to = max(received.to, frame.presentationTime)
            received.bytes = min(received.bytes + frame.payload.count, 1 << 40)
        case .clock, .ended, .closed: break
        }
    }

    /// The leading rendition has begun a segment.
    mutating func note(_ boundary: Boundary) {
        // Another track at the very beginning of a segment begins it again.
        if boundaries.last?.number == boundary.number { boundaries.removeLast() }
        boundaries.append(boundary)
        guard boundaries.count > (isLayer ? 1 : Self.greatestLag) else { return }
        loseFirstBoundary()
    }

    /// A layer that the publisher does not send any more is not waited for.
    mutating func noteSilence(_ lead: Lead) {
        guard isLayer, rendition != nil, let first = boundaries.first, first.epoch == lead.epoch,
            lead.time &- max(first.time, received.to) > Self.layerSilence
        else { return }
        finishTimeline(lead)
        loseFirstBoundary()
    }

    /// What lies before the next boundary will not come any more.
    private mutating func loseFirstBoundary() {
        let lost = boundaries.removeFirst()
        _ = rendition?.finishTimeline()
        close(upTo: lost, at: lost.time)
        awaitsBoundary = true
    }

    /// Cuts what waits, as far as the leading rendition has come.
    mutating func advance(_ lead: Lead) {
        var count = 0
        loop: for item in queue {
            switch item {
            case .configured(let configuration): configure(configuration, lead)
            case .frame(let frame, let epoch):
                guard epoch < lead.epoch || epoch == lead.epoch && frame.presentationTime <= lead.time else {
                    break loop
                }
                // The end of an epoch that is over has nothing left to go with.
                if epoch == lead.epoch { take(frame, lead) }
            }
            count += 1
        }
        queue.removeFirst(count)
        noteSilence(lead)
    }

    /// The stream is over.
    mutating func finish(_ lead: Lead) {
        finishTimeline(lead)
        guard let current = rendition?.current, rendition?.isCurrentEmpty == false else { return }
        rendition?.closeSegment(duration: 0, epoch: current.epoch, beginsDiscontinuity: false)
    }

    private mutating func configure(_ configuration: CodecConfiguration, _ lead: Lead) {
        guard let track = try? MovieTrack(identifier: 1, configuration: configuration), track != self.track else {
            return
        }
        self.track = track
        guard rendition != nil else { return }
        // Another size comes with another segment.
        finishTimeline(lead)
        awaitsBoundary = true
    }

    private mutating func take(_ frame: EncodedFrame, _ lead: Lead) {
        let crossed = boundaries.prefix { boundary in
            boundary.epoch < lead.epoch
                || boundary.epoch == lead.epoch && frame.presentationTime + tolerance >= boundary.time
        }
        guard let last = crossed.last else {
            if !awaitsBoundary { place(frame, lead) }
            return
        }
        // What can be decoded in one go needs no key frame where a segment begins.
        let goesOn = !awaitsBoundary && !crossed.contains(where: \.beginsDiscontinuity)
        if !frame.isKeyFrame, mayAwaitKeyFrame(frame, behind: last, lead) {
            if goesOn { place(frame, lead) }
            return
        }
        boundaries.removeFirst(crossed.count)
        if goesOn {
            place(frame, lead)
        } else {
            finishTimeline(lead)
        }
        for (index, boundary) in crossed.enumerated() {
            close(upTo: boundary, at: goesOn && index == crossed.count - 1 ? frame.presentationTime : boundary.time)
        }
        if goesOn {
            segmentStart = frame.presentationTime
            return
        }
        let slack = isLayer ? Self.keyFrameSlack : tolerance
        let isAligned = last.epoch == lead.epoch && frame.presentationTime - last.time <= slack
        let isFresh = rendition?.isCurrentEmpty ?? true
        awaitsBoundary = !(isAligned && frame.isKeyFrame && track != nil && isFresh)
        guard !awaitsBoundary else { return }
        if rendition == nil {
            var first = Rendition(name: name, number: last.number, epoch: last.epoch)
            first.removedDiscontinuities = last.discontinuities
            first.relabel(epoch: last.epoch, beginsDiscontinuity: last.beginsDiscontinuity)
            rendition = first
        }
        rendition?.begin(track)
        segmentStart = frame.presentationTime
        place(frame, lead)
    }

    /// Whether a segment may go on a little behind a boundary, so that the next begins with a key frame.
    private func mayAwaitKeyFrame(_ frame: EncodedFrame, behind boundary: Boundary, _ lead: Lead) -> Bool {
        guard isLayer, boundary.epoch == lead.epoch, frame.presentationTime - boundary.time < Self.keyFrameSlack else {
            return false
        }
        return awaitsBoundary || (rendition?.currentDuration ?? 0) + 0.1 < lead.longestSegment
    }

    // MARK: Cutting

    private mutating func place(_ frame: EncodedFrame, _ lead: Lead) {
        guard let sample = rendition?.place(frame) else { return }
        add(sample, lead)
    }

    private mutating func finishTimeline(_ lead: Lead) {
        if let sample = rendition?.finishTimeline() { add(sample, lead) }
    }

    private mutating func add(_ sample: TimedSample, _ lead: Lead) {
        guard let rendition, let track = rendition.track else { return }
        var sample = sample
        // Pictures that were left out for want of time are a hole: no part may last longer than announced.
        let limit = UInt32(clamping: Int(lead.partTarget * Double(track.timescale)))
        sample.sample.duration = min(sample.sample.duration, limit)
        let length = rendition.seconds(UInt64(sample.sample.duration))
        guard rendition.isCurrentEmpty || rendition.currentDuration + length <= lead.longestSegment else { return }
        self.rendition?.add(sample, partTarget: lead.partTarget, clock: lead.clock)
    }

    /// Ends the segment before a boundary, whose media ends at `time`, in microseconds.
    private mutating func close(upTo boundary: Boundary, at time: Int64) {
        guard let rendition else { return }
        guard rendition.current.number < boundary.number else {
            self.rendition?.relabel(epoch: boundary.epoch, beginsDiscontinuity: boundary.beginsDiscontinuity)
            return
        }
        self.rendition?.closePart()
        // Where pictures were left out, the parts do not add up to the time that the segment stands for, by which players
        // find what comes next (RFC 8216bis §4.4.4.1).
        if let segmentStart, !boundary.beginsDiscontinuity, self.rendition?.current.parts.isEmpty == false {
            let distance = Double(time - segmentStart) / 1_000_000
            if distance > rendition.currentDuration + 0.05, distance <= boundary.longestSegment {
                self.rendition?.current.duration = distance
            }
        }
        segmentStart = nil
        self.rendition?.closeSegment(
            duration: boundary.precedingDuration, epoch: boundary.epoch,
            beginsDiscontinuity: boundary.beginsDiscontinuity)
    }
}

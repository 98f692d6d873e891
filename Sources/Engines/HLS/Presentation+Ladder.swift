import ISOBMFF
package import Media
package import Primitives

/// The picture in smaller sizes.
extension Presentation {
    /// Rungs that there may be.
    package static let maximumRungs = 8

    /// Adds smaller sizes of the picture, whose frames ``receive(_:rung:at:)`` takes from now on.
    ///
    /// The multivariant playlist waits for them to be known, but no longer than to the end of the next segment.
    ///
    /// - Parameter ladder: Their names, which are those of rungs or layers, each with the bits per second that its encoder
    ///   aims at; the largest first.
    package mutating func addRungs(_ ladder: [(name: RenditionName, bitrate: Int)]) {
        rungsSince = currentNumber
        for step in ladder where step.name.isRung {
            guard rungs.count < Self.maximumRungs, !rungs.contains(where: { $0.name == step.name }) else { continue }
            rungs.append(LadderRung(step.name, bitrate: step.bitrate))
        }
    }

    /// Nothing more is known of the smaller sizes.
    package mutating func removeRungs() {
        guard !rungs.isEmpty else { return }
        rungs = []
        // Whoever waits for one hears that there is none.
        version += 1
    }

    package var hasRungs: Bool { !rungs.isEmpty }

    package var rungNames: [RenditionName] { rungs.map(\.name) }

    /// Takes the next event of a rung, in the publisher's times and with its epochs.
    package mutating func receive(_ event: FrameEvent, rung name: RenditionName, at now: Instant) {
        guard !isClosed, let index = rungs.firstIndex(where: { $0.name == name }) else { return }
        let before = progressMark
        rungs[index].receive(event)
        if let lead { rungs[index].advance(lead) }
        noteProgress(since: before, at: now)
    }

    /// Whether the multivariant playlist is to wait for a rung.
    var awaitsRungs: Bool {
        guard leader != nil, currentNumber <= rungsSince + 1 else { return false }
        // One of the publisher's layers is the picture itself, and does not come twice.
        let leading = rungs.contains(where: \.isLayer) ? 1 : 0
        return rungs.count { $0.track == nil } > leading
    }

    /// The rungs to list beside the leading picture, the largest first.
    ///
    /// A layer that has become the picture itself, because the publisher sends no larger one at present, or that does not
    /// come any more, is served but not listed.
    func listedRungs(beside leading: Rendition) -> [LadderRung] {
        func size(_ track: MovieTrack?) -> Int { track.map { $0.width * $0.height } ?? 0 }
        let listed = rungs.filter { rung in
            guard rung.track != nil else { return false }
            guard rung.isLayer else { return true }
            guard rung.isFlowing else { return false }
            let (own, lead) = (size(rung.track), size(leading.track))
            return own < lead || own == lead && (rate(of: rung) ?? .infinity) < 0.8 * bandwidth(leading).average
        }
        return listed.sorted { size($0.track) > size($1.track) }
    }

    /// Bits per second of a rung, as far as they are known.
    private func rate(of rung: LadderRung) -> Double? {
        guard let rendition = rung.rendition, rung.isReady else { return rung.expectedBitrate }
        return bandwidth(rendition).average
    }

    /// What may be asked for by name.
    func rendition(_ name: RenditionName) -> Rendition? {
        switch name {
        case .video: renditions[.video]
        case .audio: renditions[.audio]
        case .rung, .layer: rungs.first { $0.name == name && $0.isReady }?.rendition
        }
    }

    /// Everything that has a playlist.
    var allRenditions: [Rendition] {
        [renditions[.video]].compactMap { $0 } + rungs.filter(\.isReady).compactMap(\.rendition)
            + [renditions[.audio]].compactMap { $0 }
    }

    /// The leading rendition begins a segment whose first frame is shown at `time`, in microseconds of media time.
    mutating func noteBoundary(at time: Int64, beginsDiscontinuity: Bool) {
        // Before the first segment is complete it is not known how parts are to be cut.
        guard !rungs.isEmpty, isReady, let leader, let leading = renditions[leader], let epoch else { return }
        let flagged = leading.current.beginsDiscontinuity
        let boundary = LadderRung.Boundary(
            number: leading.current.number, epoch: epoch.number, time: time,
            beginsDiscontinuity: beginsDiscontinuity || flagged,
            discontinuities: discontinuityNumber(leading) - (flagged ? 1 : 0),
            precedingDuration: leading.segments.last?.duration ?? 0, longestSegment: longestSegment)
        for index in rungs.indices { rungs[index].note(boundary) }
    }

    mutating func advanceRungs() {
        guard !rungs.isEmpty, let lead else { return }
        for index in rungs.indices { rungs[index].advance(lead) }
    }

    mutating func finishRungs() {
        guard let lead else { return }
        for index in rungs.indices { rungs[index].finish(lead) }
    }

    private var lead: LadderRung.Lead? {
        epoch.map { epoch in
            LadderRung.Lead(
                epoch: epoch.number, time: shown, partTarget: partTarget, longestSegment: longestSegment, clock: clock)
        }
    }
}

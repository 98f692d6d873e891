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
    /// - Parameter ladder: Heights, each with the bits per second that its encoder aims at; the largest first.
    package mutating func addRungs(_ ladder: [(height: Int, bitrate: Int)]) {
        rungsSince = currentNumber
        for step in ladder where RenditionName.heights.contains(step.height) {
            guard rungs.count < Self.maximumRungs, !rungs.contains(where: { $0.height == step.height }) else {
                continue
            }
            rungs.append(LadderRung(height: step.height, bitrate: step.bitrate))
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

    package var rungHeights: [Int] { rungs.map(\.height) }

    /// Takes the next event of a rung's encoder, in the publisher's times and with its epochs.
    package mutating func receive(_ event: FrameEvent, rung height: Int, at now: Instant) {
        guard !isClosed, let index = rungs.firstIndex(where: { $0.height == height }) else { return }
        let before = progressMark
        rungs[index].receive(event)
        if let lead { rungs[index].advance(lead) }
        noteProgress(since: before, at: now)
    }

    /// Whether the multivariant playlist is to wait for a rung.
    var awaitsRungs: Bool {
        leader != nil && currentNumber <= rungsSince + 1 && rungs.contains { $0.track == nil }
    }

    /// What may be asked for by name.
    func rendition(_ name: RenditionName) -> Rendition? {
        switch name {
        case .video: renditions[.video]
        case .audio: renditions[.audio]
        case .rung(let height): rungs.first { $0.height == height && $0.isReady }?.rendition
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
            precedingDuration: leading.segments.last?.duration ?? 0)
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

import Gateway
import Media
import Primitives
import Transcoding

/// What the gateway encodes anew of one stream for HLS: H.264 in place of VP8, and the smaller sizes of the ladder.
///
/// Both are the gateway's transcodes: counted with all others, and shared with viewers by WebRTC.
actor StreamRenditions {
    private let stream: StreamName
    private let gateway: Gateway
    private let input: PlayableFrames
    private let output: HLSStream
    private let now: @Sendable () -> Instant
    private var replacement: RenditionHold?
    private var ladder: RenditionHold?
    /// Where this reads.
    private var readings: [(lane: FrameLane, number: UInt64)] = []
    /// Somebody is asking the gateway.
    private var isAsking = false
    private var isStopped = false
    private var nextAttempt = Instant.zero

    /// Where the ladder was refused, it is asked for again no sooner.
    static let retryInterval = Interval.milliseconds(200)

    init(
        of stream: StreamName, gateway: Gateway, input: PlayableFrames, output: HLSStream,
        now: @escaping @Sendable () -> Instant
    ) {
        self.stream = stream
        self.gateway = gateway
        self.input = input
        self.output = output
        self.now = now
    }

    /// Has the picture encoded as H.264, and the ladder with it, while ``PlayableFrames`` wants that.
    ///
    /// - Returns: Whether it can be had.
    func settleReplacement() async -> Bool {
        guard !isStopped else { return true }
        guard input.isReplaced else {
            guard let hold = replacement else { return true }
            replacement = nil
            detach()
            output.removeRungs()
            await gateway.release(hold)
            return true
        }
        guard replacement == nil else { return true }
        // The ladder comes with it.
        await endLadder()
        let hold = await gateway.replacement(of: stream)
        guard let hold, let first = hold.renditions.first else {
            input.refuseReplacement()
            return false
        }
        guard !isStopped, replacement == nil, input.isReplaced else {
            await gateway.release(hold)
            return true
        }
        replacement = hold
        addRungs(hold.renditions.dropFirst())
        read(first.lane) { [input] in input.receiveReplacement($0) }
        return true
    }

    /// Has the ladder encoded, if there is one and it is not being done already.
    func beginLadder() async {
        let time = now()
        guard !isStopped, !isAsking, !input.isReplaced, time >= nextAttempt else { return }
        // A publisher with another picture has ended it.
        if ladder != nil, output.hasRungs { return }
        isAsking = true
        defer { isAsking = false }
        await endLadder()
        nextAttempt = time + Self.retryInterval
        guard let hold = await gateway.renditions(of: stream, unless: [.vp8]) else { return }
        guard !isStopped, !input.isReplaced, ladder == nil else { return await gateway.release(hold) }
        ladder = hold
        addRungs(hold.renditions[...])
    }

    /// Nobody watches: the smaller sizes are not encoded any more.
    func endLadder() async {
        guard let hold = ladder else { return }
        ladder = nil
        detach()
        output.removeRungs()
        await gateway.release(hold)
    }

    func stop() async {
        isStopped = true
        detach()
        let holds = [replacement, ladder].compactMap { $0 }
        (replacement, ladder) = (nil, nil)
        for hold in holds { await gateway.release(hold) }
    }

    private func addRungs(_ renditions: ArraySlice<TranscodeJob.Rendition>) {
        let rungs = renditions.compactMap { rendition in rendition.form.height.map { (height: $0, rendition) } }
        guard !rungs.isEmpty else { return }
        output.addRungs(rungs.map { (height: $0.height, bitrate: Self.bitrate(of: $0.1.form, height: $0.height)) })
        for (height, rendition) in rungs {
            read(rendition.lane) { [output] in output.receive($0, rung: height) }
        }
    }

    /// What its encoder aims at, in bits per second.
    private static func bitrate(of form: VideoRendition, height: Int) -> Int {
        form.bitrate ?? VideoEncoderSettings.defaultBitrate(width: height * 16 / 9, height: height)
    }

    private func read(_ lane: FrameLane, _ body: @escaping @Sendable (FrameEvent) -> Void) {
        readings.append((lane, lane.attach(LaneReader(body)).number))
    }

    private func detach() {
        for (lane, number) in readings { lane.detach(number) }
        readings = []
    }
}

/// Passes on what comes on the lane of a rendition.
private final class LaneReader: FrameReader {
    private let body: @Sendable (FrameEvent) -> Void

    init(_ body: @escaping @Sendable (FrameEvent) -> Void) {
        self.body = body
    }

    func receive(_ event: FrameEvent) { body(event) }
}

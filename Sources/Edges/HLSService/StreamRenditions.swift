import Gateway
import HLS
import Media
import Primitives
import Transcoding

/// What stands beside the picture of one stream in HLS, or in place of it: the sizes that its publisher sends, or else those
/// of the ladder, and H.264 in place of VP8.
///
/// What is encoded anew are the gateway's transcodes: counted with all others, and shared with viewers by WebRTC.
actor StreamRenditions {
    private let stream: StreamName
    private let gateway: Gateway
    private let input: PlayableFrames
    private let output: HLSStream
    private let now: @Sendable () -> Instant
    private var replacement: RenditionHold?
    private var ladder: RenditionHold?
    private var layers: LayerHold?
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

    /// Has the publisher's sizes read or the ladder encoded, if there is one and it is not being done already.
    func beginLadder() async {
        let time = now()
        guard !isStopped, !isAsking, !input.isReplaced, time >= nextAttempt else { return }
        // A publisher with another picture has ended it.
        if ladder != nil || layers != nil, output.hasRungs { return }
        isAsking = true
        defer { isAsking = false }
        await endLadder()
        nextAttempt = time + Self.retryInterval
        if let hold = await gateway.layers(of: stream) {
            guard !isStopped, !input.isReplaced, layers == nil else { return await gateway.release(hold) }
            layers = hold
            addLayers(hold.layers)
            return
        }
        guard let hold = await gateway.renditions(of: stream, unless: [.vp8]) else { return }
        guard !isStopped, !input.isReplaced, ladder == nil else { return await gateway.release(hold) }
        ladder = hold
        addRungs(hold.renditions[...])
    }

    /// Nobody watches: the smaller sizes are not made any more.
    func endLadder() async {
        guard ladder != nil || layers != nil else { return }
        let holds = (ladder, layers)
        (ladder, layers) = (nil, nil)
        detach()
        output.removeRungs()
        if let hold = holds.0 { await gateway.release(hold) }
        if let hold = holds.1 { await gateway.release(hold) }
    }

    func stop() async {
        isStopped = true
        detach()
        let holds = [replacement, ladder].compactMap { $0 }
        let layers = layers
        (replacement, ladder, self.layers) = (nil, nil, nil)
        for hold in holds { await gateway.release(hold) }
        if let layers { await gateway.release(layers) }
    }

    private func addRungs(_ renditions: ArraySlice<TranscodeJob.Rendition>) {
        let rungs = renditions.compactMap { rendition in rendition.form.height.map { (height: $0, rendition) } }
        guard !rungs.isEmpty else { return }
        output.addRungs(
            rungs.map { (.rung(height: $0.height), bitrate: Self.bitrate(of: $0.1.form, height: $0.height)) })
        for (height, rendition) in rungs {
            read(rendition.lane) { [output] in output.receive($0, rung: .rung(height: height)) }
        }
    }

    private func addLayers(_ lanes: [FrameLane]) {
        let layers = zip(lanes, RenditionName.layers).map { (name: RenditionName.layer($1), lane: $0) }
        // What they take is measured.
        output.addRungs(layers.map { (name: $0.name, bitrate: 0) })
        for (name, lane) in layers { read(lane) { [output] in output.receive($0, rung: name) } }
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

import Media
import Primitives
import SFU

/// One track on one worker: its packets, who sends them and who gets them.
///
/// On the worker of its publisher (the owner) packets enter by ``TrackInput``; other workers hold a
/// copy that the owner feeds burst by burst.
struct Track: ~Copyable {
    let id: TrackID
    let codec: Codec
    let owner: Int
    /// Packets up to here have been released to viewers; the rest of the burst is still arriving.
    var releasedEnd = 0
    /// When the burst that is arriving must go out even if it is not complete.
    var burstDeadline: Instant?

    var log: PacketLog
    var input: TrackInput
    var bitrate = BitrateMeter()
    /// The layers inside the stream: of each packet, and their bitrates.
    var layers: LayerReader
    var layerRates = LayerRates()
    /// The revision of ``layerRates`` that the control plane knows.
    var announcedLayers = 0
    var clock: SenderReportClock
    /// How long before the time that ``clock`` gives a frame was captured, as its publisher says: not zero where that one
    /// passes on what others captured.
    var captureDelay = Interval.zero
    var keyFrames = KeyFrameRequester()
    /// Evidence that the publisher answers key-frame requests: one arrived soon after we asked.
    var answersKeyFrameRequests = false
    var keyFrameRequestedAt: Instant?
    var lastKeyFrameAt: Instant?
    var keyFrameInterval: Interval?

    /// The publishing session's slot on this worker; `nil` for frames from RTMP or the demo, and on copies.
    var publisher: Int?
    /// Nothing of it is let in.
    var isMuted = false
    /// The SSRC that feeds the track, to name in feedback to the publisher.
    var publisherSSRC: UInt32 = 0
    /// When ``publisherSSRC`` last sent; `nil` when its publisher has gone.
    var lastPacketAt: Instant?
    /// What key-frame requests the publisher understands.
    var publisherAcceptsPLI = false
    var publisherAcceptsFIR = false
    var nextFIRNumber: UInt8 = 0
    /// The newest sequence parameter set that the control plane was told of; empty before the first.
    var parameterSet: [UInt8] = []
    /// As the last key frame stated it, for codecs without parameter sets.
    var pictureSize: PictureSize?
    /// When either of them changed.
    var parameterSetAt: Instant?

    /// The viewers, one after the other; order has no meaning.
    var forwarders: UnsafeMutablePointer<Forwarder>
    private(set) var forwarderCount = 0
    private var forwarderCapacity = 8
    /// Viewers that go over to this layer at its next key frame; checked against their subscriptions.
    var arrivingPeers: [Int] = []
    /// How many forwarders are not live: they wait for a key frame, or replay.
    var catchingUp = 0
    /// Workers that hold a copy.
    var relays: [Int] = []
    /// Who reads the track as frames.
    var tap: TapID?
    /// The index in ``log`` of the first packet of the current source.
    var sourceStart = 0
    var packetsReceived = 0
    var bytesReceived = 0
    var framesReceived = 0
    /// Frames no larger than ``MediaReport/Track/stillFrameSize``.
    var stillFrames = 0
    /// Bytes of the frame that is arriving.
    private var frameBytes = 0
    var lastArrivalAt: Instant?

    var isVideo: Bool { codec.kind == .video }

    init(_ specification: TrackSpecification) {
        id = specification.id
        codec = specification.codec
        owner = specification.owner
        let isVideo = codec.kind == .video
        log = PacketLog(limits: .init(isVideo: isVideo))
        input = TrackInput(clockRate: codec.clockRate, waitsForKeyFrame: isVideo)
        layers = LayerReader(codec: codec)
        clock = SenderReportClock(clockRate: codec.clockRate)
        forwarders = .allocate(capacity: forwarderCapacity)
    }

    deinit {
        forwarders.deallocate()
    }

    /// When the frame of a media time was captured, by our clock; `nil` while nothing relates the two.
    func captureTime(of timestamp: Int64) -> NTPTime? {
        guard let time = clock.ntp(forTimestamp: UInt32(truncatingIfNeeded: timestamp)) else { return nil }
        return NTPTime(unixNanoseconds: time.unixNanoseconds &- captureDelay.nanoseconds)
    }

    /// Adds a viewer; returns its position in ``forwarders``, valid until one is removed.
    mutating func add(_ forwarder: Forwarder) -> Int {
        if forwarderCount == forwarderCapacity {
            let larger = UnsafeMutablePointer<Forwarder>.allocate(capacity: forwarderCapacity * 2)
            larger.moveInitialize(from: forwarders, count: forwarderCount)
            forwarders.deallocate()
            forwarders = larger
            forwarderCapacity *= 2
        }
        (forwarders + forwarderCount).initialize(to: forwarder)
        forwarderCount += 1
        return forwarderCount - 1
    }

    /// Counts a packet, and the frame that it completes.
    mutating func count(payload: Int, marker: Bool) {
        packetsReceived += 1
        bytesReceived += payload
        frameBytes += payload
        guard marker || !isVideo else { return }
        framesReceived += 1
        if isVideo, frameBytes <= MediaReport.Track.stillFrameSize { stillFrames += 1 }
        frameBytes = 0
    }

    /// Removes the forwarder at `position`, moving the last one there.
    ///
    /// - Returns: The peer whose forwarder now lies at `position`, if one was moved.
    mutating func removeForwarder(at position: Int) -> Int? {
        precondition(position < forwarderCount, "a viewer's subscriptions name existing forwarders")
        forwarderCount -= 1
        guard position < forwarderCount else { return nil }
        forwarders[position] = forwarders[forwarderCount]
        return forwarders[position].peer
    }
}

import Media
import Primitives
import RTP
import SFU
import WebRTC

/// A track that a session receives: packets back in order, frames, and what to ask the server for.
struct IncomingTrack: Sendable {
    /// How long frames wait for the first sender report; servers send one each second or so.
    private static let reportPatience = Interval.milliseconds(1_500)
    /// Frames that wait for it at most.
    private static let maximumHeld = 512
    /// How long to wait for the first key frame before asking for one.
    private static let keyFramePatience = Interval.seconds(1)
    /// When to try anew with a server that has ignored all requests and sends nothing; each try is a few requests.
    private static let retryInterval = Interval.seconds(10)

    let negotiated: ClientTrack
    /// The server's; learnt from the first packet where its answer does not tell.
    private(set) var ssrc: UInt32?
    private var sequences = SequenceUnwrapper()
    private var reception: ReceptionStatistics
    private var nacks = NACKGenerator()
    private var reorder = ReorderBuffer()
    private var depacketizer: RTPDepacketizer
    private var keyFrames = KeyFrameRequester()
    private var clock: SenderReportClock
    /// Frames that wait for the server's clock, which alone tells how the tracks lie beside each other.
    private var held: [(frame: EncodedFrame, timestamp: UInt32)] = []
    private var heldSince: Instant?
    /// Microseconds from the times of ``depacketizer`` to media time; set once, so that no frame is nudged afterwards.
    private var offset: Int64?
    /// Whether decoding must begin anew: at the start, and behind a loss.
    private var awaitsKeyFrame: Bool
    private var keyFrameDueAt: Instant?
    private var lastDecodeTime = Int64.min
    private var counts: IncomingStatistics

    init(_ negotiated: ClientTrack) {
        self.negotiated = negotiated
        ssrc = negotiated.ssrc
        let codec = negotiated.description.codec
        reception = ReceptionStatistics(clockRate: codec.clockRate)
        depacketizer = RTPDepacketizer(codec: codec)
        clock = SenderReportClock(clockRate: codec.clockRate)
        awaitsKeyFrame = codec.kind == .video
        counts = IncomingStatistics(codec: codec)
    }

    private var codec: Codec { negotiated.description.codec }

    var statistics: IncomingStatistics {
        var statistics = counts
        statistics.lost = reception.totals.packetsLost
        statistics.repaired = nacks.statistics.repaired
        statistics.requested = nacks.statistics.requested
        statistics.unrecovered = counts.unrecovered + reorder.skipped
        statistics.jitter = reception.jitter
        statistics.keyFrameRequests = keyFrames.requestsSent
        return statistics
    }

    var deadline: Instant? {
        var deadlines = [
            reorder.deadline, negotiated.supportsNACK ? nacks.deadline : nil,
            heldSince.map { $0 + Self.reportPatience },
        ]
        if canAskForKeyFrame {
            deadlines.append(keyFrames.deadline)
            if awaitsKeyFrame { deadlines.append(keyFrameDueAt) }
        }
        return deadlines.compactMap { $0 }.min()
    }

    /// Nobody can be asked about a stream whose number is unknown.
    private var canAskForKeyFrame: Bool { ssrc != nil && (negotiated.supportsPLI || negotiated.supportsFIR) }

    /// The session is connected: from now on a key frame is expected.
    mutating func start(at now: Instant) {
        if codec.kind == .video { keyFrameDueAt = now + Self.keyFramePatience }
    }

    // MARK: - Packets

    /// Takes a packet of the stream itself.
    ///
    /// - Returns: `false` when the packet belongs to another stream.
    mutating func receive(
        _ header: RTPHeader,
        payload: Span<UInt8>,
        at now: Instant,
        localTime: NTPTime
    ) -> Bool {
        if ssrc == nil { ssrc = header.ssrc }
        guard header.ssrc == ssrc else { return false }
        let sequence = sequences.unwrap(header.sequenceNumber)
        let restarts = reception.totals.restarts
        reception.receive(sequence: sequence, timestamp: header.timestamp, at: now)
        if reception.totals.restarts != restarts { restart(at: now) }
        clock.receive(timestamp: header.timestamp, at: localTime)
        counts.packets += 1
        counts.bytes += Int64(payload.count)
        if counts.firstPacketAt == nil { counts.firstPacketAt = now }
        insert(sequence, header, payload, at: now)
        return true
    }

    /// Takes a retransmission: the original number is the first thing in its payload (RFC 4588 §4).
    mutating func receiveRetransmission(_ header: RTPHeader, payload: Span<UInt8>, at now: Instant) {
        // Bandwidth probes come as retransmissions of nothing.
        guard payload.count > 2, let newest = sequences.newest else { return }
        let number = UInt16(payload[0]) << 8 | UInt16(payload[1])
        insert(
            SequenceUnwrapper.extend(number, near: newest),
            header,
            payload.extracting(droppingFirst: 2),
            at: now
        )
    }

    private mutating func insert(_ sequence: Int64, _ header: RTPHeader, _ payload: Span<UInt8>, at now: Instant) {
        nacks.receive(sequence: sequence, at: now)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count)
        for index in payload.indices { bytes.append(payload[index]) }
        reorder.insert(
            ReorderBuffer.Packet(
                sequence: sequence,
                timestamp: header.timestamp,
                marker: header.marker,
                payload: bytes,
                arrivedAt: now
            )
        )
    }

    /// Begins again with a sender that did.
    private mutating func restart(at now: Instant) {
        counts.unrecovered += reorder.skipped
        nacks.reset()
        reorder = ReorderBuffer()
        depacketizer = RTPDepacketizer(codec: codec)
        offset = nil
        awaitsKeyFrame = codec.kind == .video
        keyFrameDueAt = now
    }

    mutating func receive(_ report: SenderReport, at now: Instant, localTime: NTPTime, offset: inout ClockOffset) {
        reception.receiveSenderReport(ntp: report.ntpTime, at: now)
        clock.receive(report, at: localTime, offset: &offset)
    }

    // MARK: - Frames

    /// Takes out the frames that are complete and that a decoder can show, with times that count from `origin` by our
    /// clock.
    mutating func frames(at now: Instant, since origin: NTPTime) -> [EncodedFrame] {
        let skipped = reorder.skipped
        while let packet = reorder.next(at: now) {
            let received = depacketizer.receive(
                packet.payload.span,
                sequence: packet.sequence,
                timestamp: packet.timestamp,
                marker: packet.marker
            )
            for frame in received where admit(frame, at: now) {
                held.append((frame.frame, frame.timestamp))
                if offset == nil, heldSince == nil { heldSince = now }
            }
        }
        // What has been given up need not come any more.
        if reorder.skipped != skipped, let due = reorder.due { nacks.forget(before: due) }
        let isPatient = heldSince.map { now < $0 + Self.reportPatience } ?? false
        if offset == nil, clock.basis != .senderReport, isPatient, held.count < Self.maximumHeld { return [] }
        return release(since: origin)
    }

    /// Gives out what waits for the server's clock, by the times of arrival if need be.
    mutating func release(since origin: NTPTime) -> [EncodedFrame] {
        guard let first = held.first else { return [] }
        heldSince = nil
        if offset == nil, let time = clock.ntp(forTimestamp: first.timestamp) {
            offset = time.since(origin).nanoseconds / 1_000 - first.frame.presentationTime
        }
        let shift = offset ?? 0
        let frames = held.map { $0.frame }
        held.removeAll(keepingCapacity: true)
        return frames.map { frame in
            var frame = frame
            frame.presentationTime += shift
            lastDecodeTime = max(lastDecodeTime, frame.presentationTime)
            frame.decodeTime = lastDecodeTime
            return frame
        }
    }

    /// Whether a decoder can show the frame; counts it.
    private mutating func admit(_ received: ReceivedFrame, at now: Instant) -> Bool {
        if codec.kind == .video {
            if received.isComplete, received.frame.isKeyFrame {
                awaitsKeyFrame = false
                keyFrames.keyFrameArrived(at: now)
                counts.keyFrames += 1
            } else if !received.isComplete || received.packetsLost > 0 {
                awaitsKeyFrame = true
            }
        }
        guard received.isComplete, !awaitsKeyFrame else {
            counts.undecodable += 1
            keyFrameDueAt = now
            return false
        }
        counts.frames += 1
        if counts.firstFrameAt == nil { counts.firstFrameAt = now }
        return true
    }

    // MARK: - Feedback

    /// What to ask the server for now; empty most of the time.
    mutating func feedback(sender: UInt32, intraRequest: inout UInt8, at now: Instant) -> [RTCPPacket] {
        guard let ssrc else { return [] }
        var packets: [RTCPPacket] = []
        if negotiated.supportsNACK {
            let lost = nacks.due(at: now, rtt: nil)
            if !lost.isEmpty {
                packets.append(.genericNACK(GenericNACK(senderSSRC: sender, mediaSSRC: ssrc, lost: lost)))
            }
        }
        guard canAskForKeyFrame else { return packets }
        var asks = keyFrames.advance(to: now)
        if awaitsKeyFrame, let due = keyFrameDueAt, now >= due {
            keyFrameDueAt = now + Self.retryInterval
            asks = keyFrames.request(at: now) || asks
        }
        guard asks else { return packets }
        if negotiated.supportsPLI {
            packets.append(.pictureLossIndication(senderSSRC: sender, mediaSSRC: ssrc))
        } else if negotiated.supportsFIR {
            intraRequest &+= 1
            let entry = FullIntraRequest.Entry(ssrc: ssrc, sequenceNumber: intraRequest)
            packets.append(.fullIntraRequest(FullIntraRequest(senderSSRC: sender, entries: [entry])))
        }
        return packets
    }

    /// The report about the stream; `nil` before its first packet.
    mutating func reportBlock(at now: Instant) -> ReportBlock? {
        guard let ssrc, reception.highestSequence != nil else { return nil }
        return reception.report(ssrc: ssrc, at: now)
    }
}

import CongestionControl
import ICE
import Primitives
import RTP
import SFU
import SRTP
import WebRTC

/// Reports and feedback, in and out. `docs/rtcp-ledger.md` says what each type is for.
extension MediaCore {
    /// The name under which all our SSRCs appear in SDES and SDP, so that receivers synchronise audio and video.
    package static var canonicalName: String { "martlet" }

    // MARK: In

    mutating func receiveRTCP(
        _ datagram: UnsafeMutableRawBufferPointer,
        peer slot: Int,
        from source: TransportAddress,
        at now: Instant,
        into batch: inout SendBatch
    ) {
        let length: Int
        do throws(SRTPError) {
            guard let unprotected = try peers[slot].pointee.receiver?.unprotectRTCP(datagram) else {
                counters.datagramsIgnored += 1
                return
            }
            length = unprotected
        } catch {
            counters.datagramsRefused += 1
            return
        }
        noteAuthenticatedPacket(from: source, peer: slot, at: now)
        let bytes = UnsafeRawBufferPointer(rebasing: datagram[0..<length]).bindMemory(to: UInt8.self)
        guard let packets = try? RTCPPacket.parseCompound(Span(_unsafeElements: bytes)) else {
            counters.datagramsRefused += 1
            return
        }
        let isPublisher = peers[slot].pointee.role == .publisher
        for packet in packets {
            switch packet {
            case .senderReport(let report):
                if isPublisher { receive(report, peer: slot, at: now) }
                if !isPublisher { receive(report.reportBlocks, peer: slot, at: now) }
            case .receiverReport(let report):
                if !isPublisher { receive(report.reportBlocks, peer: slot, at: now) }
            case .transportFeedback(let feedback):
                peers[slot].pointee.bandwidth?.receive(feedback, at: now)
            case .receiverEstimatedMaximumBitrate(let estimate):
                peers[slot].pointee.bandwidth?.receive(estimate, at: now)
            case .genericNACK(let nack):
                counters.nacksReceived += nack.lost.count
                if let subscription = subscription(to: nack.mediaSSRC, peer: slot) {
                    retransmit(nack.lost, subscription: subscription, peer: slot, at: now, into: &batch)
                }
            case .pictureLossIndication(_, let mediaSSRC):
                receiveKeyFrameRequest(for: mediaSSRC, peer: slot, at: now, into: &batch)
            case .fullIntraRequest(let request):
                for entry in request.entries {
                    receiveKeyFrameRequest(for: entry.ssrc, peer: slot, at: now, into: &batch)
                }
            case .sourceDescription, .goodbye, .applicationDefined, .extendedReport, .unknown:
                break
            }
        }
        if !isPublisher { applyEstimate(to: slot, at: now) }
    }

    private func subscription(to ssrc: UInt32, peer slot: Int) -> Peer.Subscription? {
        peers[slot].pointee.subscriptions.first { $0.binding.sender.ssrc == ssrc }
    }

    private mutating func receive(_ report: SenderReport, peer slot: Int, at now: Instant) {
        guard let index = peers[slot].pointee.sources.firstIndex(where: { $0.ssrc == report.ssrc }) else { return }
        peers[slot].pointee.sources[index].statistics.receiveSenderReport(ntp: report.ntpTime, at: now)
        let source = peers[slot].pointee.sources[index]
        guard !source.isRetransmission, tracks.contains(source.track) else { return }
        let track = tracks[source.track]
        guard track.pointee.publisherSSRC == report.ssrc,
            let mediaTime = track.pointee.input.mediaTime(of: report.rtpTimestamp)
        else { return }
        var report = report
        report.rtpTimestamp = UInt32(truncatingIfNeeded: mediaTime)
        track.pointee.clock.receive(report, at: ntp(at: now), offset: &peers[slot].pointee.clockOffset)
    }

    private mutating func receive(_ blocks: [ReportBlock], peer slot: Int, at now: Instant) {
        for block in blocks where subscription(to: block.ssrc, peer: slot) != nil {
            let roundTrip = block.roundTripTime(at: ntp(at: now))
            if let roundTrip { peers[slot].pointee.note(roundTrip: roundTrip) }
            peers[slot].pointee.bandwidth?.receive(block, roundTrip: roundTrip, at: now)
            // Picture and sound share the path, and reports on the picture come more often.
            peers[slot].pointee.redundancy.receive(fractionLost: Double(block.fractionLost) / 256, at: now)
            let lost = max(Int(block.cumulativeLost), 0)
            let before = peers[slot].pointee.reportedLoss[block.ssrc] ?? 0
            if lost > before { counters.packetsLostOutbound += lost - before }
            peers[slot].pointee.reportedLoss[block.ssrc] = lost
        }
    }

    private mutating func receiveKeyFrameRequest(
        for ssrc: UInt32,
        peer slot: Int,
        at now: Instant,
        into batch: inout SendBatch
    ) {
        guard let subscription = subscription(to: ssrc, peer: slot) else { return }
        counters.keyFrameRequestsReceived += 1
        requestKeyFrame(track: subscription.track, at: now, into: &batch)
    }

    // MARK: Key frames

    /// Somebody needs a key frame: asks the publisher, or the worker that has it, unless that was done just now.
    mutating func requestKeyFrame(track slot: Int, at now: Instant, into batch: inout SendBatch) {
        if tracks[slot].pointee.keyFrames.request(at: now) {
            sendKeyFrameRequest(track: slot, at: now, into: &batch)
        }
    }

    mutating func sendKeyFrameRequest(track slot: Int, at now: Instant, into batch: inout SendBatch) {
        let track = tracks[slot]
        guard track.pointee.owner == configuration.worker else {
            messages.append(Message(worker: track.pointee.owner, command: .requestKeyFrame(track.pointee.id)))
            return
        }
        guard let publisher = track.pointee.publisher else {
            events.append(.keyFrameRequested(track.pointee.id))
            return
        }
        guard track.pointee.publisherSSRC != 0 else { return }
        let sender = peers[publisher].pointee.reportSSRC
        let media = track.pointee.publisherSSRC
        if track.pointee.publisherAcceptsPLI {
            sendRTCP([.pictureLossIndication(senderSSRC: sender, mediaSSRC: media)], to: publisher, into: &batch)
        } else if track.pointee.publisherAcceptsFIR {
            track.pointee.nextFIRNumber &+= 1
            let entry = FullIntraRequest.Entry(ssrc: media, sequenceNumber: track.pointee.nextFIRNumber)
            sendRTCP(
                [.fullIntraRequest(FullIntraRequest(senderSSRC: sender, entries: [entry]))],
                to: publisher,
                into: &batch
            )
        } else {
            return
        }
        counters.keyFrameRequestsSent += 1
        if track.pointee.keyFrameRequestedAt == nil { track.pointee.keyFrameRequestedAt = now }
    }

    // MARK: Out

    /// Sends a compound, with an empty receiver report in front where it does not start with a report itself.
    mutating func sendRTCP(_ packets: [RTCPPacket], to slot: Int, into batch: inout SendBatch) {
        guard let address = peers[slot].pointee.address, peers[slot].pointee.sender != nil else { return }
        var writer = ByteWriter(capacity: 256)
        switch packets.first {
        case .senderReport, .receiverReport: break
        default:
            RTCPPacket.receiverReport(ReceiverReport(ssrc: peers[slot].pointee.reportSSRC)).write(to: &writer)
        }
        for packet in packets { packet.write(to: &writer) }
        let bytes = writer.bytes
        batch.beginRun(to: address)
        let output = batch.reserve(bytes.count + peers[slot].pointee.rtcpOverhead)
        bytes.withUnsafeBytes { source in
            if let start = source.baseAddress { output.copyMemory(from: start, byteCount: source.count) }
        }
        let length = peers[slot].pointee.sender?.protectRTCP(output, length: bytes.count) ?? 0
        if length > 0 { batch.commit(length) }
    }

    /// Tells a viewer how a track's timestamps relate to wall-clock time (RFC 3550 §6.4.1).
    func senderReport(track slot: Int, position: Int, at now: Instant) -> SenderReport? {
        let forwarder = tracks[slot].pointee.forwarders + position
        guard forwarder.pointee.phase == .live || forwarder.pointee.phase == .replaying,
            let reference = clockReference(of: slot, at: now)
        else { return nil }
        return SenderReport(
            ssrc: forwarder.pointee.ssrc,
            ntpTime: reference.ntpTime,
            rtpTimestamp: reference.timestamp &+ UInt32(truncatingIfNeeded: forwarder.pointee.timestampOffset),
            packetCount: forwarder.pointee.packetsSent,
            octetCount: forwarder.pointee.octetsSent
        )
    }

    mutating func sendReport(track slot: Int, position: Int, at now: Instant, into batch: inout SendBatch) {
        guard let report = senderReport(track: slot, position: position, at: now) else { return }
        let peer = tracks[slot].pointee.forwarders[position].peer
        sendRTCP(
            [
                .senderReport(report),
                .sourceDescription(SourceDescription(ssrc: report.ssrc, canonicalName: Self.canonicalName)),
            ],
            to: peer,
            into: &batch
        )
    }

    /// Tells a viewer that its streams have ended.
    mutating func sendGoodbye(_ slot: Int, at now: Instant, into batch: inout SendBatch) {
        let ssrcs = peers[slot].pointee.subscriptions.map(\.binding.sender.ssrc)
        guard !ssrcs.isEmpty else { return }
        sendRTCP([.goodbye(Goodbye(sources: ssrcs))], to: slot, into: &batch)
    }
}

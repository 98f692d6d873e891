import ICE
import Media
import Primitives
import RTP
import SFU
import SRTP
import WebRTC

/// Packets in: from a publisher's SRTP, from a packetizer, from the worker that owns the track.
extension MediaCore {
    /// Packets of a burst that are released together at most: as many as leave in one run.
    static var maximumBurst: Int { SendBatch.maximumSegments }
    /// How long a frame's first packets wait for the rest.
    static var burstHold: Interval { .milliseconds(1) }

    mutating func receiveRTP(
        _ datagram: UnsafeMutableRawBufferPointer,
        peer slot: Int,
        from source: TransportAddress,
        at now: Instant,
        into batch: inout SendBatch
    ) {
        if peers[slot].pointee.linkNumber != 0, peers[slot].pointee.receiver == nil {
            return holdEarly(datagram, peer: slot)
        }
        counters.packetsReceived += 1
        counters.bytesReceived += datagram.count
        let length: Int
        do throws(SRTPError) {
            guard let unprotected = try peers[slot].pointee.receiver?.unprotect(datagram) else {
                counters.datagramsIgnored += 1
                return
            }
            length = unprotected
        } catch {
            counters.datagramsRefused += 1
            return
        }
        noteAuthenticatedPacket(from: source, peer: slot, at: now)
        peers[slot].pointee.lastPacketAt = now
        guard peers[slot].pointee.role == .publisher else { return }
        let packet = UnsafeRawBufferPointer(rebasing: datagram[0..<length])
        let span = Span(_unsafeElements: packet.bindMemory(to: UInt8.self))
        guard let header = try? RTPHeader(parsing: span) else {
            counters.datagramsRefused += 1
            return
        }
        if let id = peers[slot].pointee.transportCCExtension,
            let range = RTPHeaderExtensions.first(id: id, header: header, in: span),
            let number = TransportSequenceNumber.parse(span.extracting(range))
        {
            peers[slot].pointee.feedback.receive(sequenceNumber: number, mediaSSRC: header.ssrc, at: now)
        }
        guard let index = sourceIndex(of: header, in: span, peer: slot) else { return }
        if peers[slot].pointee.sources[index].isRetransmission {
            receiveRetransmission(header, packet: packet, source: index, peer: slot, at: now, into: &batch)
            return
        }
        let sequence = peers[slot].pointee.sources[index].sequences.unwrap(header.sequenceNumber)
        peers[slot].pointee.sources[index].statistics.receive(
            sequence: sequence,
            timestamp: header.timestamp,
            at: now
        )
        noteArrival(of: sequence, timestamp: header.timestamp, source: index, peer: slot, at: now)
        let source = peers[slot].pointee.sources[index]
        if let red = peers[slot].pointee.bindings[source.binding].negotiated.redPayloadType, header.payloadType == red,
            peers[slot].pointee.bindingTracks[source.binding] != Peer.awaitedTrack
        {
            receiveRedundant(header, packet: packet, source: index, peer: slot, at: now, into: &batch)
            noteCaptureTime(of: header, in: span, from: source, peer: slot)
            askForLost(by: index, peer: slot, at: now, into: &batch)
            return
        }
        if header.payloadType != peers[slot].pointee.bindings[source.binding].negotiated.payloadType {
            changeFormat(section: source.binding, payloadType: header.payloadType, peer: slot)
        }
        if peers[slot].pointee.bindingTracks[source.binding] == Peer.awaitedTrack {
            hold(packet, section: source.binding, ssrc: source.ssrc, peer: slot)
            return
        }
        forward(header, packet: packet, from: source, at: now, into: &batch)
        noteCaptureTime(of: header, in: span, from: source, peer: slot)
        askForLost(by: index, peer: slot, at: now, into: &batch)
    }

    /// Takes over what a publisher says of when a frame was captured.
    ///
    /// Its clock is brought to ours as that of its sender reports is; without those it says nothing.
    private func noteCaptureTime(
        of header: RTPHeader, in packet: Span<UInt8>, from source: Peer.Source, peer slot: Int
    ) {
        guard let id = peers[slot].pointee.bindings[source.binding].negotiated.absCaptureTimeExtension,
            let range = RTPHeaderExtensions.first(id: id, header: header, in: packet),
            let capture = AbsoluteCaptureTime(parsing: packet.extracting(range)),
            tracks.contains(source.track), tracks[source.track].pointee.publisherSSRC == source.ssrc,
            let offset = peers[slot].pointee.clockOffset.value,
            let mediaTime = tracks[source.track].pointee.input.mediaTime(of: header.timestamp),
            let time = tracks[source.track].pointee.clock.ntp(forTimestamp: UInt32(truncatingIfNeeded: mediaTime))
        else { return }
        let delay = time.unixNanoseconds &- (capture.capturedAt.unixNanoseconds &+ offset.nanoseconds)
        // Whatever else it may be, a frame that has not been captured yet or was long ago is not live.
        guard (0...Self.longestCaptureDelay.nanoseconds).contains(delay) else { return }
        tracks[source.track].pointee.captureDelay = Interval(nanoseconds: delay)
    }

    /// The longest that a frame may have been under way to its publisher.
    private static var longestCaptureDelay: Interval { .seconds(60) }

    /// Takes a publisher's packet into its track.
    mutating func forward(
        _ header: RTPHeader, packet: UnsafeRawBufferPointer, from source: Peer.Source, at now: Instant,
        into batch: inout SendBatch
    ) {
        guard tracks.contains(source.track), isCurrent(source.ssrc, ofTrack: source.track, at: now) else { return }
        store(
            header, payload: UnsafeRawBufferPointer(rebasing: packet[header.payloadRange]),
            descriptor: descriptor(of: header, in: packet, from: source), track: source.track, at: now)
        releaseIfComplete(track: source.track, marker: header.marker, at: now, into: &batch)
    }

    /// The dependency descriptor of a packet; nothing where its publisher has not agreed to send some.
    private func descriptor(
        of header: RTPHeader, in packet: UnsafeRawBufferPointer, from source: Peer.Source
    ) -> UnsafeRawBufferPointer {
        guard let id = source.descriptorExtension,
            let range = RTPHeaderExtensions.first(
                id: id, header: header, in: Span(_unsafeElements: packet.bindMemory(to: UInt8.self)))
        else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: packet[range])
    }

    /// Whether a track takes packets of this SSRC: the one it has, or the next once that one has fallen silent.
    private mutating func isCurrent(_ ssrc: UInt32, ofTrack slot: Int, at now: Instant) -> Bool {
        let track = tracks[slot]
        if track.pointee.isMuted { return false }
        if track.pointee.publisherSSRC != ssrc {
            if let last = track.pointee.lastPacketAt, now.since(last) < Self.sourceSilence { return false }
            endSource(ofTrack: slot)
            track.pointee.publisherSSRC = ssrc
        }
        track.pointee.lastPacketAt = now
        return true
    }

    /// An SSRC silent for this long gives its track up to another SSRC of the same section.
    static var sourceSilence: Interval { .milliseconds(500) }

    /// Which source a packet belongs to: by SSRC, else by mid, else by payload type (RFC 8843 §9.2).
    private mutating func sourceIndex(of header: RTPHeader, in packet: Span<UInt8>, peer slot: Int) -> Int? {
        if let index = peers[slot].pointee.sources.firstIndex(where: { $0.ssrc == header.ssrc }) { return index }
        guard peers[slot].pointee.sources.count < Peer.maximumSources else { return nil }
        func text(_ id: UInt8?) -> [UInt8]? {
            guard let id, let range = RTPHeaderExtensions.first(id: id, header: header, in: packet) else { return nil }
            let value = packet.extracting(range)
            return (0..<value.count).map { value[$0] }
        }
        var match: (binding: Int, isRetransmission: Bool)?
        for (index, binding) in peers[slot].pointee.bindings.enumerated() {
            let negotiated = binding.negotiated
            let others = negotiated.alternatives
            let isMedia =
                header.payloadType == negotiated.payloadType || header.payloadType == negotiated.redPayloadType
                || others.contains { $0.payloadType == header.payloadType || $0.redPayloadType == header.payloadType }
            let isRetransmission =
                header.payloadType == negotiated.rtxPayloadType
                || others.contains { $0.rtxPayloadType == header.payloadType }
            guard isMedia || isRetransmission else { continue }
            if let mid = text(negotiated.midExtension), !negotiated.mid.utf8.elementsEqual(mid) { continue }
            match = (index, isRetransmission)
            break
        }
        guard let match else { return nil }
        var layer = 0
        let negotiated = peers[slot].pointee.bindings[match.binding].negotiated
        if !peers[slot].pointee.bindingLayers[match.binding].isEmpty {
            // Without its name a packet could be of any layer; senders repeat it until they know that we have it.
            let id = match.isRetransmission ? negotiated.repairedRIDExtension : negotiated.ridExtension
            guard let name = text(id), let index = negotiated.rids.firstIndex(where: { $0.utf8.elementsEqual(name) })
            else { return nil }
            layer = index
        }
        return addSource(
            ssrc: header.ssrc,
            binding: match.binding,
            layer: layer,
            isRetransmission: match.isRetransmission,
            to: slot
        )
    }

    @discardableResult
    mutating func addSource(
        ssrc: UInt32, binding: Int, layer: Int = 0, isRetransmission: Bool, to slot: Int
    ) -> Int? {
        guard peers[slot].pointee.sources.count < Peer.maximumSources else { return nil }
        let track = peers[slot].pointee.track(ofBinding: binding, layer: layer)
        guard track >= 0 else { return nil }
        let asks = !isRetransmission && peers[slot].pointee.bindings[binding].negotiated.supportsNACK
        peers[slot].pointee.sources.append(
            Peer.Source(
                ssrc: ssrc,
                track: track,
                binding: binding,
                layer: layer,
                isRetransmission: isRetransmission,
                descriptorExtension: peers[slot].pointee.bindings[binding].negotiated.dependencyDescriptorExtension,
                statistics: ReceptionStatistics(clockRate: tracks[track].pointee.codec.clockRate),
                repair: asks ? NACKGenerator() : nil
            )
        )
        return peers[slot].pointee.sources.count - 1
    }

    /// Puts one packet into the track's log.
    private mutating func store(
        _ header: RTPHeader,
        payload: UnsafeRawBufferPointer,
        descriptor: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        track slot: Int,
        at now: Instant
    ) {
        let track = tracks[slot]
        let startsKeyFrame =
            track.pointee.isVideo
            && KeyFrameDetector.startsKeyFrame(
                Span(_unsafeElements: payload.bindMemory(to: UInt8.self)),
                codec: track.pointee.codec
            )
        let wasOpen = track.pointee.input.isOpen
        guard
            let position = track.pointee.input.place(
                sequenceNumber: header.sequenceNumber,
                timestamp: header.timestamp,
                startsKeyFrame: startsKeyFrame,
                at: now
            )
        else { return }
        if !wasOpen { events.append(.trackStarted(track.pointee.id)) }
        let layer =
            track.pointee.isVideo
            ? track.pointee.layers.read(
                Span(_unsafeElements: payload.bindMemory(to: UInt8.self)), timestamp: header.timestamp,
                descriptor: Span(_unsafeElements: descriptor.bindMemory(to: UInt8.self)))
            : .base
        let newestBefore = track.pointee.log.highestTimestamp
        let isStored = track.pointee.layers.keptDescriptor.withUnsafeBytes { kept in
            track.pointee.log.append(
                sequence: position.sequence,
                timestamp: position.timestamp,
                marker: header.marker,
                startsKeyFrame: startsKeyFrame,
                layer: layer,
                descriptor: kept,
                payload: payload,
                at: now
            ) != nil
        }
        guard isStored else { return }
        if startsKeyFrame { noteParameterSet(in: payload, track: slot, at: now) }
        track.pointee.count(payload: payload.count, marker: header.marker)
        track.pointee.lastArrivalAt = now
        track.pointee.bitrate.add(payload.count + RTPHeader.fixedLength, at: now)
        track.pointee.layerRates.add(payload.count + RTPHeader.fixedLength, of: layer, at: now)
        if let news = layersToAnnounce(ofTrack: slot) { events.append(news) }
        track.pointee.clock.receive(timestamp: UInt32(truncatingIfNeeded: position.timestamp), at: ntp(at: now))
        if startsKeyFrame, newestBefore.map({ position.timestamp > $0 }) ?? true {
            keyFrameArrived(track: slot, at: now)
        }
    }

    private mutating func keyFrameArrived(track slot: Int, at now: Instant) {
        let track = tracks[slot]
        forgetLost(beforeKeyFrameOf: slot)
        if let last = track.pointee.lastKeyFrameAt { track.pointee.keyFrameInterval = now.since(last) }
        track.pointee.lastKeyFrameAt = now
        track.pointee.keyFrames.keyFrameArrived(at: now)
        if let asked = track.pointee.keyFrameRequestedAt {
            // A key frame that was due anyway looks like an answer; the next request finds out.
            track.pointee.answersKeyFrameRequests = now.since(asked) < Self.keyFrameAnswerTime
            track.pointee.keyFrameRequestedAt = nil
        }
    }

    /// A key frame this soon after a request counts as its answer.
    static var keyFrameAnswerTime: Interval { .milliseconds(500) }

    /// Takes the packets of a packetizer; a whole frame, so it is released at once.
    mutating func ingest(
        _ burst: PacketBurst,
        track id: TrackID,
        clock: ClockReference?,
        at now: Instant,
        into batch: inout SendBatch
    ) {
        guard let slot = tracksByID[id] else { return }
        burst.bytes.withUnsafeBytes { bytes in
            for entry in burst.entries {
                let range = Int(entry.offset)..<(Int(entry.offset) + Int(entry.length))
                let packet = UnsafeRawBufferPointer(rebasing: bytes[range])
                guard let header = try? RTPHeader(parsing: Span(_unsafeElements: packet.bindMemory(to: UInt8.self)))
                else { continue }
                store(
                    header,
                    payload: UnsafeRawBufferPointer(rebasing: packet[header.payloadRange]),
                    track: slot,
                    at: now
                )
            }
        }
        if let clock, let mediaTime = tracks[slot].pointee.input.mediaTime(of: clock.timestamp) {
            tracks[slot].pointee.clock.set(rtp: UInt32(truncatingIfNeeded: mediaTime), ntp: clock.ntpTime)
        }
        release(track: slot, at: now, into: &batch)
    }

    // MARK: Bursts

    private mutating func releaseIfComplete(
        track slot: Int,
        marker: Bool,
        at now: Instant,
        into batch: inout SendBatch
    ) {
        let track = tracks[slot]
        let pending = track.pointee.log.endIndex - track.pointee.releasedEnd
        guard pending > 0 else { return }
        if marker || !track.pointee.isVideo || pending >= Self.maximumBurst {
            release(track: slot, at: now, into: &batch)
        } else if track.pointee.burstDeadline == nil {
            track.pointee.burstDeadline = now.advanced(by: Self.burstHold)
            pendingTracks.append(slot)
        }
    }

    /// Lets a track's new packets go to every viewer and every other worker that carries it.
    mutating func release(track slot: Int, at now: Instant, into batch: inout SendBatch) {
        let track = tracks[slot]
        if track.pointee.burstDeadline != nil {
            track.pointee.burstDeadline = nil
            pendingTracks.removeAll { $0 == slot }
        }
        let start = max(track.pointee.releasedEnd, track.pointee.log.firstIndex)
        track.pointee.releasedEnd = track.pointee.log.endIndex
        guard start < track.pointee.releasedEnd else { return }
        let firstArrival = track.pointee.log.record(at: start).arrival
        oldestRelease = min(oldestRelease ?? firstArrival, firstArrival)
        track.pointee.log.level(from: start)
        if !track.pointee.relays.isEmpty || track.pointee.tap != nil {
            let packets = relayedPackets(of: slot, from: start, at: now)
            for worker in track.pointee.relays {
                messages.append(Message(worker: worker, command: .relayed(packets)))
            }
            if let tap = track.pointee.tap { tapped.append(TappedPackets(tap: tap, bursts: [packets])) }
        }
        fanOut(track: slot, at: now, into: &batch)
    }

    mutating func releaseDueBursts(at now: Instant, into batch: inout SendBatch) {
        guard !pendingTracks.isEmpty else { return }
        for slot in pendingTracks where tracks.contains(slot) {
            if let due = tracks[slot].pointee.burstDeadline, due <= now { release(track: slot, at: now, into: &batch) }
        }
    }
}

import Media
import Primitives
import RTP
import SFU
import WebRTC

/// What a publisher's path loses: asked for again, and taken in when it comes (RFC 4585, RFC 4588).
extension MediaCore {
    /// Notes a packet that came under its own SSRC, original or sent again.
    mutating func noteArrival(
        of sequence: Int64, timestamp: UInt32, source index: Int, peer slot: Int, at now: Instant
    ) {
        let peer = peers[slot]
        if timestamp != peer.pointee.sources[index].frameTimestamp,
            let newest = peer.pointee.sources[index].statistics.highestSequence, newest == sequence
        {
            peer.pointee.sources[index].frameTimestamp = timestamp
            peer.pointee.sources[index].lastSequenceBeforeFrame = peer.pointee.sources[index].repair?.newest ?? .min
        }
        peer.pointee.sources[index].repair?.receive(sequence: sequence, at: now)
    }

    /// Takes in a packet that was sent again on an SSRC of its own (RFC 4588 §4).
    mutating func receiveRetransmission(
        _ header: RTPHeader, packet: UnsafeRawBufferPointer, source index: Int, peer slot: Int, at now: Instant,
        into batch: inout SendBatch
    ) {
        let peer = peers[slot]
        let sequence = peer.pointee.sources[index].sequences.unwrap(header.sequenceNumber)
        peer.pointee.sources[index].statistics.receive(sequence: sequence, timestamp: header.timestamp, at: now)
        // Senders probe for bandwidth with retransmission packets that hold nothing.
        guard header.payloadRange.count > 2, let media = repairedSource(of: index, peer: slot) else { return }
        let offset = header.payloadRange.lowerBound
        var original = header
        original.sequenceNumber = UInt16(packet[offset]) << 8 | UInt16(packet[offset + 1])
        original.ssrc = peer.pointee.sources[media].ssrc
        original.payloadType = peer.pointee.bindings[peer.pointee.sources[media].binding].negotiated.payloadType
        original.payloadRange = (offset + 2)..<header.payloadRange.upperBound
        guard let newest = peer.pointee.sources[media].sequences.newest else { return }
        let repaired = SequenceUnwrapper.extend(original.sequenceNumber, near: newest)
        peer.pointee.sources[media].repair?.receive(sequence: repaired, at: now)
        counters.packetsRepaired += 1
        let source = peer.pointee.sources[media]
        guard peer.pointee.bindingTracks[source.binding] != Peer.awaitedTrack else { return }
        forward(original, packet: packet, from: source, at: now, into: &batch)
    }

    /// The media source that a retransmission source repairs: by the order of the SSRCs in the offer, else the one that
    /// its section's track takes.
    private func repairedSource(of index: Int, peer slot: Int) -> Int? {
        let peer = peers[slot]
        let retransmission = peer.pointee.sources[index]
        let negotiated = peer.pointee.bindings[retransmission.binding].negotiated
        var ssrc: UInt32?
        if let position = negotiated.rtxSSRCs.firstIndex(of: retransmission.ssrc),
            negotiated.ssrcs.indices.contains(position)
        {
            ssrc = negotiated.ssrcs[position]
        } else if tracks.contains(retransmission.track) {
            ssrc = tracks[retransmission.track].pointee.publisherSSRC
        }
        guard let ssrc else { return nil }
        return peer.pointee.sources.firstIndex {
            $0.ssrc == ssrc && $0.binding == retransmission.binding && $0.layer == retransmission.layer
                && !$0.isRetransmission
        }
    }

    // MARK: Asking

    /// Asks for what a source lacks, now or when patience for reordering is over.
    mutating func askForLost(by index: Int, peer slot: Int, at now: Instant, into batch: inout SendBatch) {
        guard let deadline = peers[slot].pointee.sources[index].repair?.deadline else { return }
        if deadline <= now { requestRepair(source: index, peer: slot, at: now, into: &batch) }
        planRepair(source: index, peer: slot)
    }

    /// Everything that is due to be asked for, by all publishers of this worker.
    mutating func requestRepairs(at now: Instant, into batch: inout SendBatch) {
        nextRepair = nil
        let waiting = repairingPeers
        repairingPeers.removeAll(keepingCapacity: true)
        for slot in waiting where peers.contains(slot) {
            for index in peers[slot].pointee.sources.indices {
                guard let deadline = peers[slot].pointee.sources[index].repair?.deadline else { continue }
                if deadline <= now { requestRepair(source: index, peer: slot, at: now, into: &batch) }
                planRepair(source: index, peer: slot)
            }
        }
    }

    private mutating func planRepair(source index: Int, peer slot: Int) {
        guard let deadline = peers[slot].pointee.sources[index].repair?.deadline else { return }
        nextRepair = min(nextRepair ?? deadline, deadline)
        if !repairingPeers.contains(slot) { repairingPeers.append(slot) }
    }

    private mutating func requestRepair(source index: Int, peer slot: Int, at now: Instant, into batch: inout SendBatch)
    {
        guard var repair = peers[slot].pointee.sources[index].repair else { return }
        peers[slot].pointee.sources[index].repair = nil
        let abandonedBefore = repair.statistics.abandoned
        let lost = repair.due(at: now, rtt: repair.responseTime)
        let givenUp = repair.statistics.abandoned > abandonedBefore
        peers[slot].pointee.sources[index].repair = repair
        let source = peers[slot].pointee.sources[index]
        guard tracks.contains(source.track), tracks[source.track].pointee.publisherSSRC == source.ssrc else { return }
        if !lost.isEmpty {
            counters.nacksSent += lost.count
            let nack = GenericNACK(
                senderSSRC: peers[slot].pointee.reportSSRC, mediaSSRC: source.ssrc, lost: lost)
            sendRTCP([.genericNACK(nack)], to: slot, into: &batch)
        }
        // Viewers will find out later and ask each for itself; a key frame asked for now is there sooner.
        if givenUp, tracks[source.track].pointee.isVideo {
            requestKeyFrame(track: source.track, at: now, into: &batch)
        }
    }

    /// A key frame has begun: what is missing of the frames before it is of no use any more.
    mutating func forgetLost(beforeKeyFrameOf track: Int) {
        guard let publisher = tracks[track].pointee.publisher, peers.contains(publisher) else { return }
        let ssrc = tracks[track].pointee.publisherSSRC
        guard let index = peers[publisher].pointee.sources.firstIndex(where: { $0.ssrc == ssrc }) else { return }
        let last = peers[publisher].pointee.sources[index].lastSequenceBeforeFrame
        if last != .min { peers[publisher].pointee.sources[index].repair?.forget(before: last) }
    }
}

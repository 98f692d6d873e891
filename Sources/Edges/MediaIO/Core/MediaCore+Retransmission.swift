import Media
import Primitives
import RTP
import SFU
import SRTP

/// Packets that viewers have lost, sent again from the track's log.
extension MediaCore {
    /// Sends packets again that a viewer has asked for, by RTX where negotiated, else byte for byte as before.
    mutating func retransmit(
        _ lost: [UInt16],
        subscription: Peer.Subscription,
        peer slot: Int,
        at now: Instant,
        into batch: inout SendBatch
    ) {
        let forwarder = tracks[subscription.track].pointee.forwarders + subscription.position
        let peer = peers[slot]
        guard let address = peer.pointee.address, peer.pointee.sender != nil else { return }
        batch.beginRun(to: address)
        for sequenceNumber in lost {
            guard peer.pointee.retransmissionCredit > 0, !batch.isBlocked else { return }
            guard let packet = packet(sequenceNumber, of: subscription),
                peer.pointee.recentlyRepeated.admit(
                    ssrc: forwarder.pointee.ssrc, sequenceNumber, roundTrip: peer.pointee.roundTrip, at: now)
            else { continue }
            peer.pointee.retransmissionCredit -= 1
            counters.retransmissions += 1
            sendAgain(
                tracks[packet.track], forwarder, as: packet.forwarder, packet: packet.index, now: now, into: &batch)
        }
    }

    /// Which packet a viewer means by a number: one of its present layer, or of those it was sent before.
    private func packet(
        _ sequenceNumber: UInt16, of subscription: Peer.Subscription
    ) -> (track: Int, forwarder: Forwarder, index: Int)? {
        func find(_ track: Int, _ forwarder: Forwarder) -> (track: Int, forwarder: Forwarder, index: Int)? {
            guard let sequence = forwarder.sequence(ofSent: sequenceNumber),
                let index = tracks[track].pointee.log.index(ofSequence: sequence), index < forwarder.cursor
            else { return nil }
            return (track, forwarder, index)
        }
        if let found = find(subscription.track, tracks[subscription.track].pointee.forwarders[subscription.position]) {
            return found
        }
        for past in subscription.past.reversed() {
            if let track = tracksByID[past.track], let found = find(track, past.forwarder) { return found }
        }
        return nil
    }

    /// Sends a packet of the log again, by RTX where negotiated, else byte for byte as before.
    ///
    /// `forwarder` is the viewer's, which has the numbers of retransmissions; `original` is the one that the packet was first
    /// sent by, if the viewer has changed layers since; `index` is the packet's place in the log of `track`.
    ///
    /// - Returns: The payload bytes sent.
    @discardableResult
    func sendAgain(
        _ track: UnsafeMutablePointer<Track>, _ forwarder: UnsafeMutablePointer<Forwarder>,
        as original: Forwarder? = nil, packet index: Int, now: Instant, into batch: inout SendBatch
    ) -> Int {
        let peer = peers[forwarder.pointee.peer]
        let record = track.pointee.log.record(at: index)
        let sender = original ?? forwarder.pointee
        guard let passage = sender.passage(of: record) else { return 0 }
        let numbers = passage.numbers
        let padded = track.pointee.log.paddedPayload(at: index, isEmpty: passage.isEmpty)
        let padding = passage.isEmpty ? 0 : Int(record.padding)
        var stream = OutgoingStream(sender)
        stream.apply(passage, descriptor: track.pointee.log.descriptor(at: index))
        guard let retransmission = forwarder.pointee.nextRetransmission() else {
            stream.emit(
                padded, marker: passage.marker, hasPadding: padding > 0, numbers: numbers, to: peer, now: now,
                into: &batch)
            return padded.count
        }
        let payload = UnsafeRawBufferPointer(rebasing: padded.dropLast(padding))
        stream.ssrc = retransmission.ssrc
        stream.payloadType = retransmission.payloadType
        let own = Forwarder.Numbers(index: retransmission.nextIndex, timestamp: numbers.timestamp)
        withUnsafeTemporaryAllocation(byteCount: payload.count + 2, alignment: 8) { repeated in
            // The original sequence number stands before the payload (RFC 4588 §4).
            repeated.storeBytes(of: numbers.sequenceNumber.bigEndian, as: UInt16.self)
            let rest = UnsafeMutableRawBufferPointer(rebasing: repeated[2...])
            rest.copyMemory(from: payload)
            if stream.pictures != .none { stream.pictures.apply(to: rest) }
            stream.emitAsItIs(
                UnsafeRawBufferPointer(repeated), marker: passage.marker, numbers: own, to: peer, now: now, into: &batch
            )
        }
        return payload.count
    }
}

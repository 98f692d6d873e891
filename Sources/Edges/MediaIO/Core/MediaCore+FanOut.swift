import Media
package import Primitives
import RTP
import SFU
import SRTP

/// Packets out: from a track's log to its viewers, a burst sent once per viewer.
extension MediaCore {
    /// Packets that all replays of a worker together may send per tick, so that a storm of joins delays nobody.
    static var replayBudget: Int { 2048 }
    /// How long a joining viewer waits for a key frame that was asked for, before it is given the old group.
    static var keyFramePatience: Interval { .milliseconds(300) }
    /// A group of pictures older or larger than this is not replayed if the publisher makes a new one on request.
    static var preferredGroupAge: Interval { .seconds(2) }
    static var preferredGroupBytes: Int { 1 << 20 }
    /// A live viewer that a full socket holds up beyond this goes on at the next key frame.
    static var maximumLag: Interval { .seconds(1) }

    /// Sends a track's released packets to every viewer that is up to date.
    mutating func fanOut(track slot: Int, at now: Instant, into batch: inout SendBatch) {
        let track = tracks[slot]
        if track.pointee.catchingUp > 0 { startWaiting(track: slot, at: now, into: &batch) }
        // While the socket is full viewers keep their places; resumeViewers() goes on from there.
        guard !batch.isBlocked else { return }
        let end = track.pointee.releasedEnd
        for position in 0..<track.pointee.forwarderCount {
            let forwarder = track.pointee.forwarders + position
            guard forwarder.pointee.phase == .live else { continue }
            _ = send(track, to: forwarder, upTo: end, maximum: .max, now: now, into: &batch)
        }
    }

    /// Sends packets from the forwarder's cursor on.
    ///
    /// - Returns: Payload bytes sent.
    @inline(__always)
    private mutating func send(
        _ track: UnsafeMutablePointer<Track>,
        to forwarder: UnsafeMutablePointer<Forwarder>,
        upTo end: Int,
        maximum: Int,
        now: Instant,
        into batch: inout SendBatch
    ) -> Int {
        let peer = peers[forwarder.pointee.peer]
        guard let address = peer.pointee.address, peer.pointee.sender != nil else { return 0 }
        var cursor = forwarder.pointee.cursor
        guard cursor >= track.pointee.log.firstIndex else {
            // The log has moved on without this viewer.
            forwarder.pointee.wait(since: now)
            track.pointee.catchingUp += 1
            return 0
        }
        let stop = end - cursor > maximum ? cursor + maximum : end
        let payloadType = forwarder.pointee.payloadType
        let ssrc = forwarder.pointee.ssrc
        var sent = 0
        batch.beginRun(to: address)
        while cursor < stop {
            let record = track.pointee.log.record(at: cursor)
            if let numbers = forwarder.pointee.numbers(of: record) {
                let payload = track.pointee.log.payload(at: cursor)
                let output = batch.reserve(RTPHeader.fixedLength + payload.count + Self.protectionRoom)
                Self.writeHeader(
                    to: output,
                    marker: record.marker,
                    payloadType: payloadType,
                    numbers: numbers,
                    ssrc: ssrc
                )
                let length = peer.pointee.sender.protectPacket(
                    output,
                    payload: payload,
                    ssrc: ssrc,
                    index: numbers.index
                )
                if length > 0 { batch.commit(length) }
                forwarder.pointee.didSend(record)
                sent += payload.count
            }
            cursor += 1
        }
        forwarder.pointee.cursor = cursor
        if sent > 0, let connectedAt = peer.pointee.connectedAt {
            counters.joins.firstPacket.record(now.since(connectedAt))
            peer.pointee.connectedAt = nil
        }
        return sent
    }

    /// Room for the authentication tag behind a packet, and for an RTX sequence number.
    static var protectionRoom: Int { 32 }

    @inline(__always)
    private static func writeHeader(
        to output: UnsafeMutableRawPointer,
        marker: Bool,
        payloadType: UInt8,
        numbers: Forwarder.Numbers,
        ssrc: UInt32
    ) {
        output.storeBytes(of: 0x80, as: UInt8.self)
        output.storeBytes(of: payloadType | (marker ? 0x80 : 0), toByteOffset: 1, as: UInt8.self)
        output.storeBytes(of: numbers.sequenceNumber.bigEndian, toByteOffset: 2, as: UInt16.self)
        output.storeBytes(of: numbers.timestamp.bigEndian, toByteOffset: 4, as: UInt32.self)
        output.storeBytes(of: ssrc.bigEndian, toByteOffset: 8, as: UInt32.self)
    }

    // MARK: Joining

    /// Starts a viewer that has just got its keys on every track it watches.
    mutating func beginForwarding(to slot: Int, at now: Instant, into batch: inout SendBatch) {
        for subscription in peers[slot].pointee.subscriptions {
            start(track: subscription.track, position: subscription.position, at: now, into: &batch)
        }
    }

    /// Gives the viewers that wait what there is by now: a key frame, or the first audio.
    private mutating func startWaiting(track slot: Int, at now: Instant, into batch: inout SendBatch) {
        for position in 0..<tracks[slot].pointee.forwarderCount {
            let forwarder = tracks[slot].pointee.forwarders + position
            guard case .waiting = forwarder.pointee.phase, peers[forwarder.pointee.peer].pointee.sender != nil else {
                continue
            }
            start(track: slot, position: position, at: now, into: &batch)
        }
    }

    private mutating func start(track slot: Int, position: Int, at now: Instant, into batch: inout SendBatch) {
        let track = tracks[slot]
        let forwarder = track.pointee.forwarders + position
        guard case .waiting(let since) = forwarder.pointee.phase else { return }
        guard track.pointee.isVideo else {
            startAtLiveEdge(track, forwarder)
            sendReport(track: slot, position: position, at: now, into: &batch)
            return
        }
        guard let group = track.pointee.log.groupOfPictures, track.pointee.log.isGroupOfPicturesComplete else {
            requestKeyFrame(track: slot, at: now, into: &batch)
            return
        }
        let age = now.since(group.startedAt)
        let isLong = age > Self.preferredGroupAge || group.bytes > Self.preferredGroupBytes
        if isLong {
            requestKeyFrame(track: slot, at: now, into: &batch)
            if track.pointee.answersKeyFrameRequests, now.since(since) < Self.keyFramePatience {
                // A fresh key frame is better than seconds of the past; the replay tick sees to the patience.
                if nextReplayTick == nil { nextReplayTick = now.advanced(by: ReplayPace.interval) }
                return
            }
        }
        let bitrate = track.pointee.bitrate.estimate(at: now)
        forwarder.pointee.startReplay(
            of: group,
            newest: track.pointee.log.highestTimestamp ?? group.startTimestamp,
            duration: ReplayPace.duration(ofBytes: group.bytes, streamBitsPerSecond: bitrate),
            clockRate: track.pointee.codec.clockRate
        )
        forwarder.pointee.pace.start(streamBitsPerSecond: bitrate)
        sendReport(track: slot, position: position, at: now, into: &batch)
        if !batch.isBlocked { replay(track, forwarder, budget: .max, at: now, into: &batch) }
        if forwarder.pointee.phase == .replaying, nextReplayTick == nil {
            nextReplayTick = now.advanced(by: ReplayPace.interval)
        }
    }

    private func startAtLiveEdge(_ track: UnsafeMutablePointer<Track>, _ forwarder: UnsafeMutablePointer<Forwarder>) {
        let index = track.pointee.releasedEnd
        guard let highest = track.pointee.log.highestSequence else { return }
        // A burst that is about to leave is part of it.
        let sequence =
            index < track.pointee.log.endIndex ? track.pointee.log.record(at: index).sequence : highest + 1
        forwarder.pointee.startLive(atIndex: index, sequence: sequence)
        track.pointee.catchingUp -= 1
    }

    // MARK: Replay

    /// Sends the next group of packets of a replay, and makes the viewer live when it has caught up.
    ///
    /// - Returns: Packets sent.
    @discardableResult
    private mutating func replay(
        _ track: UnsafeMutablePointer<Track>,
        _ forwarder: UnsafeMutablePointer<Forwarder>,
        budget: Int,
        at now: Instant,
        into batch: inout SendBatch
    ) -> Int {
        let end = track.pointee.releasedEnd
        let before = forwarder.pointee.cursor
        let bytes = send(
            track,
            to: forwarder,
            upTo: end,
            maximum: min(ReplayPace.groupSize, budget),
            now: now,
            into: &batch
        )
        forwarder.pointee.pace.spend(bytes)
        if forwarder.pointee.phase == .replaying, forwarder.pointee.cursor >= end {
            forwarder.pointee.becomeLive()
            track.pointee.catchingUp -= 1
        } else if case .waiting = forwarder.pointee.phase {
            // send() counted a viewer that was replaying, and so counted already.
            track.pointee.catchingUp -= 1
        }
        return forwarder.pointee.cursor - before
    }

    /// One step of every replay of this worker.
    mutating func replayTick(at now: Instant, into batch: inout SendBatch) {
        nextReplayTick = nil
        var budget = Self.replayBudget
        var isAnyoneLeft = false
        let capacity = tracks.capacity
        for step in 0..<capacity {
            let slot = (replayStart + step) % capacity
            guard tracks.contains(slot), tracks[slot].pointee.catchingUp > 0 else { continue }
            let track = tracks[slot]
            for position in 0..<track.pointee.forwarderCount {
                let forwarder = track.pointee.forwarders + position
                switch forwarder.pointee.phase {
                case .live: continue
                case .waiting(let since):
                    guard track.pointee.isVideo, peers[forwarder.pointee.peer].pointee.sender != nil else { continue }
                    if now.since(since) >= Self.keyFramePatience {
                        start(track: slot, position: position, at: now, into: &batch)
                    } else {
                        isAnyoneLeft = true
                    }
                case .replaying:
                    isAnyoneLeft = true
                    forwarder.pointee.pace.tick()
                    guard !batch.isBlocked, budget > 0, forwarder.pointee.pace.maySend else { continue }
                    budget -= replay(track, forwarder, budget: budget, at: now, into: &batch)
                }
            }
        }
        // Whoever came last in a crowded tick comes first in the next one.
        replayStart = (replayStart + 1) % max(capacity, 1)
        if isAnyoneLeft { nextReplayTick = now.advanced(by: ReplayPace.interval) }
    }

    // MARK: Full sockets

    /// Goes on with viewers that were held up, once the socket has taken what waited.
    package mutating func resumeViewers(at now: Instant, into batch: inout SendBatch) {
        for slot in 0..<tracks.capacity where tracks.contains(slot) {
            let track = tracks[slot]
            for position in 0..<track.pointee.forwarderCount where !batch.isBlocked {
                let forwarder = track.pointee.forwarders + position
                guard forwarder.pointee.phase == .live, forwarder.pointee.cursor < track.pointee.releasedEnd else {
                    continue
                }
                if skipsAhead(track, forwarder, at: now) { continue }
                _ = send(
                    track,
                    to: forwarder,
                    upTo: track.pointee.releasedEnd,
                    maximum: ReplayPace.groupSize * 4,
                    now: now,
                    into: &batch
                )
            }
        }
    }

    /// Whether a viewer is so late that it goes on at a key frame instead of the packets it missed.
    private func skipsAhead(
        _ track: UnsafeMutablePointer<Track>,
        _ forwarder: UnsafeMutablePointer<Forwarder>,
        at now: Instant
    ) -> Bool {
        let cursor = forwarder.pointee.cursor
        if cursor >= track.pointee.log.firstIndex,
            now.since(track.pointee.log.record(at: cursor).arrival) <= Self.maximumLag
        {
            return false
        }
        if let group = track.pointee.log.groupOfPictures, group.startIndex > cursor,
            now.since(group.startedAt) <= Self.maximumLag
        {
            forwarder.pointee.startLive(atIndex: group.startIndex, sequence: group.startSequence)
            return false
        }
        forwarder.pointee.wait(since: now)
        track.pointee.catchingUp += 1
        if !track.pointee.isVideo { startAtLiveEdge(track, forwarder) }
        return true
    }

    // MARK: Retransmission

    /// Sends packets again that a viewer has asked for, by RTX where negotiated, else byte for byte as before.
    mutating func retransmit(
        _ lost: [UInt16],
        subscription: Peer.Subscription,
        peer slot: Int,
        into batch: inout SendBatch
    ) {
        let track = tracks[subscription.track]
        let forwarder = track.pointee.forwarders + subscription.position
        let peer = peers[slot]
        guard let address = peer.pointee.address, peer.pointee.sender != nil else { return }
        batch.beginRun(to: address)
        for sequenceNumber in lost {
            guard peer.pointee.retransmissionCredit > 0, !batch.isBlocked else { return }
            guard let sequence = forwarder.pointee.sequence(ofSent: sequenceNumber),
                let index = track.pointee.log.index(ofSequence: sequence), index < forwarder.pointee.cursor,
                let numbers = forwarder.pointee.numbers(of: track.pointee.log.record(at: index))
            else { continue }
            peer.pointee.retransmissionCredit -= 1
            counters.retransmissions += 1
            let record = track.pointee.log.record(at: index)
            let payload = track.pointee.log.payload(at: index)
            let output = batch.reserve(RTPHeader.fixedLength + payload.count + Self.protectionRoom)
            if let retransmission = forwarder.pointee.nextRetransmission() {
                let own = Forwarder.Numbers(index: retransmission.nextIndex, timestamp: numbers.timestamp)
                Self.writeHeader(
                    to: output,
                    marker: record.marker,
                    payloadType: retransmission.payloadType,
                    numbers: own,
                    ssrc: retransmission.ssrc
                )
                let length = withUnsafeTemporaryAllocation(byteCount: payload.count + 2, alignment: 8) { original in
                    original.storeBytes(of: numbers.sequenceNumber.bigEndian, as: UInt16.self)
                    UnsafeMutableRawBufferPointer(rebasing: original[2...]).copyMemory(from: payload)
                    return peer.pointee.sender.protectPacket(
                        output,
                        payload: UnsafeRawBufferPointer(original),
                        ssrc: retransmission.ssrc,
                        index: retransmission.nextIndex
                    )
                }
                if length > 0 { batch.commit(length) }
            } else {
                Self.writeHeader(
                    to: output,
                    marker: record.marker,
                    payloadType: forwarder.pointee.payloadType,
                    numbers: numbers,
                    ssrc: forwarder.pointee.ssrc
                )
                let length = peer.pointee.sender.protectPacket(
                    output,
                    payload: payload,
                    ssrc: forwarder.pointee.ssrc,
                    index: numbers.index
                )
                if length > 0 { batch.commit(length) }
            }
        }
    }
}

extension Optional where Wrapped == SRTPSender {
    /// Protects a packet whose 12-byte header is in place, without moving the noncopyable sender.
    @inline(__always)
    mutating func protectPacket(
        _ output: UnsafeMutableRawPointer,
        payload: UnsafeRawBufferPointer,
        ssrc: UInt32,
        index: UInt64
    ) -> Int {
        self?.protect(
            output,
            headerLength: RTPHeader.fixedLength,
            payload: payload,
            ssrc: ssrc,
            index: index
        ) ?? 0
    }
}

import CongestionControl
import Media
package import Primitives
import RTP
import SFU
import SRTP

/// Viewers that cannot be given everything at once: behind a full socket, or on a path with a known capacity.
///
/// Nobody has a queue of its own: what waits for a viewer is what lies between its cursor and the end of the track's
/// log. The pacer tick walks only viewers for whom something waits.
extension MediaCore {
    /// A live viewer that is held up beyond this goes on at the next key frame.
    static var maximumLag: Interval { Pacer.maximumDelay }

    // MARK: Known capacity

    /// Sends a viewer as much of what waits as its pacer allows, and sees to the rest.
    mutating func sendPaced(
        _ track: UnsafeMutablePointer<Track>,
        to forwarder: UnsafeMutablePointer<Forwarder>,
        at now: Instant,
        into batch: inout SendBatch
    ) {
        let slot = forwarder.pointee.peer
        let peer = peers[slot]
        if skipsAhead(track, forwarder, at: now, into: &batch) { return }
        peer.pointee.pacer.refill(estimate: peer.pointee.bandwidth.estimate, at: now)
        let waiting = Self.bytesWaiting(track, forwarder, upTo: Pacer.groupSize)
        let allowance = peer.pointee.pacer.allowance(waiting: waiting)
        if allowance > 0, !batch.isBlocked {
            _ = send(
                track, to: forwarder, upTo: track.pointee.releasedEnd, bytes: allowance, now: now, into: &batch)
        }
        if forwarder.pointee.phase == .live, forwarder.pointee.cursor < track.pointee.releasedEnd {
            queue(slot, at: now)
        }
    }

    /// Payload bytes of the next packets; any larger number when there are more than `count`.
    private static func bytesWaiting(
        _ track: UnsafeMutablePointer<Track>, _ forwarder: UnsafeMutablePointer<Forwarder>, upTo count: Int
    ) -> Int {
        let start = max(forwarder.pointee.cursor, track.pointee.log.firstIndex)
        let end = track.pointee.releasedEnd
        guard end - start <= count else { return .max }
        var bytes = 0
        let limit = forwarder.pointee.limit
        for index in start..<max(end, start) {
            let record = track.pointee.log.record(at: index)
            if limit.admits(record.layer) { bytes += Int(record.length) }
        }
        return bytes
    }

    /// Puts a viewer on the list of the pacer tick.
    private mutating func queue(_ slot: Int, at now: Instant) {
        if !peers[slot].pointee.isQueued {
            peers[slot].pointee.isQueued = true
            queuedPeers.append(slot)
        }
        if nextPacerTick == nil { nextPacerTick = now.advanced(by: Pacer.interval) }
    }

    /// One step for every viewer for whom something waits: media first, then the padding of a probe.
    mutating func pacerTick(at now: Instant, into batch: inout SendBatch) {
        nextPacerTick = nil
        var waiting = queuedPeers
        queuedPeers.removeAll(keepingCapacity: true)
        // Whoever came last in a crowded tick comes first in the next one.
        if waiting.count > 1 { waiting.append(waiting.removeFirst()) }
        for slot in waiting where peers.contains(slot) && peers[slot].pointee.isQueued {
            peers[slot].pointee.isQueued = false
            for index in peers[slot].pointee.subscriptions.indices {
                let subscription = peers[slot].pointee.subscriptions[index]
                let track = tracks[subscription.track]
                let forwarder = track.pointee.forwarders + subscription.position
                guard track.pointee.isVideo, forwarder.pointee.phase == .live,
                    forwarder.pointee.cursor < track.pointee.releasedEnd
                else { continue }
                sendPaced(track, to: forwarder, at: now, into: &batch)
            }
            if peers[slot].pointee.bandwidth.isProbing {
                sendPadding(to: slot, at: now, into: &batch)
                queue(slot, at: now)
            }
        }
    }

    // MARK: Probes

    /// Begins with the padding of a probe, if one is under way.
    mutating func startProbing(_ slot: Int, at now: Instant) {
        if peers[slot].pointee.bandwidth.isProbing { queue(slot, at: now) }
    }

    /// Sends what a probe lacks, on the retransmission stream, whose numbers are free: recent packets again, or nothing
    /// at length where there are none.
    private mutating func sendPadding(to slot: Int, at now: Instant, into batch: inout SendBatch) {
        guard !batch.isBlocked, let address = peers[slot].pointee.address, peers[slot].pointee.sender != nil else {
            return
        }
        var due = peers[slot].pointee.bandwidth.paddingDue(at: now)
        guard due > 0 else { return }
        for subscription in peers[slot].pointee.subscriptions {
            let track = tracks[subscription.track]
            let forwarder = track.pointee.forwarders + subscription.position
            guard forwarder.pointee.canRetransmit, forwarder.pointee.hasStarted else { continue }
            batch.beginRun(to: address)
            // What was sent last is what the viewer most likely lacks.
            var index = min(forwarder.pointee.cursor, track.pointee.log.endIndex) - 1
            while due > 0 {
                var sent = 0
                if index >= track.pointee.log.firstIndex {
                    sent = sendAgain(track, forwarder, packet: index, now: now, into: &batch)
                    index -= 1
                }
                if sent == 0 { sent = sendNothing(forwarder, now: now, into: &batch) }
                guard sent > 0 else { return }
                peers[slot].pointee.pacer.didSend(sent)
                due -= sent
            }
            return
        }
    }

    /// Sends a packet of padding on the retransmission stream.
    ///
    /// - Returns: The bytes of it.
    private func sendNothing(
        _ forwarder: UnsafeMutablePointer<Forwarder>, now: Instant, into batch: inout SendBatch
    ) -> Int {
        guard let retransmission = forwarder.pointee.nextRetransmission() else { return 0 }
        var stream = OutgoingStream(forwarder.pointee)
        stream.ssrc = retransmission.ssrc
        stream.payloadType = retransmission.payloadType
        let numbers = Forwarder.Numbers(
            index: retransmission.nextIndex, timestamp: UInt32(truncatingIfNeeded: forwarder.pointee.timestampOffset))
        return stream.emitPadding(numbers: numbers, to: peers[forwarder.pointee.peer], now: now, into: &batch)
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
                if track.pointee.isVideo, peers[forwarder.pointee.peer].pointee.pacer.isPaced {
                    sendPaced(track, to: forwarder, at: now, into: &batch)
                    continue
                }
                if skipsAhead(track, forwarder, at: now, into: &batch) { continue }
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
    private mutating func skipsAhead(
        _ track: UnsafeMutablePointer<Track>,
        _ forwarder: UnsafeMutablePointer<Forwarder>,
        at now: Instant,
        into batch: inout SendBatch
    ) -> Bool {
        let cursor = forwarder.pointee.cursor
        guard cursor < track.pointee.releasedEnd else { return false }
        if cursor >= track.pointee.log.firstIndex,
            !peers[forwarder.pointee.peer].pointee.pacer.isTooLate(
                age: now.since(track.pointee.log.record(at: cursor).arrival))
        {
            return false
        }
        guard track.pointee.isVideo else {
            track.pointee.catchingUp += 1
            forwarder.pointee.wait(since: now)
            startAtLiveEdge(track, forwarder)
            return true
        }
        if let group = track.pointee.log.groupOfPictures, group.startIndex > cursor,
            now.since(group.startedAt) <= Self.maximumLag
        {
            forwarder.pointee.startLive(atIndex: group.startIndex, sequence: group.startSequence)
            return false
        }
        hold(track, forwarder, at: now, into: &batch)
        return true
    }

    /// Lets a viewer rest until the next key frame, which is asked for.
    mutating func hold(
        _ track: UnsafeMutablePointer<Track>, _ forwarder: UnsafeMutablePointer<Forwarder>, at now: Instant,
        into batch: inout SendBatch
    ) {
        if forwarder.pointee.phase == .live { track.pointee.catchingUp += 1 }
        forwarder.pointee.hold(after: track.pointee.log.highestSequence ?? 0)
        counters.keyFrameSkips += 1
        if let slot = tracksByID[track.pointee.id] { requestKeyFrame(track: slot, at: now, into: &batch) }
    }
}

extension Optional where Wrapped == BandwidthEstimator {
    /// What the path carries, without moving the noncopyable estimator.
    var estimate: Bitrate? {
        switch self {
        case .some(let estimator): estimator.estimate
        case .none: nil
        }
    }

    var isProbing: Bool {
        switch self {
        case .some(let estimator): estimator.isProbing
        case .none: false
        }
    }

    func paddingDue(at now: Instant) -> Int {
        switch self {
        case .some(let estimator): estimator.paddingDue(at: now)
        case .none: 0
        }
    }
}

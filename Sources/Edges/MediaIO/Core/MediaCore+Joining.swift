import CongestionControl
import Media
import Primitives
import RTP
import SFU
import SRTP

/// Viewers that join: from the group of pictures so far to the live edge.
extension MediaCore {
    /// Packets that all replays of a worker together may send per tick, so that a storm of joins delays nobody.
    static var replayBudget: Int { 2048 }
    /// How long a joining viewer waits for a key frame that was asked for, before it is given the old group.
    static var keyFramePatience: Interval { .milliseconds(300) }
    /// A group of pictures older or larger than this is not replayed if the publisher makes a new one on request.
    static var preferredGroupAge: Interval { .seconds(2) }
    static var preferredGroupBytes: Int { 1 << 20 }

    /// Starts a viewer that has just got its keys on every track it watches.
    mutating func beginForwarding(to slot: Int, at now: Instant, into batch: inout SendBatch) {
        for subscription in peers[slot].pointee.subscriptions {
            start(track: subscription.track, position: subscription.position, at: now, into: &batch)
        }
    }

    /// Starts what a viewer that has its keys is sent from now on.
    mutating func beginForwarding(
        to slot: Int, from first: Int, at now: Instant, into batch: inout SendBatch
    ) {
        guard peers[slot].pointee.sender != nil else { return }
        for subscription in peers[slot].pointee.subscriptions.dropFirst(first) {
            start(track: subscription.track, position: subscription.position, at: now, into: &batch)
        }
    }

    /// Gives the viewers that wait what there is by now: a key frame, or the first audio.
    mutating func startWaiting(track slot: Int, at now: Instant, into batch: inout SendBatch) {
        let track = tracks[slot]
        for position in 0..<track.pointee.forwarderCount {
            let forwarder = track.pointee.forwarders + position
            guard peers[forwarder.pointee.peer].pointee.sender != nil else { continue }
            switch forwarder.pointee.phase {
            case .waiting: start(track: slot, position: position, at: now, into: &batch)
            case .held(let sequence): goOn(track, forwarder, after: sequence)
            case .replaying, .live, .paused: break
            }
        }
    }

    /// Lets a viewer that was held go on at a key frame that it has not seen.
    private func goOn(
        _ track: UnsafeMutablePointer<Track>, _ forwarder: UnsafeMutablePointer<Forwarder>, after sequence: Int64
    ) {
        guard let group = track.pointee.log.groupOfPictures, group.startSequence > sequence else { return }
        forwarder.pointee.startLive(atIndex: group.startIndex, sequence: group.startSequence)
        track.pointee.catchingUp -= 1
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
            // Those who come next need not wait in vain.
            track.pointee.answersKeyFrameRequests = false
        }
        let bitrate = track.pointee.bitrate.estimate(at: now)
        forwarder.pointee.startReplay(
            of: group,
            newest: track.pointee.log.highestTimestamp ?? group.startTimestamp,
            duration: ReplayPace.duration(ofBytes: group.bytes, streamBitsPerSecond: bitrate),
            clockRate: track.pointee.codec.clockRate
        )
        forwarder.pointee.pace.start(streamBitsPerSecond: bitrate)
        peers[forwarder.pointee.peer].pointee.bandwidth.beginReplay(streamBitsPerSecond: bitrate, at: now)
        sendReport(track: slot, position: position, at: now, into: &batch)
        if !batch.isBlocked { replay(track, forwarder, budget: .max, at: now, into: &batch) }
        if forwarder.pointee.phase == .replaying, nextReplayTick == nil {
            nextReplayTick = now.advanced(by: ReplayPace.interval)
        }
    }

    func startAtLiveEdge(_ track: UnsafeMutablePointer<Track>, _ forwarder: UnsafeMutablePointer<Forwarder>) {
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
            peers[forwarder.pointee.peer].pointee.bandwidth.endReplay(at: now)
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
                case .live, .held, .paused: continue
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
}

extension Optional where Wrapped == BandwidthEstimator {
    /// A replay is faster than the stream, and so the first probe of the path.
    mutating func beginReplay(streamBitsPerSecond bitrate: Double, at now: Instant) {
        self?.beginReplay(at: ReplayPace.bitrate(streamBitsPerSecond: bitrate), now: now)
    }

    mutating func endReplay(at now: Instant) {
        self?.endReplay(at: now)
    }
}

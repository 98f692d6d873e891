import CongestionControl
import Media
import Primitives
import RTP
import SFU

/// Simulcast: each layer is a track, and a viewer's forwarder moves from one to another at a key frame. Layers inside a
/// stream: the forwarder stays where it is and leaves packets out.
extension MediaCore {
    /// A key frame this young is still a good place to begin: little has followed it.
    static var freshKeyFrame: Interval { .milliseconds(200) }
    /// A viewer that finds no other place to begin with a higher temporal layer for this long is helped by a key frame.
    private static var risePatience: Interval { .seconds(3) }

    // MARK: Acting

    func pause(_ slot: Int, subscription index: Int, at now: Instant) {
        let subscription = peers[slot].pointee.subscriptions[index]
        peers[slot].pointee.subscriptions[index].target = nil
        let track = tracks[subscription.track]
        let forwarder = track.pointee.forwarders + subscription.position
        guard forwarder.pointee.phase != .paused else { return }
        if forwarder.pointee.phase == .live { track.pointee.catchingUp += 1 }
        forwarder.pointee.pause()
    }

    /// Sees to it that a viewer is sent this, now or as soon as the stream allows to begin with it.
    mutating func show(
        _ slot: Int, subscription index: Int, step: Peer.Step, at now: Instant, into batch: inout SendBatch
    ) {
        peers[slot].pointee.subscriptions[index].step = step
        let subscription = peers[slot].pointee.subscriptions[index]
        let wanted = step.track
        if wanted == subscription.track {
            peers[slot].pointee.subscriptions[index].target = nil
            let track = tracks[wanted]
            let forwarder = track.pointee.forwarders + subscription.position
            forwarder.pointee.wantedLimit = step.limit
            if forwarder.pointee.phase == .paused { hold(track, forwarder, at: now, into: &batch) }
            rise(slot, subscription: index, at: now, into: &batch)
            return
        }
        if subscription.target != wanted {
            peers[slot].pointee.subscriptions[index].target = wanted
            tracks[wanted].pointee.arrivingPeers.append(slot)
        }
        admitArriving(to: wanted, at: now)
        guard peers[slot].pointee.subscriptions[index].target != nil else { return }
        requestKeyFrame(track: wanted, at: now, into: &batch)
    }

    /// Asks for a key frame where a viewer needs one to begin with a higher layer of its stream: at once for a larger picture,
    /// and after a while for more of them, which streams usually allow by themselves.
    private mutating func rise(_ slot: Int, subscription index: Int, at now: Instant, into batch: inout SendBatch) {
        let subscription = peers[slot].pointee.subscriptions[index]
        let track = tracks[subscription.track]
        let forwarder = track.pointee.forwarders + subscription.position
        let rates = track.pointee.layerRates
        let wanted = forwarder.pointee.wantedLimit
        let limit = forwarder.pointee.limit
        let isTooSmall = Int(limit.spatial) < min(Int(wanted.spatial), rates.spatialCount - 1)
        let isTooRare = Int(limit.temporal) < min(Int(wanted.temporal), rates.temporalCount - 1)
        guard forwarder.pointee.phase == .live, isTooSmall || isTooRare else {
            return peers[slot].pointee.subscriptions[index].risingSince = nil
        }
        let since = subscription.risingSince ?? now
        peers[slot].pointee.subscriptions[index].risingSince = since
        if isTooSmall || now - since >= Self.risePatience {
            requestKeyFrame(track: subscription.track, at: now, into: &batch)
        }
    }

    /// Lets the viewers that wait for a key frame of this layer come over, if there is a fresh one.
    mutating func admitArriving(to track: Int, at now: Instant) {
        guard !tracks[track].pointee.arrivingPeers.isEmpty, let group = tracks[track].pointee.log.groupOfPictures,
            now - group.startedAt <= Self.freshKeyFrame
        else { return }
        let arriving = tracks[track].pointee.arrivingPeers
        tracks[track].pointee.arrivingPeers.removeAll(keepingCapacity: true)
        for slot in arriving where peers.contains(slot) {
            for index in peers[slot].pointee.subscriptions.indices
            where peers[slot].pointee.subscriptions[index].target == track {
                move(slot, subscription: index, to: track, at: group, now: now)
            }
        }
    }

    /// Moves a viewer's forwarder to another layer.
    private mutating func move(
        _ slot: Int, subscription index: Int, to newSlot: Int, at group: PacketLog.GroupOfPictures, now: Instant
    ) {
        let subscription = peers[slot].pointee.subscriptions[index]
        let old = tracks[subscription.track]
        let new = tracks[newSlot]
        var forwarder = old.pointee.forwarders[subscription.position]
        let past = forwarder
        let lastIndex = forwarder.cursor - 1
        let isLastHeld = lastIndex >= old.pointee.log.firstIndex && lastIndex < old.pointee.log.endIndex
        let pictures =
            isLastHeld && old.pointee.codec == .vp8
            ? VP8PictureShift.joining(
                old.pointee.log.payload(at: lastIndex), sentUnder: forwarder.pictures,
                to: new.pointee.log.payload(at: group.startIndex))
            : forwarder.pictures
        var frameShift = forwarder.frameShift
        if isLastHeld, let last = old.pointee.log.descriptor(at: lastIndex),
            let first = new.pointee.log.descriptor(at: group.startIndex)
        {
            // Receivers refuse a key frame whose number lies behind that of the last one.
            frameShift = last.frameNumber &+ frameShift &+ 1 &- first.frameNumber
        }
        forwarder.wantedLimit = subscription.step?.limit ?? .none
        forwarder.switchLayer(
            toIndex: group.startIndex,
            sequence: group.startSequence,
            timestamp: group.startTimestamp,
            shift: clockShift(from: old, to: new, at: now),
            last: isLastHeld ? old.pointee.log.record(at: lastIndex).timestamp : nil,
            pictures: pictures,
            frameShift: frameShift
        )
        detach(subscription)
        let position = new.pointee.add(forwarder)
        peers[slot].pointee.subscriptions[index].track = newSlot
        peers[slot].pointee.subscriptions[index].position = position
        peers[slot].pointee.subscriptions[index].target = nil
        peers[slot].pointee.subscriptions[index].past.append((old.pointee.id, past))
        if peers[slot].pointee.subscriptions[index].past.count > Peer.Subscription.maximumPast {
            peers[slot].pointee.subscriptions[index].past.removeFirst()
        }
        counters.layerSwitches += 1
    }

    /// How much further the media clock of one layer stands than that of another at the same time, modulo 2^32.
    private func clockShift(
        from old: UnsafeMutablePointer<Track>, to new: UnsafeMutablePointer<Track>, at now: Instant
    ) -> UInt32 {
        let time = ntp(at: now)
        if let before = old.pointee.clock.timestamp(atNTP: time), let after = new.pointee.clock.timestamp(atNTP: time) {
            return after &- before
        }
        let difference = (new.pointee.log.highestTimestamp ?? 0) - (old.pointee.log.highestTimestamp ?? 0)
        return UInt32(truncatingIfNeeded: difference)
    }

    /// Takes a viewer's forwarder out of its track.
    mutating func detach(_ subscription: Peer.Subscription) {
        let track = tracks[subscription.track]
        if track.pointee.forwarders[subscription.position].phase != .live { track.pointee.catchingUp -= 1 }
        guard let moved = track.pointee.removeForwarder(at: subscription.position) else { return }
        let last = track.pointee.forwarderCount
        for index in peers[moved].pointee.subscriptions.indices
        where peers[moved].pointee.subscriptions[index].track == subscription.track
            && peers[moved].pointee.subscriptions[index].position == last
        {
            peers[moved].pointee.subscriptions[index].position = subscription.position
        }
    }
}

import CongestionControl
import Media
import Primitives
import RTP
import SFU

/// Simulcast: each layer is a track, and a viewer's forwarder moves from one to another at a key frame.
extension MediaCore {
    /// A layer without packets for this long has been turned off by its publisher.
    static var layerSilence: Interval { .milliseconds(1500) }
    /// A key frame this young is still a good place to begin: little has followed it.
    static var freshKeyFrame: Interval { .milliseconds(200) }
    /// Two layers change places when their bitrates say so by this factor.
    private static var reorderFactor: Double { 1.3 }

    // MARK: Choosing

    /// Looks at what a viewer's path carries, and decides what it is sent of each picture.
    mutating func chooseLayers(for slot: Int, at now: Instant, into batch: inout SendBatch) {
        guard let begun = peers[slot].pointee.mediaBegunAt, now - begun >= LayerSelector.settling else { return }
        let total = peers[slot].pointee.bandwidth.estimate
        let sound = audioBitrate(of: slot, at: now)
        let estimate = total.map { Bitrate(bitsPerSecond: max($0.bitsPerSecond - sound, 0)) }
        var wanted = 0.0
        for index in peers[slot].pointee.subscriptions.indices
        where peers[slot].pointee.subscriptions[index].selector != nil {
            sortLayers(of: slot, subscription: index, at: now)
            describeLayers(of: slot, subscription: index, at: now)
            let wish = peers[slot].pointee.subscriptions[index].wishedLayer
            let choice = peers[slot].pointee.subscriptions[index].selector?.choose(
                among: layerScratch, estimate: estimate, wish: wish, at: now)
            switch choice {
            case .paused:
                wanted += layerScratch.first { $0.isActive }?.bitrate.bitsPerSecond ?? 0
                pause(slot, subscription: index, at: now)
            case .layer(let layer):
                // The highest layer that may be sent: a path that has widened is found out in one go.
                let top = max(min(wish ?? .max, layerScratch.count - 1), layer)
                let highest = layerScratch[...top].last { $0.isActive } ?? layerScratch[layer]
                wanted += highest.bitrate.bitsPerSecond
                show(slot, subscription: index, layer: layer, at: now, into: &batch)
            case nil: break
            }
        }
        peers[slot].pointee.bandwidth?.wanted =
            wanted > 0 ? Bitrate(bitsPerSecond: wanted * LayerSelector.headroom + sound) : nil
    }

    /// Notes which layer is the highest that a viewer wants of a picture; the next look at its path acts on it.
    ///
    /// A layer that the picture does not have changes nothing: it has been removed meanwhile.
    func limitLayer(of picture: TrackID, to layer: TrackID?, for id: PeerID) {
        guard let slot = peersByID[id], let track = tracksByID[picture] else { return }
        for index in peers[slot].pointee.subscriptions.indices
        where peers[slot].pointee.subscriptions[index].layers.contains(track) {
            guard let layer else {
                peers[slot].pointee.subscriptions[index].wish = nil
                continue
            }
            guard let wished = tracksByID[layer], peers[slot].pointee.subscriptions[index].layers.contains(wished)
            else {
                continue
            }
            peers[slot].pointee.subscriptions[index].wish = wished
        }
    }

    private func audioBitrate(of slot: Int, at now: Instant) -> Double {
        var sum = 0.0
        for subscription in peers[slot].pointee.subscriptions where subscription.selector == nil {
            let repeated = peers[slot].pointee.redPayloadType != 0 ? peers[slot].pointee.redundancy.level : 0
            sum += tracks[subscription.track].pointee.bitrate.estimate(at: now) * Double(1 + repeated)
        }
        return sum
    }

    /// Fills ``layerScratch``.
    private mutating func describeLayers(of slot: Int, subscription index: Int, at now: Instant) {
        layerScratch.removeAll(keepingCapacity: true)
        for track in peers[slot].pointee.subscriptions[index].layers {
            let isActive = tracks[track].pointee.lastArrivalAt.map { now - $0 < Self.layerSilence } ?? false
            let bitrate = tracks[track].pointee.bitrate.estimate(at: now)
            layerScratch.append(LayerSelector.Layer(bitrate: Bitrate(bitsPerSecond: bitrate), isActive: isActive))
        }
    }

    /// Offers list layers in either order, so their bitrates decide which one is the higher.
    private func sortLayers(of slot: Int, subscription index: Int, at now: Instant) {
        let peer = peers[slot]
        for position in peer.pointee.subscriptions[index].layers.indices.dropFirst() {
            let lower = tracks[peer.pointee.subscriptions[index].layers[position - 1]].pointee.bitrate.bitsPerSecond
            let higher = tracks[peer.pointee.subscriptions[index].layers[position]].pointee.bitrate.bitsPerSecond
            guard higher > 0, lower > higher * Self.reorderFactor else { continue }
            peer.pointee.subscriptions[index].layers.swapAt(position - 1, position)
            peer.pointee.subscriptions[index].selector?.exchange(position - 1, position)
        }
    }

    // MARK: Acting

    private func pause(_ slot: Int, subscription index: Int, at now: Instant) {
        let subscription = peers[slot].pointee.subscriptions[index]
        peers[slot].pointee.subscriptions[index].target = nil
        let track = tracks[subscription.track]
        let forwarder = track.pointee.forwarders + subscription.position
        guard forwarder.pointee.phase != .paused else { return }
        if forwarder.pointee.phase == .live { track.pointee.catchingUp += 1 }
        forwarder.pointee.pause()
    }

    /// Sees to it that a viewer is sent this layer, now or from its next key frame on.
    private mutating func show(
        _ slot: Int, subscription index: Int, layer: Int, at now: Instant, into batch: inout SendBatch
    ) {
        let subscription = peers[slot].pointee.subscriptions[index]
        let wanted = subscription.layers[layer]
        if wanted == subscription.track {
            peers[slot].pointee.subscriptions[index].target = nil
            let track = tracks[wanted]
            let forwarder = track.pointee.forwarders + subscription.position
            if forwarder.pointee.phase == .paused { hold(track, forwarder, at: now, into: &batch) }
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
        forwarder.switchLayer(
            toIndex: group.startIndex,
            sequence: group.startSequence,
            timestamp: group.startTimestamp,
            shift: clockShift(from: old, to: new, at: now),
            last: isLastHeld ? old.pointee.log.record(at: lastIndex).timestamp : nil,
            pictures: pictures
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

import CongestionControl
import Primitives
import SFU

/// What a viewer is sent of each picture: by what its path carries, and by what it wishes.
extension MediaCore {
    /// A layer without packets for this long has been turned off by its publisher.
    static var layerSilence: Interval { .milliseconds(1500) }
    /// Two layers change places when their bitrates say so by this factor.
    private static var reorderFactor: Double { 1.3 }

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
            describeSteps(of: slot, subscription: index, at: now)
            let wish = wishedStep(of: peers[slot].pointee.subscriptions[index])
            let choice = peers[slot].pointee.subscriptions[index].selector?.choose(
                among: layerScratch, estimate: estimate, wish: wish, at: now)
            switch choice {
            case .paused:
                wanted += layerScratch.first { $0.isActive }?.bitrate.bitsPerSecond ?? 0
                pause(slot, subscription: index, at: now)
            case .layer(let layer) where stepScratch.indices.contains(layer):
                // The highest layer that may be sent: a path that has widened is found out in one go.
                let top = max(min(wish ?? .max, layerScratch.count - 1), layer)
                let highest = layerScratch[...top].last { $0.isActive } ?? layerScratch[layer]
                wanted += highest.bitrate.bitsPerSecond
                show(slot, subscription: index, step: stepScratch[layer], at: now, into: &batch)
            case .layer, nil: break
            }
        }
        peers[slot].pointee.bandwidth?.wanted =
            wanted > 0 ? Bitrate(bitsPerSecond: wanted * LayerSelector.headroom + sound) : nil
    }

    /// Notes what a viewer wants at most of a picture; the next look at its path acts on it.
    ///
    /// A layer that the picture does not have changes nothing: it has been removed meanwhile.
    func limitLayer(of picture: TrackID, to wish: LayerWish?, for id: PeerID) {
        guard let slot = peersByID[id], let track = tracksByID[picture] else { return }
        for index in peers[slot].pointee.subscriptions.indices
        where peers[slot].pointee.subscriptions[index].layers.contains(track) {
            guard let wish else {
                peers[slot].pointee.subscriptions[index].wish = nil
                peers[slot].pointee.subscriptions[index].wishedLimit = .none
                continue
            }
            let wished = wish.track.map { tracksByID[$0] ?? -1 }
            if let wished, !peers[slot].pointee.subscriptions[index].layers.contains(wished) { continue }
            peers[slot].pointee.subscriptions[index].wish = wished
            peers[slot].pointee.subscriptions[index].wishedLimit = wish.limit
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

    /// Fills ``stepScratch`` and ``layerScratch``: all that a viewer can be sent of a picture, from the least to the best.
    private mutating func describeSteps(of slot: Int, subscription index: Int, at now: Instant) {
        stepScratch.removeAll(keepingCapacity: true)
        layerScratch.removeAll(keepingCapacity: true)
        let subscription = peers[slot].pointee.subscriptions[index]
        for (position, layer) in subscription.layers.enumerated() {
            let track = tracks[layer]
            let isActive = track.pointee.lastArrivalAt.map { now - $0 < Self.layerSilence } ?? false
            let bitrate = track.pointee.bitrate.estimate(at: now)
            guard track.pointee.layerRates.isLayered else {
                stepScratch.append(Peer.Step(track: layer))
                layerScratch.append(LayerSelector.Layer(bitrate: Bitrate(bitsPerSecond: bitrate), isActive: isActive))
                continue
            }
            let rates = track.pointee.layerRates
            for limit in rates.steps(within: subscription.wishedLimit, isLowest: position == 0) {
                stepScratch.append(Peer.Step(track: layer, limit: limit))
                layerScratch.append(
                    LayerSelector.Layer(
                        bitrate: Bitrate(bitsPerSecond: bitrate * rates.share(within: limit)),
                        isActive: isActive && rates.isActive(limit)))
            }
        }
        // The steps change with the stream; what is being sent stays where it is among them.
        let current = subscription.step ?? Peer.Step(track: subscription.track)
        let place =
            stepScratch.firstIndex(of: current)
            ?? stepScratch.lastIndex { $0.track == current.track && $0.limit.isWithin(current.limit) }
        if let place { peers[slot].pointee.subscriptions[index].selector?.relocate(to: place) }
    }

    /// The highest step that a viewer wants; `nil` for the best.
    private func wishedStep(of subscription: Peer.Subscription) -> Int? {
        guard let wish = subscription.wish else { return nil }
        return stepScratch.lastIndex { $0.track == wish }
    }

    /// Offers list layers in either order, so their bitrates decide which one is the higher.
    private func sortLayers(of slot: Int, subscription index: Int, at now: Instant) {
        let peer = peers[slot]
        for position in peer.pointee.subscriptions[index].layers.indices.dropFirst() {
            let lower = tracks[peer.pointee.subscriptions[index].layers[position - 1]].pointee.bitrate.bitsPerSecond
            let higher = tracks[peer.pointee.subscriptions[index].layers[position]].pointee.bitrate.bitsPerSecond
            guard higher > 0, lower > higher * Self.reorderFactor else { continue }
            peer.pointee.subscriptions[index].layers.swapAt(position - 1, position)
        }
    }
}

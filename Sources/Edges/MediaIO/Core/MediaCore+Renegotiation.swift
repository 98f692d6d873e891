import Media
import Primitives
import SFU
import WebRTC

/// Tracks that come to sessions and go while these last.
extension MediaCore {
    /// A media section of a publisher feeds these tracks from now on: one that has ended, or the next.
    mutating func bind(_ id: PeerID, section: Int, to binding: IngestBinding) {
        guard let slot = peersByID[id], peers[slot].pointee.role == .publisher,
            section <= peers[slot].pointee.bindings.count, let track = tracksByID[binding.track]
        else { return }
        // What fed a track that is gone makes room: its SSRCs do not come back.
        peers[slot].pointee.sources.removeAll { $0.track == Peer.noTrack || $0.binding == section }
        let layers = binding.layers.map { tracksByID[$0] ?? Peer.noTrack }
        if section == peers[slot].pointee.bindings.count {
            peers[slot].pointee.bindings.append(binding)
            peers[slot].pointee.bindingTracks.append(track)
            peers[slot].pointee.bindingLayers.append(layers)
        } else {
            peers[slot].pointee.bindings[section] = binding
            peers[slot].pointee.bindingTracks[section] = track
            peers[slot].pointee.bindingLayers[section] = layers
        }
        attach(publisher: slot, to: track, as: binding)
        guard binding.layers.isEmpty else { return }
        for ssrc in binding.negotiated.ssrcs {
            addSource(ssrc: ssrc, binding: section, isRetransmission: false, to: slot)
        }
        for ssrc in binding.negotiated.rtxSSRCs {
            addSource(ssrc: ssrc, binding: section, isRetransmission: true, to: slot)
        }
    }

    /// A viewer is sent more tracks over the transport that it has.
    mutating func subscribe(
        _ id: PeerID, to bindings: [PlaybackBinding], at now: Instant, into batch: inout SendBatch
    ) {
        guard let slot = peersByID[id], peers[slot].pointee.role == .viewer else { return }
        let before = peers[slot].pointee.subscriptions.count
        addSubscriptions(bindings, to: slot, at: now)
        beginForwarding(to: slot, from: before, at: now, into: &batch)
    }

    /// A viewer is sent fewer tracks.
    mutating func unsubscribe(_ id: PeerID, from ssrcs: [UInt32]) {
        guard let slot = peersByID[id] else { return }
        for ssrc in ssrcs {
            guard
                let index = peers[slot].pointee.subscriptions.firstIndex(where: { $0.binding.sender.ssrc == ssrc })
            else { continue }
            // Those behind it must be where `detach` looks for them.
            let subscription = peers[slot].pointee.subscriptions.remove(at: index)
            detach(subscription)
            peers[slot].pointee.reportedLoss[ssrc] = nil
        }
    }

    /// Lets nothing of a track in, or everything again.
    ///
    /// What comes after a pause is a new source: pictures begin at a key frame, which is asked for.
    mutating func setMuted(_ isMuted: Bool, track id: TrackID, at now: Instant, into batch: inout SendBatch) {
        guard let slot = tracksByID[id], tracks[slot].pointee.isMuted != isMuted else { return }
        tracks[slot].pointee.isMuted = isMuted
        if isMuted {
            endSource(ofTrack: slot)
        } else if tracks[slot].pointee.isVideo {
            requestKeyFrame(track: slot, at: now, into: &batch)
        }
    }
}

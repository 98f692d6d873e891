import Media
import Primitives
import RTP
import WebRTC

/// Publishers that send another codec than the first of their answer.
///
/// An answer may allow several codecs in one section (some clients offer all they know and send the one
/// they have), so the first packet decides. The track then changes, which is for the control plane to
/// arrange; its answer comes within a millisecond, and meanwhile packets wait here.
extension MediaCore {
    /// Follows a publisher to another payload type of its section.
    mutating func changeFormat(section: Int, payloadType: UInt8, peer slot: Int) {
        let before = peers[slot].pointee.bindings[section].negotiated.description.codec
        guard peers[slot].pointee.bindings[section].negotiated.select(payloadType: payloadType) else { return }
        let negotiated = peers[slot].pointee.bindings[section].negotiated
        guard negotiated.description.codec != before else { return }
        let fed = [peers[slot].pointee.bindingTracks[section]] + peers[slot].pointee.bindingLayers[section]
        for track in fed where track >= 0 && tracks.contains(track) && tracks[track].pointee.publisher == slot {
            tracks[track].pointee.publisher = nil
            endSource(ofTrack: track)
        }
        peers[slot].pointee.bindingTracks[section] = Peer.awaitedTrack
        events.append(.formatChanged(peers[slot].pointee.id, section: section, negotiated))
    }

    /// Keeps a packet until its section has a track again.
    func hold(_ packet: UnsafeRawBufferPointer, section: Int, ssrc: UInt32, peer slot: Int) {
        guard peers[slot].pointee.held.count < Peer.maximumHeld else { return }
        peers[slot].pointee.held.append(Peer.HeldPacket(section: section, ssrc: ssrc, bytes: Array(packet)))
    }

    /// Lets a section feed another track, beginning with what was held.
    mutating func rebind(
        _ id: PeerID, section: Int, to binding: IngestBinding, at now: Instant, into batch: inout SendBatch
    ) {
        guard let slot = peersByID[id], peers[slot].pointee.bindings.indices.contains(section),
            let track = tracksByID[binding.track]
        else { return }
        peers[slot].pointee.bindings[section] = binding
        peers[slot].pointee.bindingTracks[section] = track
        peers[slot].pointee.bindingLayers[section] = binding.layers.map { tracksByID[$0] ?? Peer.noTrack }
        for index in peers[slot].pointee.sources.indices where peers[slot].pointee.sources[index].binding == section {
            let layer = peers[slot].pointee.sources[index].layer
            peers[slot].pointee.sources[index].track = peers[slot].pointee.track(ofBinding: section, layer: layer)
        }
        attach(publisher: slot, to: track, as: binding)
        let held = peers[slot].pointee.held
        peers[slot].pointee.held.removeAll { $0.section == section }
        for waiting in held where waiting.section == section {
            guard let source = peers[slot].pointee.sources.first(where: { $0.ssrc == waiting.ssrc }),
                let header = try? RTPHeader(parsing: waiting.bytes.span)
            else { continue }
            waiting.bytes.withUnsafeBytes { forward(header, packet: $0, from: source, at: now, into: &batch) }
        }
    }

    /// Makes a session the publisher of a track, with all its layers.
    mutating func attach(publisher slot: Int, to track: Int, as binding: IngestBinding) {
        let layers = binding.layers.compactMap { tracksByID[$0] }
        for track in layers.isEmpty ? [track] : layers {
            endSource(ofTrack: track)
            tracks[track].pointee.publisher = slot
            tracks[track].pointee.publisherAcceptsPLI = binding.negotiated.supportsPLI
            tracks[track].pointee.publisherAcceptsFIR = binding.negotiated.supportsFIR
        }
    }
}

import MediaIO
package import Primitives
import WebRTC

/// Other gateways that pull streams from this one: they are offered all of a stream, and sent all of it at once.
extension Gateway {
    /// Offers another gateway a stream that is published here.
    ///
    /// - Returns: Our offer, which the other gateway answers by ``answer(session:stream:answer:)``.
    /// - Throws: ``GatewayRefusal/Code/notPublishing`` also where this gateway pulls the stream itself: links have one hop, so
    ///   that they cannot form a ring.
    package func offerLink(stream name: StreamName) async throws(GatewayRefusal) -> SessionAnswer {
        guard sessions.count < policy.maximumSessions, !counterOffers.isFull else { throw Self.overloaded }
        guard let stream = streams[name], stream.publisher != nil, !stream.isLinked, !stream.tracks.isEmpty,
            isDecided(stream)
        else { throw Self.notPublishing(name) }
        guard !stream.isReordered else { throw Self.reorderedVideo }
        let worker = plane.worker(preferring: stream.owner)
        let local = localDescription(worker: worker)
        var offered: [LinkedTrack] = []
        var ids: [TrackID] = []
        for (picture, track) in stream.tracks.enumerated() {
            if track.layers.isEmpty { offered.append(LinkedTrack(description: track.description)) }
            for layer in track.layers {
                let layer = LinkedLayer(picture: picture, name: layer.name)
                offered.append(LinkedTrack(description: track.description, layer: layer))
            }
            ids += track.ids
        }
        let made: CounterOffer
        do throws(OfferError) {
            made = try CounterOffer(linking: offered, local: local)
        } catch {
            throw refusal(for: error)
        }
        let entry = CounterOffers.Entry(
            id: RandomID.make(),
            stream: name,
            entityTag: "\"\(RandomID.make())\"",
            worker: worker,
            local: local,
            offer: made,
            tracks: stream.tracks.map(\.id),
            linked: ids,
            endsAt: clock.now + CounterOffers.lifetime
        )
        counterOffers.add(entry)
        return SessionAnswer(
            sessionID: entry.id,
            sdp: made.sdp,
            entityTag: entry.entityTag,
            offerEnds: Int64(WallClock.secondsSince1970()) + CounterOffers.lifetime.components.seconds
        )
    }

    /// Lets another gateway in.
    func admitLink(
        _ session: Session,
        to stream: LiveStream,
        _ specification: PeerSpecification,
        _ senders: [PlaybackSender],
        _ linked: [TrackID]
    ) {
        var session = session
        session.isNodeLink = true
        sessions[session.id] = session
        relayIfNeeded(stream.name, to: session.worker)
        let bindings = senders.map { PlaybackBinding(track: linked[$0.trackIndex], sender: $0) }
        plane.post(.addViewer(specification, bindings), to: session.worker)
        streams[stream.name]?.viewers[session.id] = session
        if stream.viewers.isEmpty, case .frames(let ingest, _, _) = stream.publisher {
            ingest.setViewersPresent(true)
        }
    }

    static func notPublishing(_ name: StreamName) -> GatewayRefusal {
        GatewayRefusal(
            .notPublishing,
            "Nobody publishes \"\(name)\" at the moment. Try again when the stream is live.",
            retryAfter: .seconds(1)
        )
    }
}

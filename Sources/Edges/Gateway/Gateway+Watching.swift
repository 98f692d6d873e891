import Media
import MediaIO
package import Primitives
import WebRTC

/// Viewers by WHEP, and the workers that carry a stream for them.
extension Gateway {
    // MARK: Watching

    /// Accepts a viewer's offer.
    package func play(stream name: StreamName, offer bytes: [UInt8]) async throws(GatewayRefusal) -> SessionAnswer {
        guard !isDraining else { throw Self.draining }
        let begun = clock.now
        guard sessions.count < policy.maximumSessions else { throw Self.overloaded }
        let offer = try parse(bytes)
        guard let stream = streams[name], stream.publisher != nil, !stream.tracks.isEmpty, isDecided(stream) else {
            throw GatewayRefusal(
                .notPublishing,
                "Nobody publishes \"\(name)\" at the moment. Try again when the stream is live.",
                retryAfter: .seconds(1)
            )
        }
        guard !stream.isReordered else {
            throw GatewayRefusal(
                .reorderedVideo,
                "The encoder sends B-frames, which browsers cannot play by WebRTC. Turn B-frames off in the encoder "
                    + "(\(IngestWarning.noReordering))."
            )
        }
        let worker = plane.worker(preferring: stream.owner)
        let local = localDescription(worker: worker)
        let answer: PlaybackAnswer
        do throws(OfferError) {
            answer = try offer.playbackAnswer(tracks: stream.tracks.map(\.description), local: local)
        } catch {
            throw refusal(for: error)
        }
        var session = makeSession(.viewer, stream: name, worker: worker, remote: offer.credentials)
        session.pictures = answer.senders.compactMap {
            let track = stream.tracks[$0.trackIndex]
            return track.layers.isEmpty ? nil : Session.Picture(section: $0.section, track: track.id)
        }
        sessions[session.id] = session
        relayIfNeeded(name, to: worker)
        let specification = PeerSpecification(
            id: session.peer,
            local: local.credentials,
            remote: offer.credentials,
            role: answer.role,
            fingerprints: offer.fingerprints
        )
        plane.post(
            .addViewer(
                specification,
                answer.senders.map {
                    let track = stream.tracks[$0.trackIndex]
                    return PlaybackBinding(track: track.id, sender: $0, layers: track.layers.map(\.id))
                }
            ),
            to: worker
        )
        streams[name]?.viewers[session.id] = session
        if stream.viewers.isEmpty, case .frames(let ingest, _, _) = stream.publisher {
            ingest.setViewersPresent(true)
        }
        joinNegotiation.record(Interval(clock.now - begun))
        return SessionAnswer(
            sessionID: session.id,
            sdp: answer.sdp,
            entityTag: session.entityTag,
            hasLayers: !session.pictures.isEmpty
        )
    }

    /// What `If-Match` must name; `nil` when there is no such session.
    package func entityTag(of id: String, stream: StreamName, kind: SessionKind) -> String? {
        session(id, stream: stream, kind: kind)?.entityTag
    }

    func session(_ id: String, stream: StreamName, kind: SessionKind) -> Session? {
        sessions[id].flatMap { $0.stream == stream && $0.kind == kind ? $0 : nil }
    }

    /// Ends a session by DELETE.
    package func end(session id: String, stream: StreamName, kind: SessionKind) async throws(GatewayRefusal) {
        guard let session = session(id, stream: stream, kind: kind) else { throw unknownSession(id) }
        plane.post(.removePeer(session.peer, .requested), to: session.worker)
        forget(session)
    }

    // MARK: Workers

    func relayIfNeeded(_ name: StreamName, to worker: Int) {
        guard let stream = streams[name], worker != stream.owner, !stream.relays.contains(worker) else { return }
        streams[name]?.relays.insert(worker)
        for track in stream.tracks {
            for id in track.ids {
                plane.post(.addTrack(.init(id: id, codec: track.description.codec, owner: stream.owner)), to: worker)
                plane.post(.startRelay(id, worker: worker), to: stream.owner)
            }
        }
    }

    func stopRelayIfUnused(_ name: StreamName, worker: Int) {
        guard let stream = streams[name], stream.relays.contains(worker),
            !stream.viewers.values.contains(where: { $0.worker == worker })
        else { return }
        streams[name]?.relays.remove(worker)
        for id in stream.tracks.flatMap(\.ids) {
            plane.post(.stopRelay(id, worker: worker), to: stream.owner)
            plane.post(.removeTrack(id), to: worker)
        }
    }
}

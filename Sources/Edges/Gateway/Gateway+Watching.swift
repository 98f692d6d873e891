import Media
import MediaIO
package import Primitives
import RTP
import WebRTC

/// Viewers by WHEP, and the workers that carry a stream for them.
extension Gateway {
    // MARK: Watching

    /// Accepts a viewer's offer, and holds it to its credential's terms.
    package func play(
        stream name: StreamName,
        offer bytes: [UInt8],
        terms: SessionTerms = SessionTerms()
    ) async throws(GatewayRefusal) -> SessionAnswer {
        guard !isDraining else { throw Self.draining }
        let begun = clock.now
        guard sessions.count < policy.maximumSessions else { throw Self.overloaded }
        let parsed = Result { () throws(OfferError) in try SessionOffer(parsing: bytes) }
        if case .failure(let error) = parsed, !error.invitesCounterOffer { throw refusal(for: error) }
        try await bring(name)
        guard let stream = streams[name], stream.publisher != nil, !stream.tracks.isEmpty, isDecided(stream) else {
            throw Self.notPublishing(name)
        }
        let worker = plane.worker(preferring: stream.owner)
        let local = localDescription(worker: worker)
        let plans = plans(for: stream)
        guard !plans.isEmpty else { throw Self.reorderedVideo }
        let offer: SessionOffer
        var form: TranscodeForm?
        let answer: PlaybackAnswer
        do throws(OfferError) {
            offer = try parsed.get()
            (form, answer) = try Self.answer(to: offer, plans, local: local)
        } catch {
            guard error.invitesCounterOffer else { throw refusal(for: error) }
            guard !stream.isReordered else { throw Self.reorderedVideo }
            let made = try counterOffer(stream, insteadOf: bytes, local: local, worker: worker)
            hold(made.sessionID, to: terms)
            return made
        }
        if let form {
            try beginTranscode(form, of: name)
        } else if let ladder = formWithLadder(for: stream), (try? beginTranscode(ladder, of: name)) != nil {
            // Without room for smaller sizes the publisher's is shown all the same.
            form = ladder
        }
        var session = makeSession(.viewer, stream: name, worker: worker, remote: offer.credentials)
        session.form = form
        hold(session.id, to: terms)
        let specification = PeerSpecification(
            id: session.peer,
            local: local.credentials,
            remote: offer.credentials,
            role: answer.role,
            fingerprints: offer.fingerprints
        )
        admit(&session, to: stream, specification, answer.senders)
        joinNegotiation.record(Interval(clock.now - begun))
        return SessionAnswer(
            sessionID: session.id,
            sdp: answer.sdp,
            entityTag: session.entityTag,
            hasLayers: session.pictures.contains { streams[name]?.track(of: $0, for: session)?.hasChoice == true }
        )
    }

    /// The answer to a viewer, with the best form of the picture that it can take; `nil` for the publisher's own.
    private static func answer(
        to offer: SessionOffer,
        _ plans: [(form: TranscodeForm?, tracks: [TrackDescription])],
        local: LocalDescription
    ) throws(OfferError) -> (TranscodeForm?, PlaybackAnswer) {
        var reason: OfferError?
        for plan in plans {
            do throws(OfferError) {
                return (plan.form, try offer.playbackAnswer(tracks: plan.tracks, local: local))
            } catch {
                // Only what does not fit as it is may fit in another form.
                guard case .noCommonCodec = error else { throw error }
                reason = reason ?? error
            }
        }
        throw reason ?? .noMedia
    }

    static let reorderedVideo = GatewayRefusal(
        .reorderedVideo,
        "The encoder sends B-frames, which browsers cannot play by WebRTC. Turn B-frames off in the encoder "
            + "(\(IngestWarning.noReordering))."
    )

    /// Lets a viewer in with whom everything is agreed.
    func admit(
        _ session: inout Session,
        to stream: LiveStream,
        _ specification: PeerSpecification,
        _ senders: [PlaybackSender]
    ) {
        let form = session.form
        let tracks = stream.tracks.map { track in
            track.description.kind == .video ? form.flatMap { streams[stream.name]?.track($0) } ?? track : track
        }
        session.pictures = senders.compactMap {
            let track = tracks[$0.trackIndex]
            return track.description.kind == .video ? Session.Picture(section: $0.section, track: track.id) : nil
        }
        sessions[session.id] = session
        relayIfNeeded(stream.name, to: session.worker)
        let playoutDelay = policy.playoutDelay(stream.name).map(PlayoutDelay.init)
        let bindings = senders.map {
            let track = tracks[$0.trackIndex]
            return PlaybackBinding(
                track: track.id, sender: $0, layers: track.layers.map(\.id), playoutDelay: playoutDelay)
        }
        plane.post(.addViewer(specification, bindings), to: session.worker)
        streams[stream.name]?.viewers[session.id] = session
        if stream.viewers.isEmpty, case .frames(let ingest, _, _) = stream.publisher {
            ingest.setViewersPresent(true)
        }
    }

    /// How a session stands.
    ///
    /// - Throws: ``GatewayRefusal/Code/unknownSession`` with what became of it.
    package func state(
        of id: String,
        stream: StreamName,
        kind: SessionKind
    ) async throws(GatewayRefusal) -> SessionState {
        if let session = session(id, stream: stream, kind: kind) { return SessionState(entityTag: session.entityTag) }
        if kind == .viewer, let waiting = counterOffers.find(id, stream: stream, at: clock.now) {
            return SessionState(entityTag: waiting.entityTag, awaitsAnswer: true)
        }
        throw unknownSession(id)
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
        guard let session = session(id, stream: stream, kind: kind) else {
            guard kind == .viewer, counterOffers.take(id, stream: stream, at: clock.now) != nil else {
                throw unknownSession(id)
            }
            return
        }
        plane.post(.removePeer(session.peer, .requested), to: session.worker)
        forget(session)
    }

    // MARK: Workers

    func relayIfNeeded(_ name: StreamName, to worker: Int) {
        guard let stream = streams[name], worker != stream.owner, !stream.relays.contains(worker) else { return }
        streams[name]?.relays.insert(worker)
        for (id, codec) in stream.planeTracks {
            plane.post(.addTrack(.init(id: id, codec: codec, owner: stream.owner)), to: worker)
            plane.post(.startRelay(id, worker: worker), to: stream.owner)
        }
    }

    func stopRelayIfUnused(_ name: StreamName, worker: Int) {
        guard let stream = streams[name], stream.relays.contains(worker),
            !stream.viewers.values.contains(where: { $0.worker == worker }), !isWatchedInRoom(name)
        else { return }
        streams[name]?.relays.remove(worker)
        for (id, _) in stream.planeTracks {
            plane.post(.stopRelay(id, worker: worker), to: stream.owner)
            plane.post(.removeTrack(id), to: worker)
        }
    }
}

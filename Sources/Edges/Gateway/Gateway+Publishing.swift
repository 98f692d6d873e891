import Logging
import Media
import MediaIO
package import Primitives
import Telemetry
import WebRTC

/// Publishers by WHIP, and who may take a stream over from whom.
extension Gateway {
    // MARK: Publishing by WHIP

    /// Accepts a publisher's offer, and holds it to its credential's terms.
    package func publish(
        stream name: StreamName,
        offer bytes: [UInt8],
        by identity: PublisherIdentity,
        terms: SessionTerms
    ) async throws(GatewayRefusal) -> SessionAnswer {
        let begun = clock.now
        try checkCapacity(forStream: name)
        let offer = try parse(bytes)
        let epoch = try await claim(name, for: identity)
        // Nothing below waits, so nobody can come in between.
        let owner = streams[name]?.owner ?? plane.leastLoadedWorker()
        let local = localDescription(worker: owner)
        let answer: IngestAnswer
        do throws(OfferError) {
            answer = try offer.ingestAnswer(local: local, preferring: watchedCodec(of: name))
        } catch {
            throw refusal(for: error)
        }
        dismissPublisher(of: name)
        let session = makeSession(.publisher, stream: name, worker: owner, remote: offer.credentials)
        let tracks = settleTracks(
            answer.tracks.map(\.description), layers: answer.tracks.map(\.rids), stream: name, owner: owner)
        let specification = PeerSpecification(
            id: session.peer,
            local: local.credentials,
            remote: offer.credentials,
            role: answer.role,
            fingerprints: offer.fingerprints
        )
        for (index, negotiated) in answer.tracks.enumerated() {
            let codec = negotiated.description.codec
            streams[name]?.tracks[index].isUndecided =
                negotiated.alternatives.contains { $0.description.codec != codec }
            streams[name]?.tracks[index].answersKeyFrameRequests = negotiated.supportsPLI || negotiated.supportsFIR
            streams[name]?.tracks[index].declaredBitrate = negotiated.declaredBitrate
        }
        streams[name]?.declaredBitrate = answer.declaredBitrate
        plane.post(
            .addPublisher(
                specification,
                zip(tracks, answer.tracks).map {
                    IngestBinding(track: $0.id, negotiated: $1, layers: $0.layers.map(\.id))
                }
            ),
            to: owner
        )
        hold(session.id, to: terms)
        begin(.session(session, identity), on: name, epoch: epoch, record: terms.record)
        logger.info("stream published", metadata: [LogKeys.stream: "\(name)", LogKeys.source: "whip"])
        joinNegotiation.record(Interval(clock.now - begun))
        return SessionAnswer(sessionID: session.id, sdp: answer.sdp, entityTag: session.entityTag)
    }

    /// The codec that those who watch a stream agreed to: its next publisher is asked to go on in it.
    ///
    /// Pion lists every codec it knows and sends the one it has; browsers send the first that the answer names.
    private func watchedCodec(of name: StreamName) -> Codec? {
        guard let stream = streams[name], !stream.viewers.isEmpty else { return nil }
        return stream.tracks.first { $0.description.kind == .video }?.description.codec
    }

    // MARK: Takeover

    func makeWay(for identity: PublisherIdentity, on name: StreamName) async throws(GatewayRefusal) {
        guard let stream = streams[name], let publisher = stream.publisher, !stream.isLinked else { return }
        let taken = GatewayRefusal(
            .alreadyPublishing,
            "\"\(name)\" is being published already. Stop the other publisher, use another name, or publish with the "
                + "same credential to take the stream over.",
            retryAfter: .seconds(2)
        )
        switch policy.takeover {
        case .replace: return
        case .reject: throw taken
        case .auto:
            if publisher.identity == identity { return }
            guard await isSilent(stream) else { throw taken }
        }
    }

    /// Whether nothing has arrived for two seconds.
    func isSilent(_ stream: LiveStream) async -> Bool {
        guard clock.now - stream.startedAt > .seconds(2) else { return false }
        return isSilent(stream, reports: await plane.report())
    }

    func isSilent(_ stream: LiveStream, reports: [MediaReport]) -> Bool {
        guard clock.now - stream.startedAt > .seconds(2) else { return false }
        let ids = Set(stream.tracks.flatMap(\.ids))
        return reports.lazy.flatMap(\.tracks).allSatisfy { track in
            !ids.contains(track.id) || !track.isOwner || (track.silence ?? .infinity) >= 2
        }
    }

    func dismissPublisher(of name: StreamName) {
        switch streams[name]?.publisher {
        case .session(let session, _):
            streams[name]?.publisher = nil
            plane.post(.removePeer(session.peer, .requested), to: session.worker)
            forget(session)
            endFrames(of: name)
            logger.info("publisher replaced", metadata: [LogKeys.stream: "\(name)"])
        case .frames(let ingest, _, _):
            streams[name]?.publisher = nil
            ingest.end(.superseded)
            endFrames(of: name)
        case nil: break
        }
    }
}

import Logging
import MediaIO
package import Primitives
import Telemetry
import WebRTC

/// Offers of our own, made to viewers whose offers cannot be answered as they stand.
extension Gateway {
    /// Prepares a session and offers it.
    func counterOffer(
        _ stream: LiveStream,
        insteadOf offer: [UInt8],
        local: LocalDescription,
        worker: Int
    ) throws(GatewayRefusal) -> SessionAnswer {
        guard !counterOffers.isFull else { throw Self.overloaded }
        let made: CounterOffer
        do throws(OfferError) {
            made = try CounterOffer(insteadOf: offer, tracks: stream.tracks.map(\.description), local: local)
        } catch {
            throw refusal(for: error)
        }
        let entry = CounterOffers.Entry(
            id: RandomID.make(),
            stream: stream.name,
            entityTag: "\"\(RandomID.make())\"",
            worker: worker,
            local: local,
            offer: made,
            tracks: stream.tracks.map(\.id),
            endsAt: clock.now + CounterOffers.lifetime
        )
        counterOffers.add(entry)
        // The whole name of a session that is to come would open it.
        logger.debug(
            "counter-offer", metadata: [LogKeys.stream: "\(stream.name)", LogKeys.session: "\(entry.id.prefix(6))…"])
        return SessionAnswer(
            sessionID: entry.id,
            sdp: made.sdp,
            entityTag: entry.entityTag,
            hasLayers: stream.tracks.contains(where: \.hasChoice),
            offerEnds: Int64(WallClock.secondsSince1970()) + CounterOffers.lifetime.components.seconds
        )
    }

    /// Takes a viewer's answer to our own offer, and lets the viewer in.
    ///
    /// An answer that is wrong leaves the offer as it was.
    package func answer(
        session id: String,
        stream name: StreamName,
        answer bytes: [UInt8]
    ) async throws(GatewayRefusal) {
        guard sessions.count < policy.maximumSessions else { throw Self.overloaded }
        guard let waiting = counterOffers.find(id, stream: name, at: clock.now) else { throw unknownSession(id) }
        guard !isDraining || waiting.linked != nil else { throw Self.draining }
        let answer: CounterAnswer
        do throws(OfferError) {
            answer = try waiting.offer.read(answer: bytes)
        } catch {
            if case .malformed = error { throw GatewayRefusal(.malformedAnswer, error.detail) }
            throw GatewayRefusal(.unsuitableAnswer, error.detail)
        }
        guard counterOffers.take(id, stream: name, at: clock.now) != nil else { throw unknownSession(id) }
        guard let stream = streams[name], stream.tracks.map(\.id) == waiting.tracks, !stream.isReordered else {
            throw GatewayRefusal(
                .unknownSession, "The stream has ended or changed since the gateway made its offer. Make a new session."
            )
        }
        var session = makeSession(
            .viewer, stream: name, worker: waiting.worker, remote: answer.credentials, id: id,
            entityTag: waiting.entityTag)
        let specification = PeerSpecification(
            id: session.peer,
            local: waiting.local.credentials,
            remote: answer.credentials,
            role: answer.role,
            fingerprints: answer.fingerprints,
            isNodeLink: waiting.linked != nil
        )
        if let linked = waiting.linked { return admitLink(session, to: stream, specification, answer.senders, linked) }
        admit(&session, to: stream, specification, answer.senders)
    }

    /// Forgets the offers that were not answered in time, but not why they are gone.
    func removeCounterOffers(at now: ContinuousClock.Instant) {
        for entry in counterOffers.removeExpired(at: now) {
            failures[SessionFailure.unanswered.rawValue, default: 0] += 1
            recentFailures.note(.unanswered, of: entry.id)
        }
    }
}

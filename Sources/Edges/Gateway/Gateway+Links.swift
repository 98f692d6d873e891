import ICE
import Logging
import Media
import MediaIO
package import Primitives
import Telemetry
import WebRTC

/// A stream of another gateway, agreed on; it begins to flow when that gateway has our answer.
package struct PreparedLink: Sendable {
    package let stream: StreamName
    /// Our answer, with CRLF line ends.
    package let sdp: String
    let local: ICECredentials
    let worker: Int
    let offer: SessionOffer
    let answer: IngestAnswer
}

/// How the streams stand that are pulled, or that might be.
package struct LinkCensus: Sendable, Equatable {
    /// Streams pulled from other gateways, and whether nobody watches or reads them here.
    package var linked: [StreamName: Bool]
    /// Streams that somebody watches or reads here while nobody publishes them here.
    package var orphans: [StreamName]

    package init(linked: [StreamName: Bool] = [:], orphans: [StreamName] = []) {
        self.linked = linked
        self.orphans = orphans
    }
}

/// Streams that are pulled from other gateways: one link each, whose packets come in as a publisher's do.
extension Gateway {
    /// Asks `puller` for each stream that is wanted and not published here.
    ///
    /// - Parameter puller: Returns when the stream is here, or `nil` at once where no other gateway has it; otherwise why it
    ///   could not be brought.
    package func pullStreams(by puller: @escaping @Sendable (StreamName) async -> GatewayRefusal?) {
        self.puller = puller
    }

    /// Brings a stream here that another gateway has.
    func bring(_ name: StreamName) async throws(GatewayRefusal) {
        guard streams[name]?.publisher == nil, let puller else { return }
        if let refusal = await puller(name) { throw refusal }
    }

    /// Answers another gateway's offer; nothing has changed yet.
    package func prepareLink(stream name: StreamName, offer bytes: [UInt8]) throws(GatewayRefusal) -> PreparedLink {
        try checkCapacity(forStream: name)
        let worker = streams[name]?.owner ?? plane.leastLoadedWorker()
        var local = localDescription(worker: worker)
        local.isLite = false
        local.candidates = []
        local.acceptsTCP = false
        do throws(OfferError) {
            let offer = try SessionOffer(parsing: bytes, acceptsLite: true)
            let answer = try offer.ingestAnswer(local: local)
            return PreparedLink(
                stream: name, sdp: answer.sdp, local: local.credentials, worker: worker, offer: offer, answer: answer)
        } catch {
            throw refusal(for: error)
        }
    }

    /// Connects to the other gateway and waits until media may flow; a link that the stream has already is replaced.
    ///
    /// - Parameters:
    ///   - prepared: What was agreed on.
    ///   - node: The other gateway.
    /// - Throws: ``GatewayRefusal`` when somebody publishes the stream here meanwhile, or no way is found. Viewers who
    ///   waited still wait then.
    package func beginLink(_ prepared: PreparedLink, to node: String) async throws(GatewayRefusal) {
        let name = prepared.stream
        try checkCapacity(forStream: name)
        let owner = streams[name]?.owner ?? prepared.worker
        guard streams[name]?.publisher == nil || streams[name]?.isLinked == true, owner == prepared.worker else {
            throw Self.linkOverturned
        }
        guard let number = plane.openLink(worker: owner) else { throw Self.linkFailed(name) }
        let graceEnds = streams[name]?.graceEnds
        dismissPublisher(of: name)
        var session = makeSession(.publisher, stream: name, worker: owner, remote: prepared.offer.credentials)
        session.isNodeLink = true
        sessions[session.id] = session
        let bindings = settleLinkedTracks(prepared, owner: owner)
        let specification = PeerSpecification(
            id: session.peer,
            local: prepared.local,
            remote: prepared.offer.credentials,
            role: prepared.answer.role,
            fingerprints: prepared.offer.fingerprints,
            isNodeLink: true
        )
        let route = LinkRoute(number: number, candidates: prepared.offer.candidates)
        plane.post(.addLink(specification, bindings, route), to: owner)
        begin(.session(session, .node(node)), on: name, record: nil)
        logger.info("stream pulled", metadata: [LogKeys.stream: "\(name)", LogKeys.node: "\(node)"])
        let id = session.id
        guard await withCheckedContinuation({ linkWaiters[id] = $0 }) else {
            if let stream = streams[name], stream.publisher == nil {
                // Trying again and again is no reason to keep viewers for ever.
                if let graceEnds { streams[name]?.graceEnds = graceEnds }
                if stream.viewers.isEmpty, !stream.lane.hasReaders { remove(name) }
            }
            throw Self.linkFailed(name)
        }
    }

    /// The stream's tracks as the other gateway has them, and which media section feeds which of them.
    private func settleLinkedTracks(_ prepared: PreparedLink, owner: Int) -> [IngestBinding] {
        let known = prepared.offer.linkedLayers
        var descriptions: [TrackDescription] = []
        var layers: [[String]] = []
        var sections: [[Int]] = []
        var pictures: [Int: Int] = [:]
        for (index, track) in prepared.answer.tracks.enumerated() {
            let layer = known[track.mid]
            if let layer, let position = pictures[layer.picture],
                descriptions[position].codec == track.description.codec
            {
                layers[position].append(layer.name)
                sections[position].append(index)
                continue
            }
            if let layer { pictures[layer.picture] = descriptions.count }
            descriptions.append(track.description)
            layers.append(layer.map { [$0.name] } ?? [])
            sections.append([index])
        }
        let tracks = settleTracks(descriptions, layers: layers, stream: prepared.stream, owner: owner)
        var bindings: [IngestBinding] = []
        for (position, track) in tracks.enumerated() {
            for (id, section) in zip(track.ids, sections[position]) {
                let negotiated = prepared.answer.tracks[section]
                bindings.append(IngestBinding(track: id, negotiated: negotiated))
                streams[prepared.stream]?.tracks[position].answersKeyFrameRequests =
                    negotiated.supportsPLI || negotiated.supportsFIR
            }
        }
        return bindings
    }

    /// Ends the link of a stream; who watches it waits as for a publisher that has gone.
    package func endLink(of name: StreamName) {
        guard let stream = streams[name], stream.isLinked, case .session(let session, _) = stream.publisher else {
            return
        }
        plane.post(.removePeer(session.peer, .requested), to: session.worker)
        forget(session)
        if stream.viewers.isEmpty, !stream.lane.hasReaders { remove(name) }
    }

    /// How the streams stand that are pulled, or that might be.
    package func linkCensus() -> LinkCensus {
        var census = LinkCensus()
        for (name, stream) in streams {
            let isWanted = !stream.viewers.isEmpty || stream.lane.hasReaders
            if stream.isLinked {
                census.linked[name] = !isWanted
            } else if stream.publisher == nil, isWanted {
                census.orphans.append(name)
            }
        }
        return census
    }

    private static let linkOverturned = GatewayRefusal(
        .notPublishing, "The stream has changed meanwhile. Try again.", retryAfter: .seconds(1))

    private static func linkFailed(_ name: StreamName) -> GatewayRefusal {
        GatewayRefusal(
            .notPublishing,
            "Another gateway has \"\(name)\", but its media port cannot be reached from here. Try again.",
            retryAfter: .seconds(1)
        )
    }
}

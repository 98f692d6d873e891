package import Logging
import Media
package import MediaIO
package import Primitives
import SDP
import WebRTC

/// The streams of this node: who publishes, who watches, who takes over from whom.
///
/// The control plane speaks to it in offers, answers and frames; it speaks to the media plane in
/// sessions and tracks. Packets never come by here.
package actor Gateway {
    private let plane: MediaPlane
    private let policy: GatewayPolicy
    private let logger: Logger
    private let events: AsyncStream<MediaEvent>
    private let ingestMessages: AsyncStream<IngestMessage>
    private let ingestReport: AsyncStream<IngestMessage>.Continuation
    private let clock = ContinuousClock()

    private var streams: [StreamName: LiveStream] = [:]
    private var sessions: [String: Session] = [:]
    private var sessionsByPeer: [PeerID: String] = [:]
    private var failures: [String: Int] = [:]
    private var isDraining = false
    private var joinNegotiation = DurationHistogram()

    /// How long a stream whose codecs are undecided is kept from viewers.
    private static let patience = Duration.seconds(3)
    /// How often grace periods are looked at.
    private static let housekeepingInterval = Duration.milliseconds(250)

    /// What `plane` reports must come in by `events`; see ``MediaPlane/init(configuration:events:)``.
    package init(plane: MediaPlane, events: AsyncStream<MediaEvent>, policy: GatewayPolicy, logger: Logger) {
        self.plane = plane
        self.events = events
        self.policy = policy
        self.logger = logger
        (ingestMessages, ingestReport) = AsyncStream.makeStream()
    }

    /// Follows the media plane until cancelled.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.followEvents() }
            group.addTask { await self.followIngests() }
            group.addTask { await self.keepHouse() }
            await group.waitForAll()
        }
    }

    private func followEvents() async {
        for await event in events { handle(event) }
    }

    private func followIngests() async {
        for await message in ingestMessages {
            switch message {
            case .announce(let ingest, let tracks): announce(tracks, by: ingest)
            case .warn(let ingest, let warning, let isReordered): warn(warning, isReordered: isReordered, by: ingest)
            case .finished(let ingest): finished(ingest)
            }
        }
    }

    private func keepHouse() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.housekeepingInterval)
            let now = clock.now
            for (name, stream) in streams {
                if let end = stream.graceEnds, end <= now { remove(name) }
            }
        }
    }

    // MARK: Publishing by WHIP

    /// Accepts a publisher's offer.
    package func publish(
        stream name: StreamName,
        offer bytes: [UInt8],
        by identity: PublisherIdentity
    ) async throws(GatewayRefusal) -> SessionAnswer {
        let begun = clock.now
        try checkCapacity(forStream: name)
        let offer = try parse(bytes)
        try await makeWay(for: identity, on: name)
        // Nothing below waits, so nobody can come in between.
        let owner = streams[name]?.owner ?? plane.leastLoadedWorker()
        let local = localDescription(worker: owner)
        let answer: IngestAnswer
        do throws(OfferError) {
            answer = try offer.ingestAnswer(local: local)
        } catch {
            throw refusal(for: error)
        }
        dismissPublisher(of: name)
        let session = makeSession(.publisher, stream: name, worker: owner)
        let tracks = settleTracks(answer.tracks.map(\.description), stream: name, owner: owner)
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
        }
        plane.post(
            .addPublisher(
                specification,
                zip(tracks, answer.tracks).map { IngestBinding(track: $0.id, negotiated: $1) }
            ),
            to: owner
        )
        begin(.session(session, identity), on: name)
        logger.info("stream published", metadata: ["stream": "\(name)", "source": "whip"])
        joinNegotiation.record(Interval(clock.now - begun))
        return SessionAnswer(sessionID: session.id, sdp: answer.sdp, entityTag: Self.entityTag())
    }

    // MARK: Publishing frames

    /// Opens a stream for frames (RTMP, demo).
    ///
    /// `source` is what the API calls this kind of publisher. `onEnd` is called once, when somebody else takes the
    /// stream over or the gateway stops.
    package func ingest(
        stream name: StreamName,
        by identity: PublisherIdentity,
        source: String = "rtmp",
        onEnd: @escaping @Sendable (IngestEnd) -> Void
    ) async throws(GatewayRefusal) -> FrameIngest {
        try checkCapacity(forStream: name)
        try await makeWay(for: identity, on: name)
        let owner = streams[name]?.owner ?? plane.leastLoadedWorker()
        dismissPublisher(of: name)
        let ingest = FrameIngest(
            worker: owner,
            stream: name,
            post: { [plane] in plane.post($0, to: owner) },
            report: { [ingestReport] in ingestReport.yield($0) },
            onEnd: onEnd
        )
        if streams[name] == nil { makeStream(name, owner: owner) }
        begin(.frames(ingest, identity, source: source), on: name)
        logger.info("stream published", metadata: ["stream": "\(name)", "source": "\(source)"])
        return ingest
    }

    /// A frame publisher knows its tracks now.
    private func announce(_ described: [IngestMessage.Track], by ingest: FrameIngest) {
        guard isCurrent(ingest), let owner = streams[ingest.stream]?.owner else { return }
        let tracks = settleTracks(described.map(\.description), stream: ingest.stream, owner: owner)
        for index in tracks.indices {
            streams[ingest.stream]?.tracks[index].width = described[index].width
            streams[ingest.stream]?.tracks[index].height = described[index].height
            plane.post(.endSource(tracks[index].id), to: owner)
        }
        ingest.ready(tracks.map { ($0.id, $0.description.codec) })
        ingest.setViewersPresent(streams[ingest.stream]?.viewers.isEmpty == false)
    }

    private func warn(_ warning: IngestWarning, isReordered: Bool, by ingest: FrameIngest) {
        guard isCurrent(ingest) else { return }
        streams[ingest.stream]?.warn(warning)
        if isReordered { streams[ingest.stream]?.isReordered = true }
        logger.notice("ingest warning", metadata: ["stream": "\(ingest.stream)", "code": "\(warning.code)"])
    }

    private func finished(_ ingest: FrameIngest) {
        if isCurrent(ingest) { publisherLeft(ingest.stream) }
    }

    private func isCurrent(_ ingest: FrameIngest) -> Bool {
        if case .frames(let current, _, _) = streams[ingest.stream]?.publisher { return current === ingest }
        return false
    }

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
                    + "(OBS: x264 option bframes=0 or tune zerolatency; ffmpeg: -bf 0)."
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
        let session = makeSession(.viewer, stream: name, worker: worker)
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
                answer.senders.map { PlaybackBinding(track: stream.tracks[$0.trackIndex].id, sender: $0) }
            ),
            to: worker
        )
        streams[name]?.viewers[session.id] = session
        if stream.viewers.isEmpty, case .frames(let ingest, _, _) = stream.publisher {
            ingest.setViewersPresent(true)
        }
        joinNegotiation.record(Interval(clock.now - begun))
        return SessionAnswer(sessionID: session.id, sdp: answer.sdp, entityTag: Self.entityTag())
    }

    /// Takes trickled candidates (RFC 8840).
    ///
    /// An ICE-lite gateway learns addresses from the checks themselves, so candidates are read, checked and forgotten.
    package func addCandidates(
        _ fragment: [UInt8],
        session id: String,
        stream: StreamName,
        kind: SessionKind
    ) async throws(GatewayRefusal) {
        guard hasSession(id, stream: stream, kind: kind) else { throw Self.unknownSession }
        do {
            _ = try SDPFragment(parsing: fragment)
        } catch {
            throw GatewayRefusal(
                .malformedFragment,
                "The body is not a trickle ICE fragment (application/trickle-ice-sdpfrag)."
            )
        }
    }

    package func hasSession(_ id: String, stream: StreamName, kind: SessionKind) -> Bool {
        guard let session = sessions[id] else { return false }
        return session.stream == stream && session.kind == kind
    }

    /// Ends a session by DELETE.
    package func end(session id: String, stream: StreamName, kind: SessionKind) async throws(GatewayRefusal) {
        guard let session = sessions[id], session.stream == stream, session.kind == kind else {
            throw Self.unknownSession
        }
        plane.post(.removePeer(session.peer, .requested), to: session.worker)
        forget(session)
    }

    // MARK: Figures

    /// All streams, by name.
    package func streams() async -> [StreamStatus] {
        let reports = await plane.report()
        return streams.values.map { status(of: $0, reports: reports) }.sorted { $0.name < $1.name }
    }

    package func stream(_ name: StreamName) async -> StreamStatus? {
        guard streams[name] != nil else { return nil }
        let reports = await plane.report()
        return streams[name].map { status(of: $0, reports: reports) }
    }

    package func statistics() async -> GatewayStatistics {
        let reports = await plane.report()
        var statistics = GatewayStatistics()
        statistics.streams = streams.values.count { $0.publisher != nil }
        statistics.publishers = sessions.values.count { $0.kind == .publisher }
        statistics.viewers = sessions.values.count { $0.kind == .viewer }
        statistics.failures = failures
        statistics.joinNegotiation = joinNegotiation
        for report in reports { statistics.counters.add(report.counters) }
        return statistics
    }

    private func status(of stream: LiveStream, reports: [MediaReport]) -> StreamStatus {
        let tracks = stream.tracks.map { track in
            let figures = reports.lazy.flatMap(\.tracks).first { $0.id == track.id && $0.isOwner }
            return StreamStatus.Track(
                kind: track.description.kind.rawValue,
                codec: track.description.codec.rtpName ?? track.description.codec.rawValue,
                bitrate: Int(figures?.bitsPerSecond ?? 0),
                width: track.width,
                height: track.height,
                channels: track.description.kind == .audio ? track.description.channels : nil,
                packetsReceived: figures?.packetsReceived ?? 0,
                packetsLost: figures?.packetsLost ?? 0,
                keyFrameIntervalSeconds: figures?.keyFrameInterval
            )
        }
        return StreamStatus(
            name: stream.name.description,
            state: stream.publisher == nil ? "waiting" : "live",
            source: stream.publisher?.source ?? "none",
            startedAt: WallClock.iso8601(secondsSince1970: stream.startedAtWallClock),
            tracks: tracks,
            viewers: stream.viewers.count,
            warnings: stream.warnings
        )
    }

    // MARK: Draining

    /// Refuses new sessions from now on.
    package func beginDraining() {
        isDraining = true
    }

    /// Waits for sessions to leave, at most for `grace`, and then ends those that are left.
    package func drain(grace: Duration) async {
        beginDraining()
        let deadline = clock.now.advanced(by: grace)
        while !sessions.isEmpty, clock.now < deadline, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(50))
        }
        for name in Array(streams.keys) {
            if case .frames(let ingest, _, _) = streams[name]?.publisher { ingest.end(.shutdown) }
            remove(name)
        }
    }

    // MARK: Events

    /// Whether the codecs are known; a track that stays silent does not hold the others up for ever.
    private func isDecided(_ stream: LiveStream) -> Bool {
        !stream.tracks.contains(where: \.isUndecided) || clock.now - stream.startedAt > Self.patience
    }

    private func handle(_ event: MediaEvent) {
        switch event {
        case .connected(let peer):
            if let id = sessionsByPeer[peer] { sessions[id]?.isConnected = true }
        case .trackStarted(let id):
            for (name, stream) in streams {
                guard let index = stream.tracks.firstIndex(where: { $0.id == id }) else { continue }
                streams[name]?.tracks[index].isUndecided = false
            }
        case .formatChanged(let peer, let section, let negotiated):
            changeFormat(of: peer, section: section, to: negotiated)
        case .ended(let peer, let reason):
            guard let id = sessionsByPeer[peer], let session = sessions[id] else { return }
            note(reason, of: session)
            forget(session)
        }
    }

    /// A publisher turned out to send another codec: its track becomes another track.
    private func changeFormat(of peer: PeerID, section: Int, to negotiated: IngestTrack) {
        guard let id = sessionsByPeer[peer], let session = sessions[id], let stream = streams[session.stream],
            case .session(let current, _) = stream.publisher, current.id == id,
            stream.tracks.indices.contains(section)
        else { return }
        var descriptions = stream.tracks.map(\.description)
        descriptions[section] = negotiated.description
        let tracks = settleTracks(descriptions, stream: session.stream, owner: stream.owner)
        plane.post(
            .rebind(peer, section: section, IngestBinding(track: tracks[section].id, negotiated: negotiated)),
            to: stream.owner)
    }

    private func note(_ reason: PeerEnd, of session: Session) {
        let name: String
        switch reason {
        case .requested, .closed, .shutdown: return
        case .consentExpired: name = session.isConnected ? "consent_expired" : "never_connected"
        case .handshakeTimeout: name = "dtls_timeout"
        case .handshakeFailed: name = "dtls_failed"
        }
        failures[name, default: 0] += 1
        logger.info(
            "session ended",
            metadata: [
                "stream": "\(session.stream)", "kind": "\(session.kind.rawValue)", "reason": "\(name)",
                "detail": "\(reason)",
            ]
        )
    }

    // MARK: Sessions

    private func makeSession(_ kind: SessionKind, stream: StreamName, worker: Int) -> Session {
        let session = Session(
            id: RandomID.make(),
            kind: kind,
            peer: plane.makePeerID(),
            worker: worker,
            stream: stream
        )
        sessions[session.id] = session
        sessionsByPeer[session.peer] = session.id
        plane.addLoad(1, worker: worker)
        return session
    }

    private func forget(_ session: Session) {
        guard sessions.removeValue(forKey: session.id) != nil else { return }
        sessionsByPeer[session.peer] = nil
        plane.addLoad(-1, worker: session.worker)
        switch session.kind {
        case .viewer:
            streams[session.stream]?.viewers[session.id] = nil
            if let stream = streams[session.stream], stream.viewers.isEmpty,
                case .frames(let ingest, _, _) = stream.publisher
            {
                ingest.setViewersPresent(false)
            }
            stopRelayIfUnused(session.stream, worker: session.worker)
        case .publisher:
            if case .session(let current, _) = streams[session.stream]?.publisher, current.id == session.id {
                publisherLeft(session.stream)
            }
        }
    }

    // MARK: Streams

    private func makeStream(_ name: StreamName, owner: Int) {
        streams[name] = LiveStream(
            name: name,
            owner: owner,
            startedAt: clock.now,
            startedAtWallClock: WallClock.secondsSince1970()
        )
    }

    private func begin(_ publisher: LiveStream.Publisher, on name: StreamName) {
        streams[name]?.publisher = publisher
        streams[name]?.graceEnds = nil
        streams[name]?.warnings = []
        streams[name]?.isReordered = false
        streams[name]?.startedAt = clock.now
        streams[name]?.startedAtWallClock = WallClock.secondsSince1970()
    }

    /// Makes the stream's tracks those described.
    ///
    /// A track whose codec stays the same stays the same track, so that its
    /// viewers go on; viewers of a track that has to go are ended and join anew.
    private func settleTracks(
        _ descriptions: [TrackDescription],
        stream name: StreamName,
        owner: Int
    ) -> [LiveStream.Track] {
        if streams[name] == nil { makeStream(name, owner: owner) }
        guard let stream = streams[name] else { return [] }
        var old = stream.tracks
        var tracks: [LiveStream.Track] = []
        for description in descriptions {
            if let index = old.firstIndex(where: { Self.isContinuation($0.description, description) }) {
                var track = old.remove(at: index)
                track.description = description
                tracks.append(track)
            } else {
                let track = LiveStream.Track(id: plane.makeTrackID(), description: description)
                plane.post(.addTrack(.init(id: track.id, codec: description.codec, owner: owner)), to: owner)
                tracks.append(track)
            }
        }
        let isChanged = !stream.tracks.isEmpty && (!old.isEmpty || tracks.count != stream.tracks.count)
        for track in old { removeTrack(track.id, from: stream) }
        streams[name]?.tracks = tracks
        if isChanged { endViewers(of: name) }
        return tracks
    }

    private static func isContinuation(_ old: TrackDescription, _ new: TrackDescription) -> Bool {
        old.codec == new.codec && old.channels == new.channels
    }

    private func removeTrack(_ id: TrackID, from stream: LiveStream) {
        plane.post(.removeTrack(id), to: stream.owner)
        for worker in stream.relays { plane.post(.removeTrack(id), to: worker) }
    }

    private func endViewers(of name: StreamName) {
        guard let stream = streams[name] else { return }
        for session in stream.viewers.values {
            plane.post(.removePeer(session.peer, .requested), to: session.worker)
            forget(session)
        }
    }

    /// The publisher has gone; viewers stay for the grace period.
    private func publisherLeft(_ name: StreamName) {
        guard let stream = streams[name] else { return }
        for track in stream.tracks { plane.post(.endSource(track.id), to: stream.owner) }
        streams[name]?.publisher = nil
        streams[name]?.graceEnds = clock.now.advanced(by: policy.grace)
        logger.info("stream unpublished", metadata: ["stream": "\(name)"])
    }

    private func remove(_ name: StreamName) {
        dismissPublisher(of: name)
        endViewers(of: name)
        guard let stream = streams.removeValue(forKey: name) else { return }
        for track in stream.tracks { removeTrack(track.id, from: stream) }
    }

    // MARK: Takeover

    private func makeWay(for identity: PublisherIdentity, on name: StreamName) async throws(GatewayRefusal) {
        guard let stream = streams[name], let publisher = stream.publisher else { return }
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
    private func isSilent(_ stream: LiveStream) async -> Bool {
        guard clock.now - stream.startedAt > .seconds(2) else { return false }
        let reports = await plane.report()
        let ids = Set(stream.tracks.map(\.id))
        return reports.lazy.flatMap(\.tracks).allSatisfy { track in
            !ids.contains(track.id) || !track.isOwner || (track.silence ?? .infinity) >= 2
        }
    }

    private func dismissPublisher(of name: StreamName) {
        switch streams[name]?.publisher {
        case .session(let session, _):
            streams[name]?.publisher = nil
            plane.post(.removePeer(session.peer, .requested), to: session.worker)
            forget(session)
            logger.info("publisher replaced", metadata: ["stream": "\(name)"])
        case .frames(let ingest, _, _):
            streams[name]?.publisher = nil
            ingest.end(.superseded)
        case nil: break
        }
    }

    // MARK: Workers

    private func relayIfNeeded(_ name: StreamName, to worker: Int) {
        guard let stream = streams[name], worker != stream.owner, !stream.relays.contains(worker) else { return }
        streams[name]?.relays.insert(worker)
        for track in stream.tracks {
            plane.post(
                .addTrack(.init(id: track.id, codec: track.description.codec, owner: stream.owner)),
                to: worker
            )
            plane.post(.startRelay(track.id, worker: worker), to: stream.owner)
        }
    }

    private func stopRelayIfUnused(_ name: StreamName, worker: Int) {
        guard let stream = streams[name], stream.relays.contains(worker),
            !stream.viewers.values.contains(where: { $0.worker == worker })
        else { return }
        streams[name]?.relays.remove(worker)
        for track in stream.tracks {
            plane.post(.stopRelay(track.id, worker: worker), to: stream.owner)
            plane.post(.removeTrack(track.id), to: worker)
        }
    }

    // MARK: Negotiation

    private func checkCapacity(forStream name: StreamName) throws(GatewayRefusal) {
        guard !isDraining else { throw Self.draining }
        guard sessions.count < policy.maximumSessions, streams[name] != nil || streams.count < policy.maximumStreams
        else { throw Self.overloaded }
    }

    private func parse(_ bytes: [UInt8]) throws(GatewayRefusal) -> SessionOffer {
        do throws(OfferError) {
            return try SessionOffer(parsing: bytes)
        } catch {
            throw refusal(for: error)
        }
    }

    private func refusal(for error: OfferError) -> GatewayRefusal {
        switch error {
        case .noCommonCodec: GatewayRefusal(.noCommonCodec, error.detail)
        default: GatewayRefusal(.malformedOffer, error.detail)
        }
    }

    private func localDescription(worker: Int) -> LocalDescription {
        LocalDescription(
            credentials: plane.makeCredentials(worker: worker),
            fingerprint: plane.fingerprint,
            candidates: plane.candidates,
            sessionID: UInt64.random(in: 1...(1 << 62)),
            canonicalName: MediaCore.canonicalName,
            firstSSRC: UInt32.random(in: 1...0x7FFF_FFFF)
        )
    }

    private static func entityTag() -> String { "\"\(RandomID.make())\"" }

    private static let draining = GatewayRefusal(
        .draining,
        "The gateway is shutting down. Connect to another one.",
        retryAfter: .seconds(5)
    )
    private static let overloaded = GatewayRefusal(
        .overloaded,
        "The gateway has as many sessions as it is configured to take.",
        retryAfter: .seconds(10)
    )
    private static let unknownSession = GatewayRefusal(
        .unknownSession,
        "There is no such session. It may have ended; make a new one."
    )
}

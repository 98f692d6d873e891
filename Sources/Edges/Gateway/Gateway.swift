package import Logging
package import MediaIO
package import Nodes
import Primitives
import Telemetry
import WebRTC

/// The streams of this node: who publishes, who watches, who takes over from whom.
///
/// The control plane speaks to it in offers, answers and frames; it speaks to the media plane in
/// sessions and tracks. Packets never come by here.
package actor Gateway {
    let plane: MediaPlane
    let policy: GatewayPolicy
    let logger: Logger
    let events: AsyncStream<MediaEvent>
    /// Frame publishers that have something to tell; each is here at most once.
    let ingests: AsyncStream<FrameIngest>
    let ingestReport: AsyncStream<FrameIngest>.Continuation
    let clock = ContinuousClock()
    /// Which gateway has which stream; `nil` where there is no other.
    let directory: (any NodeDirectory)?

    var streams: [StreamName: LiveStream] = [:]
    var sessions: [String: Session] = [:]
    var sessionsByPeer: [PeerID: String] = [:]
    /// What viewers want to be told, by session.
    var eventStreams: [String: [EventStream]] = [:]
    /// Who is told what happens to streams.
    var observers: [@Sendable (StreamNews) -> Void] = []
    /// What sessions and publishers of frames were let in with.
    var held: [String: HeldTerms] = [:]
    var heldIngests: [StreamName: (ingest: FrameIngest, held: HeldTerms)] = [:]
    var failures: [String: Int] = [:]
    var recentFailures = RecentFailures()
    /// Offers that viewers have been made instead of an answer to theirs.
    var counterOffers = CounterOffers()
    /// Links to other gateways that are waited for, by session.
    var linkWaiters: [String: CheckedContinuation<Bool, Never>] = [:]
    /// Brings a stream here from another gateway.
    var puller: (@Sendable (StreamName) async -> GatewayRefusal?)?
    var isDraining = false
    /// Where clients go while this gateway goes away; `nil` until it is known.
    var destinations: Destinations?
    var joinNegotiation = DurationHistogram()
    /// Streams whose transcoders need a key frame.
    let transcodeRequestStream: AsyncStream<StreamName>
    let transcodeRequests: AsyncStream<StreamName>.Continuation
    /// Frames left out by transcoders that have ended.
    var endedTranscodeDrops: UInt64 = 0

    /// What participants of rooms send and are sent.
    var roomMedia: [String: RoomMedia] = [:]
    var roomPeers: [PeerID: RoomMember] = [:]
    /// Participants whose transports ended by themselves, until somebody asks.
    var lostPublications: [RoomMember] = []

    let snapshots = SnapshotDesk()

    /// How long a stream whose codecs are undecided is kept from viewers.
    static let patience = Duration.seconds(3)
    /// How often grace periods are looked at.
    static let housekeepingInterval = Duration.milliseconds(250)

    /// What `plane` reports must come in by `events`; see ``MediaPlane/init(configuration:events:)``.
    package init(
        plane: MediaPlane,
        events: AsyncStream<MediaEvent>,
        policy: GatewayPolicy,
        directory: (any NodeDirectory)? = nil,
        logger: Logger
    ) {
        self.plane = plane
        self.events = events
        self.policy = policy
        self.directory = directory
        self.logger = logger
        (ingests, ingestReport) = AsyncStream.makeStream()
        (transcodeRequestStream, transcodeRequests) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(64))
    }

    /// Follows the media plane until cancelled.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.followEvents() }
            group.addTask { await self.followIngests() }
            group.addTask { await self.keepHouse() }
            group.addTask { await self.followTranscodeRequests() }
            await group.waitForAll()
        }
    }

    func followEvents() async {
        for await event in events { handle(event) }
    }

    func followIngests() async {
        for await ingest in ingests { hear(ingest.takeNews(), from: ingest) }
    }

    func keepHouse() async {
        var nextNews = clock.now
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.housekeepingInterval)
            let now = clock.now
            removeCounterOffers(at: now)
            endWhatIsOver()
            for (name, stream) in streams {
                if let end = stream.graceEnds, end <= now { remove(name) }
            }
            tendTranscodes(at: now)
            forgetOldKeyFrames(at: now)
            if now >= nextNews {
                nextNews = now + Self.newsInterval
                await tellNews()
                await watchPublishers()
                await limitBitrates()
            }
        }
    }

    // MARK: Draining

    /// Refuses new sessions from now on, and asks viewers to go to another gateway, if there is one.
    ///
    /// Other gateways may still pull what is published here, so that viewers find it where they are sent.
    package func beginDraining() async {
        guard !isDraining else { return }
        isDraining = true
        // What was last known of others may be over.
        if let directory, directory.state == .working {
            destinations = Destinations(await directory.nodes(), leaving: directory.id)
        } else {
            destinations = Destinations()
        }
        tellReconnect()
    }

    /// Where clients of this name go while this gateway goes away: the same for all who have the same one.
    ///
    /// - Returns: The address of another gateway; `nil` when there is none, or none has to be found.
    package func destination(for name: String) -> String? { destinations?.url(for: name) }

    /// Sessions that somebody is at the other end of: offers whose senders never came are not waited for.
    package var connectedSessions: Int { sessions.values.count(where: \.isConnected) }

    /// Waits for sessions to leave, at most for `grace`, and then ends those that are left.
    package func drain(grace: Duration) async {
        await beginDraining()
        let deadline = clock.now.advanced(by: grace)
        while connectedSessions > 0, clock.now < deadline, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(50))
        }
        for name in Array(streams.keys) {
            if case .frames(let ingest, _, _) = streams[name]?.publisher { ingest.end(.shutdown) }
            remove(name)
        }
    }

    // MARK: Events

    /// Whether the codecs are known; a track that stays silent does not hold the others up for ever.
    func isDecided(_ stream: LiveStream) -> Bool {
        !stream.tracks.contains(where: \.isUndecided) || clock.now - stream.startedAt > Self.patience
    }

    func handle(_ event: MediaEvent) {
        if !roomPeers.isEmpty, handleForRooms(event) { return }
        switch event {
        case .connected(let peer):
            guard let id = sessionsByPeer[peer] else { return }
            sessions[id]?.isConnected = true
            linkWaiters.removeValue(forKey: id)?.resume(returning: true)
        case .trackStarted(let id):
            for (name, stream) in streams {
                guard let index = stream.tracks.firstIndex(where: { $0.ids.contains(id) }) else { continue }
                streams[name]?.tracks[index].isUndecided = false
            }
        case .formatChanged(let peer, let section, let negotiated):
            changeFormat(of: peer, section: section, to: negotiated)
        case .keyFrameRequested(let id): requestKeyFrame(of: id)
        case .parameterSetChanged(let id, let unit): follow(parameterSet: unit, of: id)
        case .pictureSizeChanged(let id, let size): note(size, of: id)
        case .layersChanged(let id, let layers): note(layers, of: id)
        case .ended(let peer, let reason):
            guard let id = sessionsByPeer[peer], let session = sessions[id] else { return }
            note(reason, of: session)
            forget(session)
        }
    }

    /// A publisher turned out to send another codec: its track becomes another track.
    func changeFormat(of peer: PeerID, section: Int, to negotiated: IngestTrack) {
        guard let id = sessionsByPeer[peer], let session = sessions[id], let stream = streams[session.stream],
            case .session(let current, _) = stream.publisher, current.id == id,
            stream.tracks.indices.contains(section)
        else { return }
        var descriptions = stream.tracks.map(\.description)
        descriptions[section] = negotiated.description
        let layers = stream.tracks.map { $0.layers.map(\.name) }
        let tracks = settleTracks(descriptions, layers: layers, stream: session.stream, owner: stream.owner)
        let changed = tracks[section]
        streams[session.stream]?.tracks[section].answersKeyFrameRequests =
            negotiated.supportsPLI || negotiated.supportsFIR
        let binding = IngestBinding(track: changed.id, negotiated: negotiated, layers: changed.layers.map(\.id))
        plane.post(.rebind(peer, section: section, binding), to: stream.owner)
        restartTap(of: session.stream)
    }

    func note(_ reason: PeerEnd, of session: Session) {
        guard let failure = SessionFailure(reason) else { return }
        note(failure, of: session, detail: "\(reason)")
    }

    func note(_ failure: SessionFailure, of session: Session, detail: String) {
        failures[failure.rawValue, default: 0] += 1
        recentFailures.note(failure, of: session.id)
        logger.info(
            "session failed",
            metadata: [
                LogKeys.stream: "\(session.stream)", LogKeys.sessionKind: "\(session.kind.rawValue)",
                LogKeys.session: "\(session.id)", LogKeys.eventReason: "\(failure.rawValue)",
                LogKeys.errorMessage: "\(detail)",
            ]
        )
    }
}

import CongestionControl
import ICE
import Media
package import Primitives
import RTP
import SFU
package import SRTP
import WebRTC

/// All sessions and tracks of one worker: datagrams, packets and commands in, datagrams and events out.
///
/// Sans-IO like every engine: it is told the time, owns no socket and no thread. `MediaWorker` drives
/// it with an epoll loop, the simulation tests with a virtual network. Media leaves through the
/// ``SendBatch`` it is handed; everything rarer is collected in ``handshakes``, ``messages``, ``events`` and
/// ``tapped``, which the driver empties after each call.
package struct MediaCore: ~Copyable {
    /// Figures that decide how a worker behaves.
    package struct Configuration: Sendable {
        /// This worker's number, 0 for the first.
        package var worker: Int
        package var srtpBackend: SRTPBackend
        /// A session that has not finished its DTLS handshake by then is ended.
        package var handshakeTimeout = Interval.seconds(15)
        /// Sessions this worker takes at most.
        package var maximumPeers = 20_000

        package init(worker: Int, srtpBackend: SRTPBackend = .openssl) {
            self.worker = worker
            self.srtpBackend = srtpBackend
        }
    }

    /// A command for another worker.
    package struct Message: Sendable {
        package var worker: Int
        package var command: MediaCommand
    }

    let configuration: Configuration
    var peers = SlotTable<Peer>(capacity: 64)
    var tracks = SlotTable<Track>()
    var peersByID: [PeerID: Int] = [:]
    var peersByUsername: [[UInt8]: Int] = [:]
    var peersByAddress: [TransportAddress: Int] = [:]
    var tracksByID: [TrackID: Int] = [:]
    /// Addresses whose sessions live on another worker; learnt only after that worker authenticated them.
    var foreignAddresses: [TransportAddress: Int] = [:]
    var foreign: [ForeignDatagrams?]
    static let maximumForeignAddresses = 65_536
    /// Bytes of datagrams that wait to be passed on to one other worker, per wake-up.
    static let maximumForeignBytes = 1 << 20

    package var handshakes: [HandshakeInput] = []
    package var messages: [Message] = []
    package var events: [MediaEvent] = []
    /// Packets for the frame lane.
    package var tapped: [TappedPackets] = []

    var counters = MediaCounters()
    var generator: Generator
    /// Unix time in nanoseconds at ``Instant/zero``: sender reports speak wall-clock time.
    package var wallClockOffset: Int64

    var nextTick: Instant
    var tickPhase = 0
    var nextReplayTick: Instant?
    var replayStart = 0
    /// Arrival of the oldest packet released since ``noteFlushed(at:datagrams:)``.
    var oldestRelease: Instant?
    /// Tracks with a burst under way.
    var pendingTracks: [Int] = []
    /// Publishers with packets missing, and when the first of them is to be asked again.
    var repairingPeers: [Int] = []
    /// What a choice is made among, and its description; kept for their memory.
    var stepScratch: [Peer.Step] = []
    var layerScratch: [LayerSelector.Layer] = []
    /// Viewers for whom something waits that their paths cannot take yet, and when to look again.
    var queuedPeers: [Int] = []
    var nextPacerTick: Instant?
    var nextRepair: Instant?
    /// Sessions that connect outwards, by the numbers of their sockets.
    var linksByNumber: [UInt32: Int] = [:]

    /// A core that has seen nothing.
    ///
    /// `workerCount` workers may pass datagrams to each other. `wallClockOffset` is the Unix time in nanoseconds at
    /// ``Instant/zero``. `seed` starts the numbers that need to be unlike each other; secrets are not made here.
    package init(
        configuration: Configuration,
        workerCount: Int = 1,
        wallClockOffset: Int64,
        seed: UInt64,
        at now: Instant
    ) {
        self.configuration = configuration
        self.wallClockOffset = wallClockOffset
        generator = Generator(state: seed)
        foreign = Array(repeating: nil, count: workerCount)
        nextTick = now.advanced(by: Self.tickInterval)
    }

    /// SplitMix64: sequence and timestamp offsets need to be unlike each other, not secret.
    struct Generator: RandomNumberGenerator {
        fileprivate var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }

    /// The gateway's wall clock at `now`.
    func ntp(at now: Instant) -> NTPTime {
        NTPTime(unixNanoseconds: now.nanoseconds &+ wallClockOffset)
    }

    /// When ``advance(to:into:)`` has something to do; `nil` while there is nothing to time.
    package var deadline: Instant? {
        var earliest: Instant? = peers.count > 0 ? nextTick : nil
        func consider(_ instant: Instant?) {
            if let instant, instant < (earliest ?? .distantFuture) { earliest = instant }
        }
        consider(nextReplayTick)
        consider(nextRepair)
        consider(nextPacerTick)
        consider(nextLinkCheck)
        for slot in pendingTracks where tracks.contains(slot) { consider(tracks[slot].pointee.burstDeadline) }
        return earliest
    }

    /// Carries out what is due at `now`.
    package mutating func advance(to now: Instant, into batch: inout SendBatch) {
        releaseDueBursts(at: now, into: &batch)
        if let due = nextReplayTick, due <= now {
            replayTick(at: now, into: &batch)
        }
        if let due = nextPacerTick, due <= now { pacerTick(at: now, into: &batch) }
        if let due = nextRepair, due <= now { requestRepairs(at: now, into: &batch) }
        advanceLinks(to: now, into: &batch)
        if nextTick <= now {
            tick(at: now, into: &batch)
            nextTick = now.advanced(by: Self.tickInterval)
        }
    }

    /// What has been released has left: measures how long it was here.
    ///
    /// - Parameters:
    ///   - now: After the system call.
    ///   - datagrams: How many left with it.
    package mutating func noteFlushed(at now: Instant, datagrams: Int) {
        guard let arrival = oldestRelease else { return }
        oldestRelease = nil
        if datagrams > 0 { counters.forwardDelay.record(now.since(arrival), count: datagrams) }
    }

    // MARK: Commands

    /// Carries out a command of the control plane, the handshake thread or another worker.
    package mutating func perform(_ command: MediaCommand, at now: Instant, into batch: inout SendBatch) {
        switch command {
        case .addTrack(let specification): addTrack(specification)
        case .removeTrack(let id): removeTrack(id)
        case .addPublisher(let specification, let bindings): _ = addPublisher(specification, bindings, at: now)
        case .addViewer(let specification, let bindings): addViewer(specification, bindings, at: now)
        case .addLink(let specification, let bindings, let route):
            if addPublisher(specification, bindings, at: now) { beginLink(specification, route, at: now, into: &batch) }
        case .bind(let id, let section, let binding): bind(id, section: section, to: binding)
        case .subscribe(let id, let bindings): subscribe(id, to: bindings, at: now, into: &batch)
        case .unsubscribe(let id, let ssrcs): unsubscribe(id, from: ssrcs)
        case .setMuted(let id, let isMuted): setMuted(isMuted, track: id, at: now, into: &batch)
        case .removePeer(let id, let reason):
            if let slot = peersByID[id] { endPeer(slot, reason, at: now, into: &batch) }
        case .restartICE(let id, let local, let remote): restartICE(id, local: local, remote: remote, at: now)
        case .rebind(let id, let section, let binding): rebind(id, section: section, to: binding, at: now, into: &batch)
        case .handshake(let id, let output): handshake(id, output, at: now, into: &batch)
        case .burst(let id, let burst, let clock): ingest(burst, track: id, clock: clock, at: now, into: &batch)
        case .endSource(let id):
            if let slot = tracksByID[id] { endSource(ofTrack: slot) }
        case .startRelay(let id, let worker): startRelay(of: id, to: worker, at: now)
        case .stopRelay(let id, let worker):
            if let slot = tracksByID[id] { tracks[slot].pointee.relays.removeAll { $0 == worker } }
        case .startTap(let tap, let tracks): startTap(tap, of: tracks, at: now)
        case .stopTap(let tap, let tracks): stopTap(tap, of: tracks)
        case .relayed(let packets): receive(packets, at: now, into: &batch)
        case .requestKeyFrame(let id):
            if let slot = tracksByID[id] { requestKeyFrame(track: slot, at: now, into: &batch) }
        case .limitLayer(let id, let picture, let wish): limitLayer(of: picture, to: wish, for: id)
        case .datagrams(let datagrams): receive(datagrams, at: now, into: &batch)
        case .learn(let address, let worker): learn(address, worker: worker)
        case .forget(let address): foreignAddresses[address] = nil
        case .report(let request): request.answer(report(at: now, sent: batch.totals))
        case .reportViewers(let request): request.answer(reportViewers(request.peers))
        case .trimMemory: break
        }
    }

    private mutating func addTrack(_ specification: TrackSpecification) {
        guard tracksByID[specification.id] == nil else { return }
        tracksByID[specification.id] = tracks.insert(Track(specification))
    }

    private mutating func removeTrack(_ id: TrackID) {
        guard let slot = tracksByID.removeValue(forKey: id) else { return }
        pendingTracks.removeAll { $0 == slot }
        // Viewers stay connected; they simply have nothing left to show until they are ended.
        for position in 0..<tracks[slot].pointee.forwarderCount {
            let peer = tracks[slot].pointee.forwarders[position].peer
            if peers.contains(peer) { peers[peer].pointee.subscriptions.removeAll { $0.track == slot } }
        }
        for peer in 0..<peers.capacity where peers.contains(peer) {
            for index in peers[peer].pointee.sources.indices where peers[peer].pointee.sources[index].track == slot {
                peers[peer].pointee.sources[index].track = Peer.noTrack
            }
            for index in peers[peer].pointee.bindingTracks.indices
            where peers[peer].pointee.bindingTracks[index] == slot {
                peers[peer].pointee.bindingTracks[index] = Peer.noTrack
            }
            for index in peers[peer].pointee.bindingLayers.indices {
                for layer in peers[peer].pointee.bindingLayers[index].indices
                where peers[peer].pointee.bindingLayers[index][layer] == slot {
                    peers[peer].pointee.bindingLayers[index][layer] = Peer.noTrack
                }
            }
            for index in peers[peer].pointee.subscriptions.indices {
                peers[peer].pointee.subscriptions[index].layers.removeAll { $0 == slot }
                if peers[peer].pointee.subscriptions[index].target == slot {
                    peers[peer].pointee.subscriptions[index].target = nil
                }
                if peers[peer].pointee.subscriptions[index].wish == slot {
                    peers[peer].pointee.subscriptions[index].wish = nil
                }
            }
        }
        _ = tracks.remove(slot)
    }

    private mutating func insert(_ peer: consuming Peer, username: String) -> Int {
        let id = peer.id
        let slot = peers.insert(peer)
        peersByID[id] = slot
        peersByUsername[Array(username.utf8)] = slot
        return slot
    }

    private mutating func addPublisher(
        _ specification: PeerSpecification,
        _ bindings: [IngestBinding],
        at now: Instant
    ) -> Bool {
        guard peersByID[specification.id] == nil, peers.count < configuration.maximumPeers else {
            events.append(.ended(specification.id, .shutdown))
            return false
        }
        var peer = Peer(
            specification,
            role: .publisher,
            reportSSRC: UInt32.random(in: 1...(.max), using: &generator),
            at: now
        )
        peer.bindings = bindings
        peer.bindingTracks = bindings.map { tracksByID[$0.track] ?? Peer.noTrack }
        peer.bindingLayers = bindings.map { $0.layers.map { tracksByID[$0] ?? Peer.noTrack } }
        peer.transportCCExtension = bindings.lazy.compactMap { $0.negotiated.transportCCExtension }.first
        if peer.transportCCExtension == nil, bindings.contains(where: \.negotiated.supportsREMB) {
            peer.uplinkLimit = UplinkLimit()
        }
        let slot = insert(peer, username: specification.local.usernameFragment)
        for (index, binding) in bindings.enumerated() {
            guard let track = tracksByID[binding.track] else { continue }
            attach(publisher: slot, to: track, as: binding)
            // Layers are told apart by name; which SSRC has which is only learnt from packets.
            guard binding.layers.isEmpty else { continue }
            for ssrc in binding.negotiated.ssrcs {
                addSource(ssrc: ssrc, binding: index, isRetransmission: false, to: slot)
            }
            for ssrc in binding.negotiated.rtxSSRCs {
                addSource(ssrc: ssrc, binding: index, isRetransmission: true, to: slot)
            }
        }
        return true
    }

    private mutating func addViewer(
        _ specification: PeerSpecification,
        _ bindings: [PlaybackBinding],
        at now: Instant
    ) {
        guard peersByID[specification.id] == nil, peers.count < configuration.maximumPeers else {
            events.append(.ended(specification.id, .shutdown))
            return
        }
        var peer = Peer(
            specification,
            role: .viewer,
            reportSSRC: UInt32.random(in: 1...(.max), using: &generator),
            at: now
        )
        let usesTransportCC = bindings.contains { $0.sender.transportCCExtension != nil }
        // A link has all layers and is not paced: those behind it have estimates of their own.
        if !specification.isNodeLink {
            peer.bandwidth = BandwidthEstimator(
                .init(
                    sendsTransportSequenceNumbers: usesTransportCC,
                    canPad: bindings.contains { $0.sender.rtxSSRC != nil }
                ),
                firstSequenceNumber: UInt16.random(in: 0...(.max), using: &generator)
            )
        }
        let slot = insert(peer, username: specification.local.usernameFragment)
        addSubscriptions(bindings, to: slot, withAllLayers: specification.isNodeLink, at: now)
    }

    /// Makes a forwarder for each of these, which waits to be started.
    mutating func addSubscriptions(
        _ bindings: [PlaybackBinding], to slot: Int, withAllLayers: Bool = false, at now: Instant
    ) {
        let hasSound = bindings.contains { tracksByID[$0.track].map { !tracks[$0].pointee.isVideo } ?? false }
        for binding in bindings {
            guard let first = tracksByID[binding.track] else { continue }
            let layers = withAllLayers ? [] : layers(of: binding, first: first, at: now)
            let track = layers.last ?? first
            let retransmission = binding.sender.rtxSSRC.flatMap { ssrc in
                binding.sender.rtxPayloadType.map { payloadType in
                    Forwarder.Retransmission(
                        ssrc: ssrc,
                        payloadType: payloadType,
                        firstSequenceNumber: UInt16.random(in: 0...(.max), using: &generator)
                    )
                }
            }
            let forwarder = Forwarder(
                peer: slot,
                ssrc: binding.sender.ssrc,
                payloadType: binding.sender.payloadType,
                retransmission: retransmission,
                headerExtension: HeaderExtensionTemplate(
                    transportCC: binding.sender.transportCCExtension,
                    playoutDelay: binding.sender.playoutDelayExtension.map {
                        ($0, binding.playoutDelay ?? Self.playoutDelay(withSound: hasSound))
                    },
                    captureTime: binding.sender.captureTimeExtension
                ),
                descriptorID: binding.sender.dependencyDescriptorExtension ?? 0,
                isVideo: tracks[track].pointee.isVideo,
                firstSequenceNumber: UInt16.random(in: 0...(.max), using: &generator),
                timestampOffset: UInt32.random(in: 0...(.max), using: &generator),
                at: now
            )
            if !tracks[track].pointee.isVideo, let red = binding.sender.redPayloadType {
                peers[slot].pointee.redPayloadType = red
            }
            let position = tracks[track].pointee.add(forwarder)
            tracks[track].pointee.catchingUp += 1
            peers[slot].pointee.subscriptions.append(
                Peer.Subscription(
                    track: track,
                    position: position,
                    binding: binding,
                    layers: layers,
                    selector: layers.isEmpty ? nil : LayerSelector(layer: layers.count - 1, at: now)
                )
            )
        }
    }

    /// The slots of a picture's layers, from the lowest to the highest bitrate; empty for sound.
    private func layers(of binding: PlaybackBinding, first: Int, at now: Instant) -> [Int] {
        guard tracks[first].pointee.isVideo else { return [] }
        let slots = binding.layers.compactMap { tracksByID[$0] }
        guard slots.contains(first) else { return [first] }
        func rate(_ slot: Int) -> Double {
            let arrival = tracks[slot].pointee.lastArrivalAt
            // A layer that is turned off is no place to begin.
            guard let arrival, now - arrival < Self.layerSilence else { return 0 }
            return tracks[slot].pointee.bitrate.estimate(at: now)
        }
        return slots.sorted { rate($0) < rate($1) }
    }

    /// How long a viewer may hold pictures back.
    ///
    /// Not at all where there is no sound. Where there is, browsers wait for it, unless the greatest delay is so small
    /// (500 ms in Chromium) that they take it for a wish to see everything at once: lips were 140 ms ahead then.
    static func playoutDelay(withSound hasSound: Bool) -> PlayoutDelay {
        PlayoutDelay(minimum: 0, maximum: hasSound ? 100 : 0)
    }

    // MARK: Ending

    /// Frees everything a session held and says so.
    mutating func endPeer(_ slot: Int, _ reason: PeerEnd, at now: Instant, into batch: inout SendBatch) {
        if peers[slot].pointee.sender != nil, reason != .closed { sendGoodbye(slot, at: now, into: &batch) }
        if peers[slot].pointee.handshakeStarted {
            handshakes.append(.close(peers[slot].pointee.id, peers[slot].pointee.address))
        }
        while let subscription = peers[slot].pointee.subscriptions.popLast() {
            detach(subscription)
        }
        let fed = peers[slot].pointee.bindingTracks + peers[slot].pointee.bindingLayers.joined()
        for track in fed where track >= 0 && tracks.contains(track) {
            if tracks[track].pointee.publisher == slot {
                tracks[track].pointee.publisher = nil
                endSource(ofTrack: track)
            }
        }
        for address in peers[slot].pointee.knownAddresses where peersByAddress[address] == slot {
            peersByAddress[address] = nil
            for worker in foreign.indices where worker != configuration.worker {
                messages.append(Message(worker: worker, command: .forget(address)))
            }
        }
        for source in peers[slot].pointee.sources {
            counters.packetsLostInbound += max(0, Int(source.statistics.totals.packetsLost))
        }
        let peer = peers.remove(slot)
        peersByID[peer.id] = nil
        if peer.linkNumber != 0 { linksByNumber[peer.linkNumber] = nil }
        for fragment in peer.ice.usernameFragments { peersByUsername[Array(fragment.utf8)] = nil }
        events.append(.ended(peer.id, reason))
    }

    mutating func endSource(ofTrack slot: Int) {
        tracks[slot].pointee.input.endSource()
        tracks[slot].pointee.layers.endSource()
        tracks[slot].pointee.layerRates = LayerRates()
        if let news = layersToAnnounce(ofTrack: slot) { events.append(news) }
        tracks[slot].pointee.clock = SenderReportClock(clockRate: tracks[slot].pointee.codec.clockRate)
        tracks[slot].pointee.sourceStart = tracks[slot].pointee.log.endIndex
        tracks[slot].pointee.lastPacketAt = nil
        // The time between two publishers is nobody's distance of key frames.
        tracks[slot].pointee.lastKeyFrameAt = nil
        tracks[slot].pointee.keyFrameInterval = nil
        tracks[slot].pointee.captureDelay = .zero
        tracks[slot].pointee.parameterSet = []
        tracks[slot].pointee.pictureSize = nil
        tracks[slot].pointee.parameterSetAt = nil
    }
}

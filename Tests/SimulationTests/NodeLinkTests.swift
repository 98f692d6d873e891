import DTLS
import ICE
import Media
import MediaIO
import Primitives
import RTP
import TestSupport
import Testing
import WebRTC

/// An edge that pulls a simulcast stream from an origin, negotiated as in life; the DTLS handshake is scripted.
private final class LinkScene {
    static let number = LinkRoute.firstNumber | 1
    /// Where each end is seen by the other.
    static let originAddress = TransportAddress(ipv4: 0x7F00_0001, port: 8100)
    static let edgeAddress = TransportAddress(ipv4: 0x7F00_0001, port: 40_000)

    let origin = try! SimulcastScene()
    let edge = VirtualWorker()
    let offer: SessionOffer
    /// Every so many of the packets towards the edge is lost; 0 for none.
    var lossEvery = 0
    private var count = 0
    /// Datagrams for clients of the edge.
    private(set) var forViewers: [(bytes: [UInt8], to: TransportAddress)] = []
    private(set) var linkDatagrams = 0

    init(candidates: [TransportAddress] = [originAddress]) throws {
        func credentials(_ seed: UInt64) -> ICECredentials {
            var generator = SeededGenerator(seed: seed)
            let made = SessionUsername.make(worker: 0, using: &generator)
            return ICECredentials(usernameFragment: made.usernameFragment, password: Secret(made.password))
        }
        func local(_ credentials: ICECredentials, _ candidates: [TransportAddress]) throws -> LocalDescription {
            LocalDescription(
                credentials: credentials,
                fingerprint: Fingerprint(algorithm: .sha256, bytes: [UInt8](repeating: 1, count: 32)),
                candidates: candidates, isLite: !candidates.isEmpty, sessionID: 1, canonicalName: "martlet",
                firstSSRC: 5000)
        }
        let h264 = TrackDescription(codec: .h264)
        let tracks = SimulcastScene.names.map {
            LinkedTrack(description: h264, layer: LinkedLayer(picture: 0, name: $0))
        }
        let originLocal = try local(credentials(91), candidates)
        let counter = try CounterOffer(linking: tracks, local: originLocal)
        offer = try SessionOffer(parsing: Array(counter.sdp.utf8), acceptsLite: true)
        let edgeLocal = try local(credentials(92), [])
        let ingest = try offer.ingestAnswer(local: edgeLocal)
        let agreed = try counter.read(answer: Array(ingest.sdp.utf8))
        #expect(ingest.role == .client && agreed.role == .server)

        for id in TrackID(1)...3 { edge.perform(.addTrack(.init(id: id, codec: .h264, owner: 0))) }
        let bindings = zip(TrackID(1)..., ingest.tracks).map { IngestBinding(track: $0, negotiated: $1) }
        let toOrigin = PeerSpecification(
            id: 70, local: edgeLocal.credentials, remote: offer.credentials, role: ingest.role,
            fingerprints: offer.fingerprints)
        let toEdge = PeerSpecification(
            id: 71, local: originLocal.credentials, remote: agreed.credentials, role: agreed.role,
            fingerprints: agreed.fingerprints, isNodeLink: true)
        origin.worker.perform(
            .addViewer(toEdge, agreed.senders.map { PlaybackBinding(track: TrackID($0.trackIndex + 1), sender: $0) }))
        edge.perform(.addLink(toOrigin, bindings, LinkRoute(number: Self.number, candidates: offer.candidates)))
    }

    /// Carries what lies ready between the two.
    func exchange() {
        var isQuiet = false
        while !isQuiet {
            isQuiet = true
            for datagram in edge.sink.take() {
                if datagram.to.connection == Self.number {
                    isQuiet = false
                    linkDatagrams += 1
                    origin.worker.receive(datagram.bytes, from: Self.edgeAddress)
                } else {
                    forViewers.append(datagram)
                }
            }
            for datagram in origin.worker.sink.take() {
                guard datagram.to == Self.edgeAddress else {
                    if datagram.to == origin.client.address { origin.answer(datagram.bytes) }
                    continue
                }
                isQuiet = false
                count += 1
                let isMedia = datagram.bytes[0] >> 6 == 2 && !RTCPType.isRTCP(datagram.bytes.span)
                if lossEvery > 0, isMedia, count % lossEvery == 0 { continue }
                var source = Self.originAddress
                source.connection = Self.number
                edge.receive(datagram.bytes, from: source)
            }
        }
    }

    /// The handshake ends well on both sides, and on the origin's first, which sends so many frames before the edge has keys.
    func secure(framesBetween: Int = 0) {
        let salt = [UInt8](repeating: 9, count: 12)
        func keys(_ local: UInt8, _ remote: UInt8) -> DTLSKeys {
            DTLSKeys(
                profile: .aeadAES128GCM, localKey: [UInt8](repeating: local, count: 16), localSalt: salt,
                remoteKey: [UInt8](repeating: remote, count: 16), remoteSalt: salt)
        }
        origin.worker.perform(.handshake(71, .connected(keys(21, 22), lastFlight: [])))
        play(frames: framesBetween)
        edge.perform(.handshake(70, .connected(keys(22, 21), lastFlight: [])))
    }

    func play(frames: Int) {
        for _ in 0..<frames {
            origin.sendFrame()
            let end = origin.worker.now + Interval(ticks: 3000, atRate: 90_000)
            while origin.worker.now < end {
                let next = min(origin.worker.now + .milliseconds(1), end)
                origin.worker.run(until: next)
                edge.run(until: next)
                exchange()
            }
        }
    }

    func takeForViewers() -> [(bytes: [UInt8], to: TransportAddress)] {
        defer { forViewers = [] }
        return forViewers
    }
}

@Suite("Node links")
struct NodeLinkTests {
    private static func join(_ scene: LinkScene, id: PeerID, layer: TrackID) throws -> VirtualClient {
        let viewer = try VirtualClient(id: id)
        let sender = PlaybackSender(mid: "0", trackIndex: 0, payloadType: 96, ssrc: 1000, supportsPLI: true)
        scene.edge.perform(.addViewer(viewer.specification, [PlaybackBinding(track: layer, sender: sender)]))
        viewer.connect(to: scene.edge)
        return viewer
    }

    private static func received(by viewer: VirtualClient, in scene: LinkScene) -> [(counter: UInt32, mark: UInt8)] {
        scene.takeForViewers().filter { $0.to == viewer.address }.compactMap { datagram in
            guard let packet = viewer.open(datagram.bytes), packet.payload.count > 6 else { return nil }
            let counter = packet.payload[2...5].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            return (counter, packet.payload[6])
        }
    }

    @Test func `an edge checks, is let in, begins the handshake and gets every layer`() throws {
        let scene = try LinkScene()
        scene.exchange()
        let starts = scene.edge.handshakes.filter { if case .start(70, .client, _) = $0 { true } else { false } }
        #expect(starts.count == 1, "one path, found by the first check")
        scene.secure()
        #expect(scene.offer.linkedLayers["1"] == LinkedLayer(picture: 0, name: "m"))
        let viewers = try [1, 2, 3].map { try Self.join(scene, id: 10 + PeerID($0), layer: TrackID($0)) }
        scene.play(frames: 30)
        let all = scene.takeForViewers()
        for (index, viewer) in viewers.enumerated() {
            let packets = all.filter { $0.to == viewer.address }.compactMap { viewer.open($0.bytes) }
            #expect(packets.count >= 30 * scene.origin.packets[index] - 8)
            #expect(Set(packets.map { $0.payload[6] }) == [UInt8(index)])
        }
    }

    @Test(arguments: [20, 60]) func `what comes before the keys is kept for them, within bounds`(frames: Int) throws {
        let scene = try LinkScene()
        scene.exchange()
        scene.secure(framesBetween: frames)
        let received = scene.edge.report().tracks.reduce(0) { $0 + $1.packetsReceived }
        // Twelve packets a frame; of more than 512 those that came first.
        #expect(received == min(frames * 12, 512))
        #expect(scene.edge.report().tracks.allSatisfy { $0.keyFrameAge != nil })
    }

    @Test func `what the link loses is asked for and comes again before anybody downstream misses it`() throws {
        let scene = try LinkScene()
        scene.exchange()
        scene.secure()
        let viewer = try Self.join(scene, id: 10, layer: 1)
        scene.play(frames: 10)
        scene.lossEvery = 20
        scene.play(frames: 60)
        scene.lossEvery = 0
        scene.play(frames: 10)
        let counters = Self.received(by: viewer, in: scene).map(\.counter)
        let first = try #require(counters.min())
        let isComplete = counters.sorted() == (0..<UInt32(counters.count)).map { first + $0 }
        #expect(isComplete, "nothing missing, nothing twice")
        #expect(scene.edge.report().counters.packetsRepaired >= 20)
        #expect(scene.origin.worker.report().counters.retransmissions >= 20)
    }

    @Test func `a viewer's wish for a key frame travels to the publisher, for its layer alone`() throws {
        let scene = try LinkScene()
        scene.exchange()
        scene.secure()
        let viewer = try Self.join(scene, id: 10, layer: 2)
        scene.play(frames: 45)
        let before = scene.origin.keyFrameRequests
        let wish = RTCPPacket.pictureLossIndication(senderSSRC: 1, mediaSSRC: 1000)
        scene.edge.receive(viewer.rtcp([wish]), from: viewer.address)
        scene.play(frames: 5)
        #expect(scene.origin.keyFrameRequests[1] == before[1] + 1)
        #expect(scene.origin.keyFrameRequests[0] == before[0])
    }

    @Test func `a link that finds no way ends after five seconds, and one that falls silent loses consent`() throws {
        let lost = try LinkScene()
        lost.edge.run(until: .zero + .seconds(6))
        #expect(lost.edge.events.contains { if case .ended(70, .noPair) = $0 { true } else { false } })
        #expect(lost.edge.report().publishers == 0)
        let nowhere = try LinkScene(candidates: [TransportAddress(high: 0, low: 1, port: 8100)])
        nowhere.edge.run(until: .zero + .seconds(6))
        #expect(nowhere.edge.events.contains { if case .ended(70, .noPair) = $0 { true } else { false } })

        let silent = try LinkScene()
        silent.exchange()
        silent.secure()
        silent.play(frames: 5)
        silent.edge.run(until: silent.edge.now + .seconds(29))
        #expect(silent.edge.report().publishers == 1)
        silent.edge.run(until: silent.edge.now + .seconds(10))
        #expect(silent.edge.events.contains { if case .ended(70, .consentExpired) = $0 { true } else { false } })
    }

    @Test func `strangers on a link's socket are ignored`() throws {
        let scene = try LinkScene()
        scene.exchange()
        scene.secure()
        var stranger = TransportAddress(ipv4: 0x0A00_0001, port: 9)
        stranger.connection = LinkScene.number
        let before = scene.edge.report().counters
        for datagram in [[UInt8](repeating: 0, count: 20), [128] + [UInt8](repeating: 7, count: 40), [22, 254, 253]] {
            scene.edge.receive(datagram, from: stranger)
        }
        stranger.connection = LinkRoute.firstNumber | 99
        scene.edge.receive([UInt8](repeating: 0, count: 20), from: stranger)
        let after = scene.edge.report().counters
        #expect(
            after.datagramsIgnored + after.datagramsRefused == before.datagramsIgnored + before.datagramsRefused + 4)
        #expect(scene.edge.sink.take().isEmpty)
    }
}

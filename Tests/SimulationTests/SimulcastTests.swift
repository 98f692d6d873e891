import Media
import MediaIO
import Primitives
import RTP
import TestSupport
import Testing
import WebRTC

/// A publisher of three layers, lowest last in its offer, that answers key frame requests.
final class SimulcastScene {
    static let names = ["h", "m", "l"]
    /// Packets of 900 bytes in each frame: about 1.7 Mbit/s, 650 and 220 kbit/s.
    var packets = [8, 3, 1]

    let worker = VirtualWorker()
    let client: VirtualClient
    private(set) var cameras: [VirtualCamera] = []
    private var wantsKeyFrame = [true, true, true]
    /// Layers that the publisher sends.
    var isSending = [true, true, true]
    private(set) var keyFrameRequests = [0, 0, 0]

    init(codec: Codec = .h264) throws {
        client = try VirtualClient(id: 1)
        for index in 0..<3 {
            let camera = VirtualCamera(
                client: client, ssrc: UInt32(0x1000 * (index + 1)), sequence: UInt32(100 + 5000 * index),
                timestamp: UInt32(1_000_000 * index))
            camera.rid = Self.names[index]
            camera.mark = UInt8(index)
            cameras.append(camera)
            worker.perform(.addTrack(.init(id: TrackID(index + 1), codec: codec, owner: 0)))
        }
        var negotiated = VirtualCamera.track(supportsNACK: true, rtx: true)
        negotiated.rids = Self.names
        negotiated.ridExtension = VirtualCamera.ridExtension
        negotiated.repairedRIDExtension = VirtualCamera.repairedRIDExtension
        worker.perform(
            .addPublisher(
                client.specification, [IngestBinding(track: 1, negotiated: negotiated, layers: [1, 2, 3])]))
        client.connect(to: worker)
        _ = worker.sink.take()
    }

    func join(rate: Double, queue: Interval = .milliseconds(200)) throws -> VirtualDownlink {
        let viewer = try VirtualClient(id: 10)
        let sender = PlaybackSender(
            mid: "0", trackIndex: 0, payloadType: 96, rtxPayloadType: 97, ssrc: 1000, rtxSSRC: 1001, supportsNACK: true,
            supportsPLI: true, transportCCExtension: VirtualDownlink.transportCC)
        worker.perform(
            .addViewer(viewer.specification, [PlaybackBinding(track: 1, sender: sender, layers: [1, 2, 3])]))
        viewer.connect(to: worker)
        return VirtualDownlink(worker, to: viewer, rate: rate, queue: queue)
    }

    func play(seconds: Double, through downlinks: [VirtualDownlink]) {
        for _ in 0..<Int(seconds * 30) {
            sendFrame()
            let end = worker.now + Interval(ticks: 3000, atRate: 90_000)
            while worker.now < end {
                worker.run(until: min(worker.now + .milliseconds(1), end))
                let sent = worker.sink.take()
                for datagram in sent where datagram.to == client.address { answer(datagram.bytes) }
                for downlink in downlinks { downlink.step(sent) }
            }
        }
    }

    /// Sends a picture of each layer.
    func sendFrame() {
        for index in 0..<3 where isSending[index] {
            let isKey = wantsKeyFrame[index]
            wantsKeyFrame[index] = false
            for datagram in cameras[index].frame(isKeyFrame: isKey, packets: packets[index]) {
                worker.receive(datagram, from: client.address)
            }
        }
    }

    func answer(_ datagram: [UInt8]) {
        for case .pictureLossIndication(_, let ssrc) in client.openRTCP(datagram) {
            guard let index = cameras.firstIndex(where: { $0.ssrc == ssrc }) else { continue }
            wantsKeyFrame[index] = true
            keyFrameRequests[index] += 1
        }
    }
}

@Suite("Simulcast")
struct SimulcastTests {
    /// The layers in order of arrival, without repetitions.
    private static func layers(_ downlink: VirtualDownlink) -> [UInt8] {
        downlink.media.map(\.mark).reduce(into: []) { if $0.last != $1 { $0.append($1) } }
    }

    private static func isContinuous(_ downlink: VirtualDownlink) -> Bool {
        let sequences = downlink.media.map(\.header.sequenceNumber)
        return zip(sequences, sequences.dropFirst()).allSatisfy { $1 == $0 &+ 1 }
    }

    /// Whether media time goes on and never stands still for longer than `gap`.
    private static func isMonotonic(_ downlink: VirtualDownlink, gap: Interval = .milliseconds(300)) -> Bool {
        let frames = downlink.media.map(\.header.timestamp).reduce(into: [UInt32]()) {
            if $0.last != $1 { $0.append($1) }
        }
        return zip(frames, frames.dropFirst()).allSatisfy {
            (1...gap.ticks(atRate: 90_000)).contains(Int64(Int32(bitPattern: $1 &- $0)))
        }
    }

    @Test func `a viewer with room for it gets the highest layer and stays there`() throws {
        let scene = try SimulcastScene()
        scene.play(seconds: 2, through: [])
        let downlink = try scene.join(rate: 10e6)
        scene.play(seconds: 20, through: [downlink])
        #expect(Self.layers(downlink) == [0])
        #expect(Self.isContinuous(downlink))
    }

    @Test func `a viewer goes down when its path narrows, and up again when it widens`() throws {
        let scene = try SimulcastScene()
        scene.play(seconds: 2, through: [])
        let downlink = try scene.join(rate: 6e6)
        scene.play(seconds: 10, through: [downlink])
        downlink.rate = 900_000
        let narrowed = scene.worker.now
        scene.play(seconds: 20, through: [downlink])
        let down = downlink.media.first { $0.mark > 0 }
        #expect(down.map { $0.at - narrowed < .seconds(5) } == true)
        // Settled: the middle layer, whole, and without a queue.
        let settled = downlink.media.filter { $0.at > narrowed + .seconds(10) }
        #expect(settled.filter { $0.mark == 1 }.count > settled.count * 7 / 10)
        downlink.rate = 6e6
        let widened = scene.worker.now
        scene.play(seconds: 30, through: [downlink])
        let up = downlink.media.first { $0.at > widened && $0.mark == 0 }
        #expect(up.map { $0.at - widened < .seconds(15) } == true)
        #expect(Self.isMonotonic(downlink))
        #expect(scene.worker.report().counters.layerSwitches <= 8)
    }

    @Test func `a path that carries no layer gets sound alone, and its picture back later`() throws {
        let scene = try SimulcastScene()
        scene.play(seconds: 2, through: [])
        let downlink = try scene.join(rate: 6e6)
        scene.play(seconds: 5, through: [downlink])
        downlink.rate = 80_000
        let narrowed = scene.worker.now
        scene.play(seconds: 20, through: [downlink])
        let late = downlink.media.filter { $0.at > narrowed + .seconds(12) }
        #expect(late.count < 60)
        downlink.rate = 6e6
        let widened = scene.worker.now
        scene.play(seconds: 40, through: [downlink])
        #expect(downlink.media.contains { $0.at > widened && $0.at < widened + .seconds(20) })
        #expect(Self.isMonotonic(downlink, gap: .seconds(40)))
    }

    @Test func `a layer that the publisher turns off is left for the next one`() throws {
        let scene = try SimulcastScene()
        scene.play(seconds: 2, through: [])
        let downlink = try scene.join(rate: 10e6)
        scene.play(seconds: 3, through: [downlink])
        scene.isSending[0] = false
        scene.play(seconds: 4, through: [downlink])
        #expect(Self.layers(downlink) == [0, 1])
        scene.isSending[0] = true
        scene.play(seconds: 6, through: [downlink])
        #expect(Self.layers(downlink) == [0, 1, 0])
        #expect(Self.isContinuous(downlink))
        #expect(Self.isMonotonic(downlink, gap: .seconds(3)))
    }

    @Test func `a packet from before a switch is sent again under its old number`() throws {
        let scene = try SimulcastScene()
        scene.play(seconds: 2, through: [])
        let downlink = try scene.join(rate: 10e6)
        scene.play(seconds: 3, through: [downlink])
        let before = try #require(downlink.media.last)
        scene.isSending[0] = false
        scene.worker.run(until: scene.worker.now + .milliseconds(1))
        while scene.worker.report().counters.layerSwitches == 0 { scene.play(seconds: 0.1, through: [downlink]) }
        #expect(downlink.media.last?.mark == 1)
        let nack = GenericNACK(senderSSRC: 5, mediaSSRC: 1000, lost: [before.header.sequenceNumber])
        scene.worker.receive(downlink.viewer.rtcp([.genericNACK(nack)]), from: downlink.viewer.address)
        let answers = scene.worker.sink.take().filter { $0.to == downlink.viewer.address }
            .compactMap { downlink.viewer.open($0.bytes) }
        let packet = try #require(answers.first)
        #expect(packet.header.ssrc == 1001)
        #expect(UInt16(packet.payload[0]) << 8 | UInt16(packet.payload[1]) == before.header.sequenceNumber)
        #expect(packet.payload[8] == 0)
    }

    @Test func `what a layer loses on its way in is asked for and taken in by its name`() throws {
        let scene = try SimulcastScene()
        scene.play(seconds: 1, through: [])
        let frame = scene.cameras[1].frame(isKeyFrame: false, packets: 6)
        for (index, datagram) in frame.enumerated() where index != 2 {
            scene.worker.receive(datagram, from: scene.client.address)
        }
        scene.worker.run(until: scene.worker.now + .milliseconds(15))
        let lost = scene.worker.sink.take().filter { $0.to == scene.client.address }
            .flatMap { scene.client.openRTCP($0.bytes) }
            .compactMap { packet -> GenericNACK? in if case .genericNACK(let nack) = packet { nack } else { nil } }
        #expect(lost.first?.mediaSSRC == scene.cameras[1].ssrc)
        let again = scene.cameras[1].retransmit(lost.first?.lost ?? [])
        #expect(again.count == 1)
        for datagram in again { scene.worker.receive(datagram, from: scene.client.address) }
        #expect(scene.worker.report().counters.packetsRepaired == 1)
        let tracks = scene.worker.report().tracks
        #expect(tracks.first { $0.id == 2 }?.packetsReceived == Int(scene.cameras[1].counter))
    }

    @Test func `a packet without the name of its layer belongs to none`() throws {
        let scene = try SimulcastScene()
        let stranger = VirtualCamera(client: scene.client, ssrc: 0x9999)
        for datagram in stranger.frame(isKeyFrame: true) { scene.worker.receive(datagram, from: scene.client.address) }
        #expect(scene.worker.report().tracks.allSatisfy { $0.packetsReceived == 0 })
    }
}

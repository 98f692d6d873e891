import Media
import MediaIO
import Primitives
import RTP
import TestSupport
import Testing
import WebRTC

@Suite("Tracks that come and go while sessions last")
struct RenegotiationTests {
    private static func sender(_ ssrc: UInt32) -> PlaybackSender {
        PlaybackSender(
            mid: "0", trackIndex: 0, payloadType: 96, rtxPayloadType: 97, ssrc: ssrc, rtxSSRC: ssrc + 1,
            supportsNACK: true, supportsPLI: true)
    }

    /// Half a second of it, with the publisher answering.
    ///
    /// - Returns: The packets that a viewer gets, by SSRC.
    private static func play(_ scene: SimulcastScene, to viewer: VirtualClient) -> [UInt32: Int] {
        var counts: [UInt32: Int] = [:]
        for _ in 0..<15 {
            scene.sendFrame()
            scene.worker.run(until: scene.worker.now + .milliseconds(33))
            for (bytes, destination) in scene.worker.sink.take() {
                if destination == scene.client.address {
                    scene.answer(bytes)
                } else if destination == viewer.address, DatagramKind(bytes.span) == .rtp,
                    let header = viewer.open(bytes)?.header
                {
                    counts[header.ssrc, default: 0] += 1
                }
            }
        }
        return counts
    }

    private static func watched() throws -> (scene: SimulcastScene, viewer: VirtualClient) {
        let scene = try SimulcastScene()
        let viewer = try VirtualClient(id: 10)
        scene.worker.perform(
            .addViewer(viewer.specification, [PlaybackBinding(track: 1, sender: sender(1000))]))
        viewer.connect(to: scene.worker)
        return (scene, viewer)
    }

    @Test func `a viewer is sent tracks that it subscribes to later, and no more when it has had enough`() throws {
        let (scene, viewer) = try Self.watched()
        #expect(Set(Self.play(scene, to: viewer).keys) == [1000])
        scene.worker.perform(.subscribe(viewer.id, [PlaybackBinding(track: 2, sender: Self.sender(2000))]))
        #expect(Set(Self.play(scene, to: viewer).keys) == [1000, 2000])
        scene.worker.perform(.unsubscribe(viewer.id, [1000, 7]))
        #expect(Set(Self.play(scene, to: viewer).keys) == [2000])
    }

    @Test func `nothing of a muted track leaves, and afterwards it goes on at a key frame that is asked for`() throws {
        let (scene, viewer) = try Self.watched()
        #expect(Self.play(scene, to: viewer)[1000] ?? 0 > 0)
        scene.worker.perform(.setMuted(1, true))
        #expect(Self.play(scene, to: viewer)[1000] == nil)
        let asked = scene.keyFrameRequests[0]
        scene.worker.perform(.setMuted(1, false))
        #expect(Self.play(scene, to: viewer)[1000] ?? 0 > 0)
        #expect(scene.keyFrameRequests[0] > asked)
    }

    @Test func `a section takes another track when its own has gone, and none that would leave a gap`() throws {
        let scene = try SimulcastScene()
        scene.worker.perform(.addTrack(.init(id: 20, codec: .h264, owner: 0)))
        var negotiated = VirtualCamera.track(supportsNACK: true, rtx: true)
        negotiated.ssrcs = [0x9000]
        scene.worker.perform(.bind(scene.client.id, section: 5, IngestBinding(track: 20, negotiated: negotiated)))
        let camera = VirtualCamera(client: scene.client, ssrc: 0x9000, sequence: 1, timestamp: 1)
        for datagram in camera.frame(isKeyFrame: true) { scene.worker.receive(datagram, from: scene.client.address) }
        scene.worker.run(until: scene.worker.now + .milliseconds(100))
        #expect(scene.worker.report().tracks.first { $0.id == 20 }?.packetsReceived == 0)
        for _ in 0..<200 {
            scene.worker.perform(.removeTrack(20))
            scene.worker.perform(.addTrack(.init(id: 20, codec: .h264, owner: 0)))
            scene.worker.perform(.bind(scene.client.id, section: 1, IngestBinding(track: 20, negotiated: negotiated)))
        }
        for datagram in camera.frame(isKeyFrame: true) { scene.worker.receive(datagram, from: scene.client.address) }
        scene.worker.run(until: scene.worker.now + .milliseconds(100))
        #expect(scene.worker.report().tracks.first { $0.id == 20 }?.packetsReceived ?? 0 > 0)
    }
}

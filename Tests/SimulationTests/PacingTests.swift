import Media
import MediaIO
import Primitives
import RTP
import TestSupport
import Testing
import WebRTC

@Suite("Viewers on paths of known capacity")
struct PacingTests {
    @Test func `every packet to the viewer carries the next transport-wide number`() throws {
        let scene = try Scene()
        let downlink = try VirtualDownlink(scene, rate: 20e6)
        scene.play(frames: 150, through: [downlink], keyFrameEvery: 60, firstIsKey: true)
        let numbers = downlink.transportNumbers
        #expect(numbers.count >= 150 * 8 - 16)
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
    }

    @Test func `a stream that fits the path arrives whole and without a queue`() throws {
        let scene = try Scene()
        // 30 frames of 8 packets of 930 bytes: about 1.8 Mbit/s.
        let downlink = try VirtualDownlink(scene, rate: 6e6)
        scene.play(frames: 600, through: [downlink], keyFrameEvery: 60, firstIsKey: true)
        #expect(downlink.dropped == 0)
        #expect(downlink.media.map(\.counter).sorted() == Array(0..<UInt32(downlink.media.count)))
        let delays = downlink.media.suffix(2000).map { $0.delay.seconds * 1000 }.sorted()
        #expect(delays[delays.count * 95 / 100] < 20 + 30)
    }

    @Test func `a burst larger than the budget leaves in groups`() throws {
        let scene = try Scene()
        let downlink = try VirtualDownlink(scene, rate: 8e6)
        scene.play(frames: 90, through: [downlink], firstIsKey: true, packets: 4)
        // A key frame of 64 packets: at 5 Mbit/s or somewhat more it takes some ticks of 5 ms.
        for datagram in scene.camera.frame(isKeyFrame: true, packets: 64) {
            scene.worker.receive(datagram, from: scene.camera.client.address)
        }
        var groups: [Int] = []
        for _ in 0..<200 {
            let sent = scene.worker.sink.take()
            let count = sent.count { $0.to == downlink.viewer.address }
            if count > 0 { groups.append(count) }
            downlink.step(sent)
            scene.worker.run(until: scene.worker.now + .milliseconds(1))
        }
        #expect(groups.count > 4)
        #expect(groups.allSatisfy { $0 <= 40 })
        #expect(downlink.media.contains { $0.counter == scene.camera.counter - 1 })
    }

    @Test func `a viewer that gives no feedback is sent everything at once`() throws {
        let scene = try Scene()
        let viewer = try scene.join(rtx: true)
        scene.play(frames: 3, firstIsKey: true)
        _ = scene.worker.sink.take()
        for datagram in scene.camera.frame(isKeyFrame: false, packets: 100) {
            scene.worker.receive(datagram, from: scene.camera.client.address)
        }
        #expect(scene.received(by: viewer, from: scene.worker.sink.take()).counters.count == 100)
    }

    @Test(arguments: [true, false])
    func `pictures may wait for sound, and only for sound`(hasSound: Bool) throws {
        let delays = try playoutDelays(hasSound: hasSound, setting: nil)
        #expect(delays.count == 9)
        #expect(delays.allSatisfy { $0 == PlayoutDelay(minimum: 0, maximum: hasSound ? 100 : 0) })
    }

    @Test(arguments: [true, false])
    func `pictures wait as long as the stream's setting says`(hasSound: Bool) throws {
        let setting = PlayoutDelay(minimum: 20, maximum: 80)
        let delays = try playoutDelays(hasSound: hasSound, setting: setting)
        #expect(delays.count == 9)
        #expect(delays.allSatisfy { $0 == setting })
    }

    /// The playout delays of the first nine packets of video that a viewer is sent.
    private func playoutDelays(hasSound: Bool, setting: PlayoutDelay?) throws -> [PlayoutDelay] {
        let scene = try Scene()
        scene.worker.perform(.addTrack(.init(id: 2, codec: .opus, owner: 0)))
        let viewer = try VirtualClient(id: 50)
        let picture = PlaybackSender(
            mid: "0", trackIndex: 0, payloadType: 96, ssrc: 9000, supportsNACK: true, playoutDelayExtension: 5)
        let sound = PlaybackSender(mid: "1", trackIndex: 1, payloadType: 111, ssrc: 9001)
        let bindings = [
            PlaybackBinding(track: 1, sender: picture, playoutDelay: setting), PlaybackBinding(track: 2, sender: sound),
        ]
        scene.worker.perform(.addViewer(viewer.specification, hasSound ? bindings : [bindings[0]]))
        viewer.connect(to: scene.worker)
        scene.play(frames: 3, firstIsKey: true)
        var delays: [PlayoutDelay] = []
        for datagram in scene.worker.sink.take() where datagram.to == viewer.address {
            guard let packet = viewer.openWhole(datagram.bytes), let header = try? RTPHeader(parsing: packet.span),
                let range = RTPHeaderExtensions.first(id: 5, header: header, in: packet.span)
            else { continue }
            delays += PlayoutDelay(parsing: packet.span.extracting(range)).map { [$0] } ?? []
        }
        return delays
    }
}

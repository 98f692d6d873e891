import Media
import MediaIO
import Primitives
import RTP
import TestSupport
import Testing
import WebRTC

/// A camera behind a lossy path with a delay: datagrams arrive, requests go back and are answered, all in virtual time.
private final class LossyUplink {
    let scene: Scene
    private let viewer: VirtualClient
    private let oneWay: Interval
    private let usesRTX: Bool
    private let loses: (Int) -> Bool
    private var count = 0
    /// What is under way to the gateway, in order of arrival.
    private var arriving: [(at: Instant, bytes: [UInt8])] = []
    /// Requests under way to the camera.
    private var asked: [(at: Instant, numbers: [UInt16])] = []
    private(set) var requested = 0
    private(set) var keyFrameRequests = 0
    private(set) var received = Received()
    /// When each of the camera's packets was sent, and when the viewer had it.
    private(set) var sentAt: [UInt32: Instant] = [:]
    private(set) var receivedAt: [UInt32: Instant] = [:]

    init(roundTrip: Interval, rtx: Bool, loses: @escaping (Int) -> Bool) throws {
        scene = try Scene(supportsNACK: true, rtx: rtx)
        viewer = try scene.join()
        oneWay = roundTrip / 2
        usesRTX = rtx
        self.loses = loses
    }

    private func send(_ datagrams: [[UInt8]]) {
        for datagram in datagrams {
            defer { count += 1 }
            if !loses(count) { arriving.append((scene.worker.now + oneWay, datagram)) }
        }
    }

    /// Thirty frames a second, the first of each `interval` a key frame.
    func play(frames: Int, keyFrameEvery interval: Int = .max) {
        for frame in 0..<frames {
            let first = scene.camera.counter
            send(scene.camera.frame(isKeyFrame: frame == 0 || frame % interval == 0))
            for counter in first..<scene.camera.counter { sentAt[counter] = scene.worker.now }
            step(until: scene.worker.now + Interval(ticks: 3000, atRate: 90_000))
        }
    }

    func step(until end: Instant) {
        while scene.worker.now < end {
            let next = min(scene.worker.now + .milliseconds(1), end)
            scene.worker.run(until: next)
            while let first = arriving.first, first.at <= next {
                arriving.removeFirst()
                scene.worker.receive(first.bytes, from: scene.camera.client.address)
            }
            for datagram in scene.worker.sink.take() { deliver(datagram) }
            while let first = asked.first, first.at <= next {
                asked.removeFirst()
                send(usesRTX ? scene.camera.retransmit(first.numbers) : scene.camera.repeatPackets(first.numbers))
            }
        }
    }

    private func deliver(_ datagram: (bytes: [UInt8], to: TransportAddress)) {
        if datagram.to == viewer.address, let packet = viewer.open(datagram.bytes) {
            received.add(packet)
            if let counter = received.counters.last { receivedAt[counter] = scene.worker.now }
        }
        guard datagram.to == scene.camera.client.address else { return }
        for packet in scene.camera.client.openRTCP(datagram.bytes) {
            switch packet {
            case .genericNACK(let nack):
                requested += nack.lost.count
                asked.append((scene.worker.now + oneWay, nack.lost))
            case .pictureLossIndication: keyFrameRequests += 1
            default: break
            }
        }
    }
}

@Suite("Loss on the publisher's path, RFC 4585 and RFC 4588")
struct RepairTests {
    @Test(arguments: [true, false])
    func `a lost packet is asked for once and reaches the viewer under its own number`(rtx: Bool) throws {
        let uplink = try LossyUplink(roundTrip: .milliseconds(40), rtx: rtx) { $0 == 20 }
        uplink.play(frames: 60)
        #expect(uplink.requested == 1)
        #expect(uplink.received.counters.sorted() == Array(0..<180))
        #expect(Set(uplink.received.sequences).count == 180)
        let order = zip(uplink.received.counters, uplink.received.sequences).sorted { $0.0 < $1.0 }.map(\.1)
        #expect(zip(order, order.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
    }

    /// The least tries after which 95% of the lost packets are repaired: 1% -> 1, 5 to 10% -> 2, 20% -> 3.
    @Test(arguments: [(1, 1.0), (5, 2.0), (10, 2.0), (20, 3.0)], [20, 80, 300])
    func `random loss is repaired, and in time`(loss: (percent: Int, tries: Double), roundTrip: Int64) throws {
        var generator = SeededGenerator(seed: UInt64(loss.percent) &* 1000 &+ UInt64(roundTrip))
        let uplink = try LossyUplink(roundTrip: .milliseconds(roundTrip), rtx: true) { _ in
            Int.random(in: 0..<100, using: &generator) < loss.percent
        }
        uplink.play(frames: 900)
        uplink.step(until: uplink.scene.worker.now + .seconds(2))
        let missing = (0..<2700).filter { uplink.receivedAt[$0] == nil }.count
        // What a second of tries cannot repair at this loss and distance, with room for chance.
        let tries = min(10, 1000 / max(Double(roundTrip) * 1.25, 20))
        var hopeless = 1.0
        for _ in 0..<Int(tries) { hopeless *= Double(loss.percent) / 100 }
        #expect(Double(missing) <= 3 + 2700 * Double(loss.percent) / 100 * hopeless * 4)
        let delays = uplink.sentAt.compactMap { counter, sent in
            uplink.receivedAt[counter].map { ($0 - sent).seconds * 1000 - Double(roundTrip) / 2 }
        }
        let repairs = delays.filter { $0 > 5 }.sorted()
        let p95 = repairs.isEmpty ? 0 : repairs[repairs.count * 95 / 100]
        // One more round trip: the first requests go out before the distance is known.
        #expect(p95 <= (loss.tries + 0.25 * loss.tries) * Double(roundTrip) + 67 + 20)
        let lost = 2700.0 * Double(loss.percent) / 100
        #expect(
            Double(uplink.requested) <= 1.3 * lost / (1 - Double(loss.percent) / 100) / (1 - Double(loss.percent) / 100)
                + 20)
    }

    @Test func `a packet that never comes is given up, and a key frame asked for`() throws {
        let uplink = try LossyUplink(roundTrip: .milliseconds(40), rtx: false) { $0 == 20 }
        uplink.scene.camera.forgetsPackets = true
        uplink.play(frames: 90)
        #expect((2...10).contains(uplink.requested))
        #expect(uplink.keyFrameRequests >= 1)
        #expect(uplink.received.counters.count == 269)
    }

    @Test func `a key frame ends the search for what came before it`() throws {
        let uplink = try LossyUplink(roundTrip: .milliseconds(40), rtx: false) { $0 == 20 }
        uplink.scene.camera.forgetsPackets = true
        uplink.play(frames: 60, keyFrameEvery: 8)
        // Lost in frame 6, so there was time for one or two requests before frame 8.
        #expect(uplink.requested <= 3)
        #expect(uplink.keyFrameRequests == 0)
    }

    @Test func `probes and retransmissions of nothing are passed over`() throws {
        let scene = try Scene(supportsNACK: true, rtx: true)
        let viewer = try scene.join()
        scene.play(frames: 2, firstIsKey: true)
        for _ in 0..<10 { scene.worker.receive(scene.camera.probe(), from: scene.camera.client.address) }
        for datagram in scene.camera.retransmit([100, 101]) {
            scene.worker.receive(datagram, from: scene.camera.client.address)
        }
        scene.play(frames: 2)
        let received = scene.received(by: viewer, from: scene.worker.sink.take())
        #expect(received.counters == Array(0..<12))
        #expect(received.isContinuous)
    }

    @Test func `a publisher that understands only REMB is told once a second what it may send`() throws {
        let worker = VirtualWorker()
        let camera = VirtualCamera(client: try VirtualClient(id: 1))
        var negotiated = VirtualCamera.track()
        negotiated.selected.supportsREMB = true
        worker.perform(.addTrack(.init(id: 1, codec: .h264, owner: 0)))
        worker.perform(.addPublisher(camera.client.specification, [IngestBinding(track: 1, negotiated: negotiated)]))
        camera.client.connect(to: worker)
        var limits: [UInt64] = []
        for frame in 0..<150 {
            for datagram in camera.frame(isKeyFrame: frame == 0, packets: 10) {
                worker.receive(datagram, from: camera.client.address)
            }
            worker.run(until: worker.now + Interval(ticks: 3000, atRate: 90_000))
            for datagram in worker.sink.take() where datagram.to == camera.client.address {
                for case .receiverEstimatedMaximumBitrate(let limit) in camera.client.openRTCP(datagram.bytes) {
                    limits.append(limit.bitrate)
                    #expect(limit.ssrcs == [camera.ssrc])
                }
            }
        }
        #expect((4...6).contains(limits.count))
        // 2.2 Mbit/s arrive and none is lost.
        #expect(limits.last.map { $0 > 3_000_000 } == true)
    }
}

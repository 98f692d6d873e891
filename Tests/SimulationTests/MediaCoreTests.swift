import ICE
import Media
import MediaIO
import Primitives
import RTP
import TestSupport
import Testing
import WebRTC

/// A worker with one video track, a camera and as many viewers as a test asks for.
final class Scene {
    let worker: VirtualWorker
    let camera: VirtualCamera
    let track: TrackID = 1
    private(set) var viewers: [(client: VirtualClient, ssrc: UInt32)] = []

    init(
        sequence: UInt32 = 100, timestamp: UInt32 = 1000, supportsPLI: Bool = true, supportsNACK: Bool = false,
        rtx: Bool = false, captureTime: UInt8? = nil
    ) throws {
        worker = VirtualWorker()
        camera = VirtualCamera(client: try VirtualClient(id: 1), sequence: sequence, timestamp: timestamp)
        worker.perform(.addTrack(.init(id: track, codec: .h264, owner: 0)))
        var negotiated = VirtualCamera.track(supportsPLI: supportsPLI, supportsNACK: supportsNACK, rtx: rtx)
        negotiated.absCaptureTimeExtension = captureTime
        worker.perform(
            .addPublisher(camera.client.specification, [IngestBinding(track: track, negotiated: negotiated)]))
        camera.client.connect(to: worker)
        _ = worker.sink.take()
    }

    @discardableResult
    func join(
        rtx: Bool = false, transportCC: UInt8? = nil, supportsREMB: Bool = false, captureTime: UInt8? = nil,
        from source: TransportAddress? = nil
    ) throws -> VirtualClient {
        let id = PeerID(10 + viewers.count)
        let client = try VirtualClient(id: id)
        let ssrc = UInt32(1000 + viewers.count * 2)
        let sender = PlaybackSender(
            mid: "0",
            trackIndex: 0,
            payloadType: 96,
            rtxPayloadType: rtx ? 97 : nil,
            ssrc: ssrc,
            rtxSSRC: rtx ? ssrc + 1 : nil,
            supportsNACK: true,
            supportsPLI: true,
            supportsREMB: supportsREMB,
            transportCCExtension: transportCC,
            captureTimeExtension: captureTime
        )
        worker.perform(.addViewer(client.specification, [PlaybackBinding(track: track, sender: sender)]))
        viewers.append((client, ssrc))
        client.connect(to: worker, from: source)
        return client
    }

    /// Sends thirty frames a second of virtual time.
    func play(frames: Int, keyFrameEvery interval: Int = .max, firstIsKey: Bool = false) {
        for index in 0..<frames {
            let isKey = index == 0 ? firstIsKey : index % interval == 0
            for datagram in camera.frame(isKeyFrame: isKey) {
                worker.receive(datagram, from: camera.client.address)
            }
            worker.run(until: worker.now.advanced(by: Interval(ticks: 3000, atRate: 90_000)))
        }
    }

    /// Takes what has been sent to one viewer.
    func received(
        by client: VirtualClient,
        at address: TransportAddress? = nil,
        from datagrams: [(bytes: [UInt8], to: TransportAddress)]
    ) -> Received {
        var received = Received()
        for datagram in datagrams where datagram.to == address ?? client.address {
            if let packet = client.open(datagram.bytes) { received.add(packet) }
        }
        return received
    }
}

@Suite("A media worker in virtual time")
struct MediaCoreTests {
    @Test func `a viewer that joins within a group of pictures gets all of it and catches up`() throws {
        let scene = try Scene()
        scene.play(frames: 30, firstIsKey: true)
        let viewer = try scene.join()
        scene.play(frames: 15)
        let received = scene.received(by: viewer, from: scene.worker.sink.take())
        #expect(received.counters == Array(0..<(45 * 3)))
        #expect(received.isContinuous)
        #expect(received.isMonotonic)
    }

    @Test func `a replay squeezes the past so that live frames keep their distances`() throws {
        let scene = try Scene()
        scene.play(frames: 40, firstIsKey: true)
        let viewer = try scene.join()
        scene.play(frames: 40)
        let received = scene.received(by: viewer, from: scene.worker.sink.take())
        let frames = received.timestamps.reduce(into: [UInt32]()) { if $0.last != $1 { $0.append($1) } }
        #expect(frames.count == 80)
        let gaps = zip(frames, frames.dropFirst()).map { $1 &- $0 }
        #expect(gaps.first! < 600)
        #expect(gaps.suffix(20).allSatisfy { $0 == 3000 })
        #expect(gaps.allSatisfy { $0 > 0 && $0 <= 3000 })
    }

    @Test func `a replay is paced in groups of at most sixteen packets`() throws {
        let scene = try Scene()
        scene.play(frames: 40, firstIsKey: true)
        _ = scene.worker.sink.take()
        let viewer = try scene.join()
        var largest = 0
        for _ in 0..<60 {
            largest = max(largest, scene.received(by: viewer, from: scene.worker.sink.take()).counters.count)
            scene.worker.run(until: scene.worker.now.advanced(by: .milliseconds(5)))
        }
        #expect(largest == 16)
    }

    @Test(arguments: [100, 32_760, 65_530])
    func `numbers wrap without a gap`(start: UInt32) throws {
        let scene = try Scene(sequence: start, timestamp: UInt32.max - 9000)
        let viewer = try scene.join()
        scene.play(frames: 30, keyFrameEvery: 10, firstIsKey: true)
        let received = scene.received(by: viewer, from: scene.worker.sink.take())
        #expect(received.counters == Array(0..<90))
        #expect(received.isContinuous)
        #expect(received.isMonotonic)
    }

    @Test func `video before the first key frame is not forwarded`() throws {
        let scene = try Scene()
        let viewer = try scene.join()
        scene.play(frames: 5)
        #expect(scene.received(by: viewer, from: scene.worker.sink.take()).counters.isEmpty)
        scene.play(frames: 5, firstIsKey: true)
        #expect(scene.received(by: viewer, from: scene.worker.sink.take()).counters == Array(15..<30))
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `loss, duplicates and reordering from the publisher stay visible and harmless`(seed: UInt64) throws {
        let scene = try Scene()
        let viewer = try scene.join()
        var generator = SeededGenerator(seed: seed)
        var sent: Set<UInt32> = []
        for index in 0..<100 {
            var datagrams: [(UInt32, [UInt8])] = []
            for datagram in scene.camera.frame(isKeyFrame: index % 20 == 0) {
                let number = scene.camera.counter - 3 + UInt32(datagrams.count)
                datagrams.append((number, datagram))
            }
            if index > 0 {
                datagrams.removeAll { _ in Int.random(in: 0..<100, using: &generator) < 5 }
                if let first = datagrams.first, Bool.random(using: &generator) { datagrams.append(first) }
                datagrams.shuffle(using: &generator)
            }
            for (number, datagram) in datagrams {
                sent.insert(number)
                scene.worker.receive(datagram, from: scene.camera.client.address)
            }
            scene.worker.run(until: scene.worker.now.advanced(by: .milliseconds(33)))
        }
        let received = scene.received(by: viewer, from: scene.worker.sink.take())
        #expect(Set(received.counters) == sent)
        #expect(received.counters.count == sent.count)
        // Distances at the viewer equal distances at the publisher: a gap stays a gap of the same size.
        let first = UInt32(received.sequences[0]) &- received.counters[0]
        for (sequence, counter) in zip(received.sequences, received.counters) {
            #expect(sequence == UInt16(truncatingIfNeeded: first &+ counter))
        }
    }

    @Test func `a publisher that restarts goes on where the old one stopped`() throws {
        let scene = try Scene()
        let viewer = try scene.join()
        scene.play(frames: 10, firstIsKey: true)
        scene.worker.perform(.removePeer(1, .requested))
        scene.worker.run(until: scene.worker.now.advanced(by: .seconds(2)))

        let client = try VirtualClient(id: 2)
        let camera = VirtualCamera(
            client: client,
            ssrc: 0x2222,
            sequence: 40_000,
            timestamp: 77,
            counter: scene.camera.counter
        )
        scene.worker.perform(
            .addPublisher(
                client.specification,
                [IngestBinding(track: scene.track, negotiated: VirtualCamera.track())]
            )
        )
        client.connect(to: scene.worker)
        for index in 0..<10 {
            for datagram in camera.frame(isKeyFrame: index == 0) {
                scene.worker.receive(datagram, from: client.address)
            }
            scene.worker.run(until: scene.worker.now.advanced(by: .milliseconds(33)))
        }
        let received = scene.received(by: viewer, from: scene.worker.sink.take())
        #expect(received.counters == Array(0..<60))
        #expect(received.isContinuous)
        #expect(received.isMonotonic)
        // The pause is a pause on the media clock too.
        let pause = received.timestamps[30] &- received.timestamps[29]
        #expect((170_000...200_000).contains(pause))
    }

    @Test func `a lost packet is repeated byte for byte, or by RTX`() throws {
        for rtx in [false, true] {
            let scene = try Scene()
            let viewer = try scene.join(rtx: rtx)
            scene.play(frames: 10, firstIsKey: true)
            let sent = scene.worker.sink.take().filter { $0.to == viewer.address }
            let media = sent.filter { !RTCPType.isRTCP($0.bytes.span) && $0.bytes[0] >> 6 == 2 }
            let lost = media[12].bytes
            let number = UInt16(lost[2]) << 8 | UInt16(lost[3])
            let nack = GenericNACK(senderSSRC: 5, mediaSSRC: 1000, lost: [number, number &+ 5000])
            let datagram = viewer.rtcp([.receiverReport(ReceiverReport(ssrc: 5)), .genericNACK(nack)])
            scene.worker.receive(datagram, from: viewer.address)
            let answers = scene.worker.sink.take().filter { $0.to == viewer.address }
            #expect(answers.count == 1)
            if rtx {
                let packet = try #require(viewer.open(answers[0].bytes))
                #expect(packet.header.ssrc == 1001)
                #expect(packet.header.payloadType == 97)
                #expect(Array(packet.payload.prefix(2)) == [UInt8(number >> 8), UInt8(number & 255)])
            } else {
                #expect(answers[0].bytes == lost)
            }
            #expect(scene.worker.report().counters.retransmissions == 1)
        }
    }

    @Test func `a packet is sent again once in a round trip, however often it is asked for`() throws {
        let scene = try Scene()
        let viewer = try scene.join()
        scene.play(frames: 10, firstIsKey: true)
        let media = scene.worker.sink.take().filter { $0.to == viewer.address && !RTCPType.isRTCP($0.bytes.span) }
        let lost = media.suffix(10).map { UInt16($0.bytes[2]) << 8 | UInt16($0.bytes[3]) }
        let nack = GenericNACK(senderSSRC: 5, mediaSSRC: 1000, lost: lost)
        for _ in 0..<100 { scene.worker.receive(viewer.rtcp([.genericNACK(nack)]), from: viewer.address) }
        #expect(scene.worker.report().counters.retransmissions == 10)
        scene.worker.run(until: scene.worker.now + .milliseconds(25))
        scene.worker.receive(viewer.rtcp([.genericNACK(nack)]), from: viewer.address)
        #expect(scene.worker.report().counters.retransmissions == 20)
    }

    @Test func `retransmissions are rationed`() throws {
        let scene = try Scene()
        let viewer = try scene.join()
        scene.play(frames: 150, firstIsKey: true)
        let media = scene.worker.sink.take().filter { $0.to == viewer.address && !RTCPType.isRTCP($0.bytes.span) }
        let sent = media.map { UInt16($0.bytes[2]) << 8 | UInt16($0.bytes[3]) }
        let nack = GenericNACK(senderSSRC: 5, mediaSSRC: 1000, lost: sent)
        scene.worker.receive(viewer.rtcp([.genericNACK(nack)]), from: viewer.address)
        #expect(scene.worker.report().counters.retransmissions == 256)
    }

    @Test func `a publisher that only seemed to answer requests keeps one joiner waiting, and not the next`() throws {
        let scene = try Scene()
        scene.play(frames: 87, firstIsKey: true)
        // Asked 100 ms before the key frame that was due anyway.
        try scene.join()
        scene.play(frames: 3)
        scene.play(frames: 75, firstIsKey: true)
        _ = scene.worker.sink.take()
        let first = try scene.join()
        #expect(scene.received(by: first, from: scene.worker.sink.take()).counters.isEmpty)
        scene.play(frames: 11)
        #expect(!scene.received(by: first, from: scene.worker.sink.take()).counters.isEmpty)
        let second = try scene.join()
        #expect(!scene.received(by: second, from: scene.worker.sink.take()).counters.isEmpty)
    }

    @Test func `many viewers that want a key frame cost the publisher one request`() throws {
        let scene = try Scene()
        scene.play(frames: 3, firstIsKey: true)
        for _ in 0..<10 { try scene.join() }
        _ = scene.worker.sink.take()
        for (client, ssrc) in scene.viewers {
            let pli = RTCPPacket.pictureLossIndication(senderSSRC: 5, mediaSSRC: ssrc)
            scene.worker.receive(client.rtcp([pli]), from: client.address)
        }
        let requests = scene.worker.sink.take().filter { $0.to == scene.camera.client.address }
            .flatMap { scene.camera.client.openRTCP($0.bytes) }
            .filter { if case .pictureLossIndication = $0 { true } else { false } }
        #expect(requests == [.pictureLossIndication(senderSSRC: requests.first!.senderSSRC!, mediaSSRC: 0x1111)])
    }

    @Test func `a silent session ends after thirty seconds`() throws {
        let scene = try Scene()
        _ = try scene.join()
        scene.worker.run(until: scene.worker.now.advanced(by: .seconds(29)))
        #expect(scene.worker.report().viewers == 1)
        scene.worker.run(until: scene.worker.now.advanced(by: .seconds(3)))
        #expect(scene.worker.report().viewers == 0)
        #expect(scene.worker.report().publishers == 0)
        #expect(scene.worker.events.contains { if case .ended(10, .consentExpired) = $0 { true } else { false } })
    }

    @Test func `binding requests keep a session alive`() throws {
        let scene = try Scene()
        let viewer = try scene.join()
        for _ in 0..<10 {
            scene.worker.run(until: scene.worker.now.advanced(by: .seconds(20)))
            scene.worker.receive(viewer.bindingRequest(), from: viewer.address)
        }
        #expect(scene.worker.report().viewers == 1)
    }

    @Test func `strangers get no answer`() throws {
        let scene = try Scene()
        let stranger = TransportAddress(ipv4: 0x7F00_0002, port: 9)
        var generator = SeededGenerator(seed: 3)
        var request = try VirtualClient(id: 99).bindingRequest()
        scene.worker.receive(request, from: stranger)
        request = scene.camera.client.bindingRequest()
        request[request.count - 10] ^= 1
        scene.worker.receive(request, from: stranger)
        scene.worker.receive([22, 254, 253] + [UInt8](repeating: 0, count: 100), from: stranger)
        for _ in 0..<1000 {
            let garbage = (0..<Int.random(in: 0..<200, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            scene.worker.receive(garbage, from: stranger)
            scene.worker.receive(garbage, from: scene.camera.client.address)
        }
        #expect(scene.worker.sink.take().isEmpty)
        #expect(scene.worker.report().publishers == 1)
    }

    @Test func `replayed and forged media is refused`() throws {
        let scene = try Scene()
        let viewer = try scene.join()
        let frame = scene.camera.frame(isKeyFrame: true)
        for _ in 0..<3 { for datagram in frame { scene.worker.receive(datagram, from: scene.camera.client.address) } }
        var forged = scene.camera.frame(isKeyFrame: false)[0]
        forged[20] ^= 1
        scene.worker.receive(forged, from: scene.camera.client.address)
        #expect(scene.received(by: viewer, from: scene.worker.sink.take()).counters == [0, 1, 2])
        #expect(scene.worker.report().counters.datagramsRefused == 7)
    }

    @Test func `what a full socket refuses leaves later, in order and without a gap`() throws {
        let scene = try Scene()
        let viewer = try scene.join()
        scene.play(frames: 5, firstIsKey: true)
        scene.worker.sink.room = 4
        scene.play(frames: 5)
        #expect(scene.worker.isBlocked)
        while scene.worker.isBlocked {
            scene.worker.sink.room = 2
            scene.worker.resume()
        }
        scene.worker.sink.room = nil
        scene.worker.resume()
        scene.play(frames: 1)
        let received = scene.received(by: viewer, from: scene.worker.sink.take())
        #expect(received.counters == Array(0..<33))
        #expect(received.isContinuous)
    }

    @Test func `a viewer that is held up too long goes on at a key frame`() throws {
        let scene = try Scene()
        let viewer = try scene.join()
        scene.play(frames: 5, firstIsKey: true)
        scene.worker.sink.room = 0
        scene.play(frames: 90, keyFrameEvery: 88)
        scene.worker.sink.room = nil
        scene.worker.resume()
        scene.play(frames: 10)
        let received = scene.received(by: viewer, from: scene.worker.sink.take())
        #expect(received.isContinuous)
        #expect(received.counters.count < 90 * 3)
        #expect(received.counters.last == scene.camera.counter - 1)
    }

    @Test func `sender reports describe the live mapping`() throws {
        let scene = try Scene()
        scene.play(frames: 30, firstIsKey: true)
        let viewer = try scene.join()
        scene.play(frames: 40)
        let datagrams = scene.worker.sink.take().filter { $0.to == viewer.address }
        let reports = datagrams.flatMap { viewer.openRTCP($0.bytes) }.compactMap { packet in
            if case .senderReport(let report) = packet { report } else { nil as SenderReport? }
        }
        #expect(reports.count >= 2)
        let received = scene.received(by: viewer, from: datagrams)
        let newest = try #require(received.timestamps.last)
        let report = try #require(reports.last)
        // The report was made within the last second of the newest frame's clock.
        #expect(abs(Int32(bitPattern: newest &- report.rtpTimestamp)) < 100_000)
        let first = try #require(reports.first)
        let elapsed = report.ntpTime.since(first.ntpTime)
        let ticks = Int64(Int32(bitPattern: report.rtpTimestamp &- first.rtpTimestamp))
        #expect(abs(ticks - elapsed.ticks(atRate: 90_000)) < 900)
    }

    @Test func `ten thousand joins and leaves leave nothing behind`() throws {
        let scene = try Scene()
        scene.play(frames: 3, firstIsKey: true)
        let before = scene.worker.report()
        for round in 0..<10_000 {
            let client = try VirtualClient(id: PeerID(100 + round))
            let sender = PlaybackSender(mid: "0", trackIndex: 0, payloadType: 96, ssrc: 9)
            scene.worker.perform(
                .addViewer(client.specification, [PlaybackBinding(track: scene.track, sender: sender)])
            )
            if round % 3 != 0 { client.connect(to: scene.worker) }
            scene.worker.perform(.removePeer(client.id, .requested))
            _ = scene.worker.sink.take()
        }
        let after = scene.worker.report()
        #expect(after.viewers == 0)
        #expect(after.tracks[0].viewers == 0)
        #expect(after.tracks[0].bufferedBytes == before.tracks[0].bufferedBytes)
        // The publisher is still there, and its next viewer gets a picture.
        let viewer = try scene.join()
        scene.play(frames: 2)
        #expect(!scene.received(by: viewer, from: scene.worker.sink.take()).counters.isEmpty)
    }
}

extension RTCPPacket {
    fileprivate var senderSSRC: UInt32? {
        if case .pictureLossIndication(let sender, _) = self { sender } else { nil }
    }
}

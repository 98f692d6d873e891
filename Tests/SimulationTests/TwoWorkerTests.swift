import Media
import MediaIO
import Primitives
import RTP
import Testing
import WebRTC

/// Two workers on one port: the kernel gives a flow to either.
@Suite("Two media workers")
struct TwoWorkerTests {
    private func exchange(_ workers: [VirtualWorker]) {
        var isQuiet = false
        while !isQuiet {
            isQuiet = true
            for worker in workers {
                for message in worker.takeMessages() {
                    isQuiet = false
                    workers[message.worker].perform(message.command)
                }
            }
        }
    }

    @Test func `a viewer on the other worker gets the same packets, the group of pictures included`() throws {
        let workers = [VirtualWorker(number: 0, count: 2), VirtualWorker(number: 1, count: 2)]
        let camera = VirtualCamera(client: try VirtualClient(id: 1))
        workers[0].perform(.addTrack(.init(id: 1, codec: .h264, owner: 0)))
        workers[0].perform(
            .addPublisher(
                camera.client.specification,
                [IngestBinding(track: 1, negotiated: VirtualCamera.track())]
            )
        )
        camera.client.connect(to: workers[0])
        func play(_ frames: Int, firstIsKey: Bool) {
            for index in 0..<frames {
                for datagram in camera.frame(isKeyFrame: firstIsKey && index == 0) {
                    workers[0].receive(datagram, from: camera.client.address)
                }
                exchange(workers)
                let next = workers[0].now.advanced(by: .milliseconds(33))
                for worker in workers { worker.run(until: next) }
                exchange(workers)
            }
        }
        play(10, firstIsKey: true)
        workers[1].perform(.addTrack(.init(id: 1, codec: .h264, owner: 0)))
        workers[0].perform(.startRelay(1, worker: 1))
        exchange(workers)
        let viewer = try VirtualClient(id: 2, worker: 1)
        let sender = PlaybackSender(mid: "0", trackIndex: 0, payloadType: 96, ssrc: 7, supportsPLI: true)
        workers[1].perform(.addViewer(viewer.specification, [PlaybackBinding(track: 1, sender: sender)]))
        viewer.connect(to: workers[1])
        play(10, firstIsKey: false)
        var received = Received()
        for datagram in workers[1].sink.take() where datagram.to == viewer.address {
            if let packet = viewer.open(datagram.bytes) { received.add(packet) }
        }
        #expect(received.counters == Array(0..<60))
        #expect(received.isContinuous)

        // Its wish for a key frame reaches the publisher.
        _ = workers[0].sink.take()
        workers[1].receive(
            viewer.rtcp([RTCPPacket.pictureLossIndication(senderSSRC: 1, mediaSSRC: 7)]),
            from: viewer.address
        )
        exchange(workers)
        let asked = workers[0].sink.take().flatMap { camera.client.openRTCP($0.bytes) }
        #expect(asked.contains { if case .pictureLossIndication = $0 { true } else { false } })
    }

    @Test func `datagrams that arrive at the wrong worker are passed to the owner of their session`() throws {
        let workers = [VirtualWorker(number: 0, count: 2), VirtualWorker(number: 1, count: 2)]
        let camera = VirtualCamera(client: try VirtualClient(id: 1, worker: 1))
        workers[1].perform(.addTrack(.init(id: 1, codec: .h264, owner: 1)))
        workers[1].perform(
            .addPublisher(
                camera.client.specification,
                [IngestBinding(track: 1, negotiated: VirtualCamera.track())]
            )
        )
        // The Binding request carries the owner in its username; before it, media from there is nobody's.
        workers[0].receive(camera.frame(isKeyFrame: true)[0], from: camera.client.address)
        #expect(workers[0].takeMessages().isEmpty)
        workers[0].receive(camera.client.bindingRequest(), from: camera.client.address)
        exchange(workers)
        #expect(workers[1].sink.take().count == 1)
        camera.client.connect(to: workers[1])
        exchange(workers)
        // From now on the first worker knows the address.
        for datagram in camera.frame(isKeyFrame: true) { workers[0].receive(datagram, from: camera.client.address) }
        exchange(workers)
        #expect(workers[1].report().tracks[0].packetsReceived == 3)
    }
}

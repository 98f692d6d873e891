import Media
import MediaIO
import Primitives
import Testing
import WebRTC

@Suite("A publisher that sends another codec than the first of its answer")
struct FormatChangeTests {
    @Test func `its packets wait for the new track and none is lost`() throws {
        let worker = VirtualWorker()
        let camera = VirtualCamera(client: try VirtualClient(id: 1))
        let offered = IngestTrack(
            mid: "0", selected: IngestFormat(description: TrackDescription(codec: .vp8), payloadType: 96),
            alternatives: [
                IngestFormat(
                    description: TrackDescription(codec: .h264), payloadType: VirtualCamera.payloadType)
            ])
        worker.perform(.addTrack(.init(id: 1, codec: .vp8, owner: 0)))
        worker.perform(
            .addPublisher(camera.client.specification, [IngestBinding(track: 1, negotiated: offered)]))
        camera.client.connect(to: worker)
        for datagram in camera.frame(isKeyFrame: true) { worker.receive(datagram, from: camera.client.address) }
        let changed = worker.events.compactMap { event in
            if case .formatChanged(1, section: 0, let track) = event { track } else { nil as IngestTrack? }
        }
        #expect(changed.count == 1)
        let negotiated = try #require(changed.first)
        #expect(negotiated.description.codec == .h264)

        worker.perform(.removeTrack(1))
        worker.perform(.addTrack(.init(id: 2, codec: .h264, owner: 0)))
        let viewer = try VirtualClient(id: 2)
        let sender = PlaybackSender(mid: "0", trackIndex: 0, payloadType: 96, ssrc: 7)
        worker.perform(.addViewer(viewer.specification, [PlaybackBinding(track: 2, sender: sender)]))
        viewer.connect(to: worker)
        worker.perform(.rebind(1, section: 0, IngestBinding(track: 2, negotiated: negotiated)))
        for datagram in camera.frame(isKeyFrame: false) { worker.receive(datagram, from: camera.client.address) }
        worker.run(until: .zero.advanced(by: .milliseconds(50)))
        var received = Received()
        for datagram in worker.sink.take() where datagram.to == viewer.address {
            if let packet = viewer.open(datagram.bytes) { received.add(packet) }
        }
        #expect(received.counters == Array(0..<6))
    }
}

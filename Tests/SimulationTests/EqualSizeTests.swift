import MediaIO
import Primitives
import RTP
import TestSupport
import Testing

@Suite("Packets of a frame that are made equal in size")
struct EqualSizeTests {
    /// What one viewer is sent of a frame whose packets have `extra` bytes each beyond 900.
    private func deliver(
        _ extra: [Int]
    ) throws -> (packets: [(header: RTPHeader, payload: [UInt8])], sizes: [Int], messages: Int) {
        let scene = try Scene()
        let viewer = try scene.join(rtx: true)
        scene.play(frames: 3, firstIsKey: true)
        _ = scene.worker.sink.take()
        scene.worker.sink.messages = 0
        for datagram in scene.camera.frame(isKeyFrame: false, packets: extra.count, extra: extra) {
            scene.worker.receive(datagram, from: scene.camera.client.address)
        }
        let messages = scene.worker.sink.messages
        let sent = scene.worker.sink.take().filter { $0.to == viewer.address }
        return (sent.compactMap { viewer.open($0.bytes) }, sent.map(\.bytes.count), messages)
    }

    @Test(arguments: [
        [0, 0, 0, 1, 1],
        [1, 1, 0, 0, 0],
        [0, 8, 3, 8, -400],
        [5, 0, 2],
    ])
    func `a few bytes of padding make one run of a frame, and payloads stay as they were`(extra: [Int]) throws {
        let (packets, sizes, messages) = try deliver(extra)
        #expect(packets.map(\.payload.count) == extra.map { 906 + $0 })
        #expect(packets.allSatisfy { $0.payload.dropFirst(6).allSatisfy { $0 == 0xAB } })
        #expect(Set(sizes.dropLast()).count == 1)
        #expect(sizes.last! <= sizes[0])
        #expect(messages == 1)
    }

    @Test func `packets that differ by more stay as they are`() throws {
        let (packets, sizes, messages) = try deliver([0, 9, 0, 9])
        #expect(packets.map(\.payload.count) == [906, 915, 906, 915])
        #expect(Set(sizes) == [sizes[0], sizes[0] + 9])
        #expect(messages == 3)
    }

    @Test(arguments: [false, true])
    func `a padded packet is sent again: by RTX its payload alone, else the same datagram`(rtx: Bool) throws {
        let scene = try Scene()
        let viewer = try scene.join(rtx: rtx)
        scene.play(frames: 3, firstIsKey: true)
        _ = scene.worker.sink.take()
        for datagram in scene.camera.frame(isKeyFrame: false, extra: [0, 1, 1]) {
            scene.worker.receive(datagram, from: scene.camera.client.address)
        }
        let first = try #require(scene.worker.sink.take().first { $0.to == viewer.address })
        let packet = try #require(viewer.open(first.bytes))
        scene.worker.run(until: scene.worker.now.advanced(by: .milliseconds(50)))
        // Not the reports.
        _ = scene.worker.sink.take()
        let nack = GenericNACK(
            senderSSRC: 5, mediaSSRC: packet.header.ssrc, lost: [packet.header.sequenceNumber])
        scene.worker.receive(viewer.rtcp([.genericNACK(nack)]), from: viewer.address)
        let again = try #require(scene.worker.sink.take().first { $0.to == viewer.address })
        if rtx {
            let repeated = try #require(viewer.open(again.bytes))
            #expect(Array(repeated.payload.dropFirst(2)) == packet.payload)
        } else {
            #expect(again.bytes == first.bytes)
        }
    }
}

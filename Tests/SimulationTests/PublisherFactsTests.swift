import Media
import MediaIO
import Primitives
import RTP
import Testing

@Suite("What a worker tells about a publisher")
struct PublisherFactsTests {
    private let worker = VirtualWorker()
    private let camera: VirtualCamera

    init() throws {
        camera = VirtualCamera(client: try VirtualClient(id: 1))
        worker.perform(.addTrack(.init(id: 1, codec: .h264, owner: 0)))
        worker.perform(
            .addPublisher(
                camera.client.specification, [IngestBinding(track: 1, negotiated: VirtualCamera.track())]))
        camera.client.connect(to: worker)
    }

    private func send(_ parameterSet: [UInt8], timestamp: UInt32) {
        camera.sequence += 1
        worker.receive(
            camera.client.packet(
                payloadType: VirtualCamera.payloadType, sequence: camera.sequence, timestamp: timestamp,
                ssrc: camera.ssrc, marker: true, payload: parameterSet),
            from: camera.client.address)
    }

    private var told: [[UInt8]] {
        worker.events.compactMap { event in
            if case .parameterSetChanged(1, let unit) = event { unit } else { nil }
        }
    }

    private func report() throws -> MediaReport.Track {
        let box = Box()
        worker.perform(.report(MediaReportRequest { box.report = $0 }))
        return try #require(box.report?.tracks.first)
    }

    @Test func `a parameter set is told when it changes, not when it is repeated`() {
        send([0x67, 1, 2], timestamp: 1000)
        send([0x67, 1, 2], timestamp: 4000)
        #expect(told == [[0x67, 1, 2]])
        worker.run(until: .zero.advanced(by: .seconds(2)))
        send([0x67, 3, 4], timestamp: 184_000)
        #expect(told == [[0x67, 1, 2], [0x67, 3, 4]])
    }

    @Test func `a publisher that changes with every packet is told of once a second`() {
        for number in 0..<200 { send([0x67, UInt8(number)], timestamp: 1000 + UInt32(number)) }
        #expect(told.count == 1)
        worker.run(until: .zero.advanced(by: .seconds(1)))
        send([0x67, 0xFF], timestamp: 91_000)
        #expect(told.count == 2)
    }

    @Test func `the size of VP8 is told when it changes`() throws {
        let other = VirtualWorker()
        let camera = VirtualCamera(client: try VirtualClient(id: 2))
        other.perform(.addTrack(.init(id: 1, codec: .vp8, owner: 0)))
        other.perform(
            .addPublisher(
                camera.client.specification, [IngestBinding(track: 1, negotiated: VirtualCamera.track())]))
        camera.client.connect(to: other)
        func send(width: UInt8) {
            camera.sequence += 1
            other.receive(
                camera.client.packet(
                    payloadType: VirtualCamera.payloadType, sequence: camera.sequence,
                    timestamp: camera.sequence * 3000, ssrc: camera.ssrc, marker: true,
                    payload: [0x10, 0x10, 0, 0, 0x9D, 0x01, 0x2A, width, 1, 64, 0, 7]),
                from: camera.client.address)
        }
        for width: UInt8 in [1, 1, 2] { send(width: width) }
        other.run(until: .zero.advanced(by: .seconds(2)))
        for width: UInt8 in [3, 3] { send(width: width) }
        let told = other.events.compactMap { event in
            if case .pictureSizeChanged(1, let size) = event { size.width } else { nil }
        }
        // The second change came within a second of the first.
        #expect(told == [257, 259])
    }

    @Test func `timestamps that jump are counted`() throws {
        send([0x67, 1], timestamp: 1000)
        #expect(try report().clockJumps == 0)
        send([0x67, 1], timestamp: 90_000_000)
        send([0x67, 1], timestamp: 90_003_000)
        #expect(try report().clockJumps == 1)
        send([0x67, 1], timestamp: 2000)
        #expect(try report().clockJumps == 2)
    }

    @Test func `a clock is the publisher's own from its first sender report on`() throws {
        send([0x67, 1], timestamp: 1000)
        #expect(try report().hasPublisherClock == false)
        let clock = SenderReport(
            ssrc: camera.ssrc, ntpTime: NTPTime(unixNanoseconds: 1_790_000_000_000_000_000), rtpTimestamp: 1000,
            packetCount: 1, octetCount: 1)
        worker.receive(camera.client.rtcp([.senderReport(clock)]), from: camera.client.address)
        #expect(try report().hasPublisherClock)
    }

    @Test func `what a publisher lost is still counted when it has gone`() throws {
        send([0x67, 1], timestamp: 1000)
        camera.sequence += 10
        send([0x67, 1], timestamp: 4000)
        func lost() throws -> Int {
            let box = Box()
            worker.perform(.report(MediaReportRequest { box.report = $0 }))
            return try #require(box.report).counters.packetsLostInbound
        }
        let before = try lost()
        #expect(before > 0)
        worker.perform(.removePeer(1, .requested))
        #expect(try lost() == before)
    }

    @Test func `a track of frames asks those who make them for a key frame`() throws {
        worker.perform(.addTrack(.init(id: 2, codec: .h264, owner: 0)))
        worker.perform(.requestKeyFrame(2))
        worker.perform(.requestKeyFrame(2))
        let asked = worker.events.count { if case .keyFrameRequested(2) = $0 { true } else { false } }
        #expect(asked == 1)
    }

    private final class Box: @unchecked Sendable {
        // Written and read by the test's thread alone: a report is answered before `perform` returns.
        var report: MediaReport?
    }
}

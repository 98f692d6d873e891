import MediaIO
import Primitives
import RTP
import TestSupport
import Testing
import WebRTC

@Suite("Capture times to viewers")
struct CaptureTimeTests {
    private static let id: UInt8 = 7
    private static let wallClock: Int64 = 1_790_000_000_000_000_000

    /// A scene whose publisher may say when it captured, and a viewer who wants to know.
    private static func watch(from frames: Int = 0) throws -> (scene: Scene, viewer: VirtualClient) {
        let scene = try Scene(captureTime: id)
        if frames > 0 { scene.play(frames: frames, firstIsKey: true) }
        return (scene, try scene.join(rtx: true, transportCC: VirtualDownlink.transportCC, captureTime: id))
    }

    /// What the viewer's packets say: a time, or nothing.
    private static func times(
        _ scene: Scene, _ viewer: VirtualClient
    ) -> [(header: RTPHeader, capturedAt: NTPTime?)] {
        scene.worker.sink.take().filter { $0.to == viewer.address }.compactMap { datagram in
            guard let packet = viewer.openWhole(datagram.bytes), let header = try? RTPHeader(parsing: packet.span)
            else { return nil }
            let range = RTPHeaderExtensions.first(id: id, header: header, in: packet.span)
            return (header, range.flatMap { AbsoluteCaptureTime(parsing: packet.span.extracting($0))?.capturedAt })
        }
    }

    @Test func `about one packet in a second says when it was captured, and each key frame`() throws {
        let (scene, viewer) = try Self.watch()
        var told = 0
        var toldOfKeyFrames = 0
        var packets = 0
        for frame in 0..<300 {
            let now = scene.worker.now
            scene.play(frames: 1, firstIsKey: frame % 45 == 0)
            for (index, packet) in Self.times(scene, viewer).enumerated() {
                packets += 1
                guard let capturedAt = packet.capturedAt else { continue }
                told += 1
                if frame % 45 == 0, index == 0 { toldOfKeyFrames += 1 }
                #expect(abs(capturedAt.unixNanoseconds - Self.wallClock - now.nanoseconds) < 2_000_000)
            }
        }
        #expect(packets == 900)
        // The first key frame is the replay.
        #expect(toldOfKeyFrames == 6)
        #expect((10...20).contains(told))
    }

    @Test func `a replay says nothing, for its timestamps are squeezed`() throws {
        let (scene, viewer) = try Self.watch(from: 20)
        scene.play(frames: 30)
        let packets = Self.times(scene, viewer)
        #expect(packets.count == 150)
        #expect(packets.prefix(60).allSatisfy { $0.capturedAt == nil })
        #expect(packets.dropFirst(60).contains { $0.capturedAt != nil })
    }

    @Test func `a viewer who did not ask is told nothing`() throws {
        let scene = try Scene(captureTime: Self.id)
        let viewer = try scene.join(rtx: true, transportCC: VirtualDownlink.transportCC)
        scene.play(frames: 90, firstIsKey: true)
        #expect(Self.times(scene, viewer).allSatisfy { $0.capturedAt == nil })
    }

    @Test(arguments: [0, 250, 4_000] as [Int64])
    func `what a publisher says is passed on by our clock`(delay: Int64) throws {
        let (scene, viewer) = try Self.watch()
        // The publisher's clock is wrong by more than an hour.
        let theirs: Int64 = 4_000_000_000_000
        var told: [Int64] = []
        for frame in 0..<120 {
            let now = scene.worker.now
            let clock = NTPTime(unixNanoseconds: Self.wallClock + now.nanoseconds + theirs)
            if frame % 30 == 1 {
                let report = SenderReport(
                    ssrc: scene.camera.ssrc, ntpTime: clock, rtpTimestamp: scene.camera.timestamp &+ 3000,
                    packetCount: 0, octetCount: 0)
                scene.worker.receive(
                    scene.camera.client.rtcp([.senderReport(report)]), from: scene.camera.client.address)
            }
            scene.camera.capturedAt = NTPTime(unixNanoseconds: clock.unixNanoseconds - delay * 1_000_000)
            scene.play(frames: 1, firstIsKey: frame % 45 == 0)
            for packet in Self.times(scene, viewer) {
                guard let capturedAt = packet.capturedAt, frame > 35 else { continue }
                told.append(capturedAt.unixNanoseconds - Self.wallClock - now.nanoseconds)
            }
        }
        #expect(told.count >= 3)
        #expect(told.allSatisfy { abs($0 + delay * 1_000_000) < 3_000_000 })
    }

    @Test func `a capture time from the future or long ago is not believed`() throws {
        for wrong in [-10, 3_600] as [Int64] {
            let (scene, viewer) = try Self.watch()
            for frame in 0..<90 {
                let now = scene.worker.now
                let clock = NTPTime(unixNanoseconds: Self.wallClock + now.nanoseconds)
                let report = SenderReport(
                    ssrc: scene.camera.ssrc, ntpTime: clock, rtpTimestamp: scene.camera.timestamp &+ 3000,
                    packetCount: 0, octetCount: 0)
                scene.worker.receive(
                    scene.camera.client.rtcp([.senderReport(report)]), from: scene.camera.client.address)
                scene.camera.capturedAt = NTPTime(unixNanoseconds: clock.unixNanoseconds - wrong * 1_000_000_000)
                scene.play(frames: 1, firstIsKey: frame == 0)
                for packet in Self.times(scene, viewer) {
                    guard let capturedAt = packet.capturedAt else { continue }
                    #expect(abs(capturedAt.unixNanoseconds - Self.wallClock - now.nanoseconds) < 3_000_000)
                }
            }
        }
    }
}

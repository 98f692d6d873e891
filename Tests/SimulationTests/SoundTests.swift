import Media
import MediaIO
import Primitives
import RTP
import SFU
import TestSupport
import Testing
import WebRTC

/// A publisher of Opus and one viewer, 20 ms a step of virtual time.
private final class SoundScene {
    static let red: UInt8 = 63
    let worker = VirtualWorker()
    let microphone: VirtualClient
    let viewer: VirtualClient
    private var statistics = ReceptionStatistics(clockRate: 48_000)
    private var sequences = SequenceUnwrapper()
    /// When the last packet was sent, which is when it arrives.
    private var sentAt = Instant.zero
    var sequence: UInt32 = 500
    var timestamp: UInt32 = 10_000
    private(set) var packets: [(header: RTPHeader, payload: [UInt8])] = []
    /// Frames that the viewer could play: each begins with its number.
    private(set) var heard: Set<UInt32> = []
    private(set) var bytes = 0

    init(takesRED: Bool = true) throws {
        microphone = try VirtualClient(id: 1)
        viewer = try VirtualClient(id: 2)
        let track = IngestTrack(
            mid: "0",
            selected: IngestFormat(
                description: TrackDescription(codec: .opus), payloadType: 111, redPayloadType: Self.red))
        worker.perform(.addTrack(.init(id: 1, codec: .opus, owner: 0)))
        worker.perform(.addPublisher(microphone.specification, [IngestBinding(track: 1, negotiated: track)]))
        microphone.connect(to: worker)
        let sender = PlaybackSender(
            mid: "0", trackIndex: 0, payloadType: 111, redPayloadType: takesRED ? Self.red : nil, ssrc: 70)
        worker.perform(.addViewer(viewer.specification, [PlaybackBinding(track: 1, sender: sender)]))
        viewer.connect(to: worker)
        _ = worker.sink.take()
    }

    static func frame(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) } + [UInt8](repeating: 0x5A, count: 76)
    }

    /// Sends a packet as it is, and moves on by `ticks`.
    func send(_ payload: [UInt8], payloadType: UInt8 = 111, marker: Bool = false, ticks: UInt32 = 960) {
        sentAt = worker.now
        worker.receive(
            microphone.packet(
                payloadType: payloadType, sequence: sequence, timestamp: timestamp, ssrc: 0x2222, marker: marker,
                payload: payload), from: microphone.address)
        advance(ticks: ticks)
    }

    /// A packet that never came.
    func skip() { advance(ticks: 960) }

    private func advance(ticks: UInt32) {
        sequence += 1
        timestamp &+= ticks
        worker.run(until: worker.now + Interval(ticks: Int64(ticks), atRate: 48_000))
    }

    /// Lets the viewer have what was sent, but for what `loses` says.
    func deliver(losing loses: () -> Bool = { false }) {
        for datagram in worker.sink.take() where datagram.to == viewer.address {
            guard let packet = viewer.open(datagram.bytes) else { continue }
            bytes += datagram.bytes.count
            guard !loses() else { continue }
            packets.append(packet)
            statistics.receive(
                sequence: sequences.unwrap(packet.header.sequenceNumber), timestamp: packet.header.timestamp,
                at: sentAt)
            hear(packet.header, packet.payload)
        }
    }

    private func hear(_ header: RTPHeader, _ payload: [UInt8]) {
        func number(_ frame: ArraySlice<UInt8>) -> UInt32 { frame.prefix(4).reduce(0) { $0 << 8 | UInt32($1) } }
        guard header.payloadType == Self.red else {
            heard.insert(number(payload[...]))
            return
        }
        guard let parsed = try? RedundantPayload(parsing: payload.span) else { return }
        for block in parsed.blocks where block.payloadType == 111 { heard.insert(number(payload[block.range])) }
    }

    /// What the worker has found out about the microphone.
    func facts() -> MediaReport.Track? { worker.report().tracks.first }

    @discardableResult
    func report() -> ReportBlock {
        let block = statistics.report(ssrc: 70, at: worker.now)
        worker.receive(
            viewer.rtcp([.receiverReport(ReceiverReport(ssrc: 6, reportBlocks: [block]))]), from: viewer.address)
        return block
    }
}

@Suite("Sound: redundancy, silence")
struct SoundTests {
    @Test(arguments: [0.02, 0.1, 0.2], [1, 2, 3] as [UInt64])
    func `who loses packets loses few frames`(part: Double, seed: UInt64) throws {
        let scene = try SoundScene()
        var random = SeededGenerator(seed: seed)
        // Two minutes, with a report each second.
        let count: UInt32 = 6_000
        for number in 0..<count {
            scene.send(SoundScene.frame(number))
            scene.deliver { Double.random(in: 0..<1, using: &random) < part }
            if number % 50 == 49 { scene.report() }
        }
        let lost = Double(Int(count) - scene.heard.count) / Double(count)
        #expect(lost < max(part / 5, 0.005))
        #expect(scene.packets.contains { $0.header.payloadType == SoundScene.red })
        // Numbers go on as before, whatever the payload type.
        let numbers = scene.packets.map(\.header.sequenceNumber)
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { Int16(bitPattern: $1 &- $0) > 0 })
    }

    @Test func `a clean path is sent plain frames, and a path that has become clean too`() throws {
        let scene = try SoundScene()
        var number: UInt32 = 0
        func play(seconds: Int, losing loses: () -> Bool = { false }) {
            for step in 0..<seconds * 50 {
                scene.send(SoundScene.frame(number))
                number += 1
                scene.deliver(losing: loses)
                if step % 50 == 49 { scene.report() }
            }
        }
        play(seconds: 5)
        #expect(scene.packets.allSatisfy { $0.header.payloadType == 111 })
        var count = 0
        play(seconds: 5) {
            count += 1
            return count % 10 == 0
        }
        #expect(scene.packets.suffix(50).allSatisfy { $0.header.payloadType == SoundScene.red })
        play(seconds: 13)
        #expect(scene.packets.suffix(50).allSatisfy { $0.header.payloadType == 111 })
    }

    @Test func `a viewer that does not take it is never sent it`() throws {
        let scene = try SoundScene(takesRED: false)
        for number in 0..<500 as Range<UInt32> {
            scene.send(SoundScene.frame(number))
            scene.deliver { number % 5 == 0 }
            if number % 50 == 49 { scene.report() }
        }
        #expect(scene.packets.allSatisfy { $0.header.payloadType == 111 })
    }

    @Test func `what a publisher repeats fills its gaps, and viewers see plain frames in order`() throws {
        let scene = try SoundScene()
        func red(_ number: UInt32) -> [UInt8] {
            let earlier = SoundScene.frame(number - 1)
            let header = RedundantPayload.redundantHeader(
                payloadType: 111, timestampOffset: 960, length: earlier.count)
            let bytes = (0..<4).map { UInt8(truncatingIfNeeded: header >> (24 - 8 * UInt32($0))) }
            return bytes + [111] + earlier + SoundScene.frame(number)
        }
        scene.send(SoundScene.frame(0), marker: true)
        for number in 1..<100 as Range<UInt32> {
            if number % 7 == 3 { scene.skip() } else { scene.send(red(number), payloadType: SoundScene.red) }
            scene.deliver()
        }
        // A viewer who waits begins behind the first packet.
        #expect(scene.heard == Set(1..<100))
        #expect(scene.packets.count == 99)
        #expect(scene.packets.allSatisfy { $0.header.payloadType == 111 && $0.payload.count == 80 })
        let order = zip(scene.packets, scene.packets.dropFirst())
        #expect(order.allSatisfy { $1.header.sequenceNumber == $0.header.sequenceNumber &+ 1 })
        #expect(order.allSatisfy { $1.header.timestamp == $0.header.timestamp &+ 960 })
    }

    @Test func `garbage in a redundant packet is refused`() throws {
        let scene = try SoundScene()
        scene.send(SoundScene.frame(0))
        scene.send(SoundScene.frame(1))
        let before = scene.worker.report().counters.datagramsRefused
        for payload in [[], [0xEF], [0xEF, 0, 0], [0xEF, 0x0F, 0, 200, 0x6F, 1]] as [[UInt8]] {
            scene.send(payload, payloadType: SoundScene.red)
        }
        scene.deliver()
        #expect(scene.worker.report().counters.datagramsRefused == before + 4)
        #expect(scene.heard == [1])
    }

    @Test func `pauses of a microphone are neither loss nor jitter, and times go on`() throws {
        let scene = try SoundScene()
        for number in 0..<400 as Range<UInt32> {
            // Half a second of speech, and then only what keeps the silence alive (DTX).
            let isPause = number % 50 >= 25
            scene.send(isPause ? [0xF8, 0xFF, 0xFE] : SoundScene.frame(number), ticks: isPause ? 19_200 : 960)
            scene.deliver()
        }
        let block = scene.report()
        #expect(block.cumulativeLost == 0 && block.fractionLost == 0)
        // Two milliseconds.
        #expect(block.jitter <= 96)
        let times = zip(scene.packets, scene.packets.dropFirst()).map { $1.header.timestamp &- $0.header.timestamp }
        #expect(Set(times) == [960, 19_200])
        let facts = try #require(scene.facts())
        #expect(facts.packetsLost == 0 && facts.jitter.map { $0 < 0.002 } ?? false)
    }

    @Test func `silence keeps its length, and the marker of the talk spurt behind it`() throws {
        let scene = try SoundScene()
        var number: UInt32 = 0
        // Opus sends a packet each 400 ms while nobody speaks (RFC 7587 §3.1.3).
        for _ in 0..<20 {
            for step in 0..<25 {
                scene.send(SoundScene.frame(number), marker: step == 0, ticks: step == 24 ? 19_200 : 960)
                number += 1
                scene.deliver { number % 10 == 0 }
            }
            scene.report()
        }
        for packet in scene.packets {
            let isFirst = (packet.header.payloadType == 111 ? packet.payload[3] : 1) % 25 == 0
            if packet.header.payloadType == 111, packet.payload[2] == 0, isFirst { #expect(packet.header.marker) }
        }
        let starts = scene.packets.filter(\.header.marker).map(\.header.timestamp)
        #expect(starts.count >= 15)
        #expect(zip(starts, starts.dropFirst()).allSatisfy { ($1 &- $0) % (24 * 960 + 19_200) == 0 })
        // A frame from before the silence is too old to be repeated behind it.
        #expect(scene.packets.filter(\.header.marker).allSatisfy { $0.header.payloadType == 111 })
    }
}

import Media
import MediaIO
import Primitives
import RTP
import TestSupport
import Testing
import WebRTC

/// A worker whose tracks are read as frames, in virtual time.
private final class TapScene {
    static let sets: [[UInt8]] = [
        [0x67, 0x42, 0xC0, 0x1E, 0xD9, 0x00, 0xA4, 0x2F, 0xE2, 0x24, 0xC0, 0x44], [0x68, 0xCB, 0x83, 0xCB, 0x20],
    ]

    let worker = VirtualWorker()
    private(set) var assembler = TapAssembler(tracks: [])
    private(set) var frames: [EncodedFrame] = []
    private(set) var configurations: [CodecConfiguration] = []
    private(set) var beginnings: [Set<MediaKind>] = []
    private(set) var keyFrameRequests: [TrackID] = []
    private var tap: TapID = 0

    func open(_ tracks: [TapSpecification.Track]) {
        tap += 1
        assembler = TapAssembler(tracks: tracks)
        worker.perform(.startTap(tap, tracks.flatMap(\.layers)))
        take()
    }

    /// What `FrameThread` does.
    func take() {
        for packets in worker.takeTapped() { assembler.receive(packets, at: worker.now) }
        if let due = assembler.deadline, due <= worker.now { assembler.advance(to: worker.now) }
        let (outputs, requests) = assembler.takeOutputs()
        for output in outputs {
            switch output {
            case .began(_, let kinds): beginnings.append(kinds)
            case .configured(let configuration): configurations.append(configuration)
            case .frame(let frame): frames.append(frame)
            case .layerConfigured, .layerFrame: break
            }
        }
        keyFrameRequests += requests
        for track in requests { worker.perform(.requestKeyFrame(track)) }
    }

    func run(_ interval: Interval) {
        worker.run(until: worker.now + interval)
        take()
    }

    /// The camera's number of the first packet of each picture.
    var counters: [UInt32] {
        frames.filter { $0.codec == .h264 }.compactMap { frame in
            let ranges = (try? NALUnits.ranges(lengthPrefixed: frame.payload.span)) ?? []
            let slice = ranges.first { frame.payload[$0.lowerBound] & 0x1F <= 5 }
            return slice.map { range in
                frame.payload[(range.lowerBound + 2)..<(range.lowerBound + 6)].reduce(0) { $0 << 8 | UInt32($1) }
            }
        }
    }
}

@Suite("Packets read as frames")
struct TapTests {
    private let scene = TapScene()
    private let camera: VirtualCamera

    init() throws {
        camera = VirtualCamera(client: try VirtualClient(id: 1))
        camera.parameterSets = TapScene.sets
        scene.worker.perform(.addTrack(.init(id: 1, codec: .h264, owner: 0)))
        publish(camera)
    }

    private func publish(_ camera: VirtualCamera) {
        scene.worker.perform(
            .addPublisher(
                camera.client.specification, [IngestBinding(track: 1, negotiated: VirtualCamera.track())]))
        camera.client.connect(to: scene.worker)
    }

    private func play(_ frames: Int, keyFrameEvery interval: Int = 30, of other: VirtualCamera? = nil) {
        let camera = other ?? camera
        for frame in 0..<frames {
            for datagram in camera.frame(isKeyFrame: frame % interval == 0) {
                scene.worker.receive(datagram, from: camera.client.address)
            }
            scene.take()
            scene.run(Interval(ticks: 3000, atRate: 90_000))
        }
    }

    @Test func `a stream that nobody reads is not copied`() {
        play(10)
        #expect(scene.frames.isEmpty)
        #expect(scene.worker.takeTapped().isEmpty)
    }

    @Test func `whoever comes late gets the group of pictures, and then each frame`() {
        play(40)
        scene.open([.init(codec: .h264, layers: [1])])
        #expect(scene.frames.count == 10)
        #expect(scene.configurations.map(\.codec) == [.h264])
        play(20)
        #expect(scene.counters == Array(stride(from: 90, to: 180, by: 3)))
        #expect(scene.frames.first?.isKeyFrame == true)
        #expect(scene.frames.first?.presentationTime == TapAssembler.leadIn)
        for (last, next) in zip(scene.frames, scene.frames.dropFirst()) {
            #expect((33_000...34_100).contains(next.presentationTime - last.presentationTime))
        }
        #expect(scene.keyFrameRequests.isEmpty)
    }

    @Test func `the pictures of the publisher before are not the next one's`() throws {
        play(40)
        scene.worker.perform(.removePeer(1, .requested))
        let next = VirtualCamera(client: try VirtualClient(id: 2), ssrc: 0x2222, counter: 9_000)
        next.parameterSets = TapScene.sets
        publish(next)
        scene.open([.init(codec: .h264, layers: [1])])
        #expect(scene.frames.isEmpty)
        play(5, of: next)
        #expect(scene.counters == [9_000, 9_003, 9_006, 9_009, 9_012])
        // A reader who comes now gets them too.
        scene.open([.init(codec: .h264, layers: [1])])
        #expect(scene.frames.count == 10)
    }

    @Test func `a tap that another has followed is not ended by its end`() {
        scene.open([.init(codec: .h264, layers: [1])])
        scene.worker.perform(.startTap(7, [1]))
        scene.worker.perform(.stopTap(1, [1]))
        _ = camera.frame(isKeyFrame: true).map { scene.worker.receive($0, from: camera.client.address) }
        #expect(scene.worker.takeTapped().map(\.tap) == [7])
        scene.worker.perform(.stopTap(7, [1]))
        _ = camera.frame(isKeyFrame: true).map { scene.worker.receive($0, from: camera.client.address) }
        #expect(scene.worker.takeTapped().isEmpty)
    }

    @Test func `what is lost costs the frames up to the next key frame, which is asked for`() {
        for seed: UInt64 in 1...5 {
            var generator = SeededGenerator(seed: seed)
            scene.open([.init(codec: .h264, layers: [1])])
            let first = scene.counters.count
            var wantsKeyFrame = true
            var sent: [UInt32: Bool] = [:]
            for _ in 0..<400 {
                let asked = scene.keyFrameRequests.count
                let isKeyFrame = wantsKeyFrame
                sent[camera.counter] = isKeyFrame
                var datagrams = camera.frame(isKeyFrame: isKeyFrame)
                if Int.random(in: 0..<60, using: &generator) == 0 {
                    datagrams.remove(at: Int.random(in: 0..<datagrams.count, using: &generator))
                }
                datagrams.shuffle(using: &generator)
                for datagram in datagrams { scene.worker.receive(datagram, from: camera.client.address) }
                scene.run(Interval(ticks: 3000, atRate: 90_000))
                wantsKeyFrame = scene.keyFrameRequests.count > asked
            }
            let counters = scene.counters.dropFirst(first)
            #expect(counters.count > 150)
            for (last, next) in zip(counters, counters.dropFirst()) {
                #expect(next == last + 3 || sent[next] == true)
            }
        }
        #expect(!scene.keyFrameRequests.isEmpty)
    }

    @Test func `picture and sound come to lie as the sender reports say, step by step`() throws {
        let scene = TapScene()
        scene.worker.perform(.addTrack(.init(id: 1, codec: .h264, owner: 0)))
        scene.worker.perform(.addTrack(.init(id: 2, codec: .opus, owner: 0)))
        let client = try VirtualClient(id: 3)
        let camera = VirtualCamera(client: client)
        camera.parameterSets = TapScene.sets
        let sound = IngestTrack(
            mid: "1",
            selected: IngestFormat(
                description: TrackDescription(codec: .opus, channels: 2), payloadType: 111, rtxPayloadType: nil,
                supportsNACK: false, supportsPLI: false))
        scene.worker.perform(
            .addPublisher(
                client.specification,
                [
                    IngestBinding(track: 1, negotiated: VirtualCamera.track()),
                    IngestBinding(track: 2, negotiated: sound),
                ]))
        client.connect(to: scene.worker)
        scene.open([.init(codec: .h264, layers: [1]), .init(codec: .opus, layers: [2])])
        let wallClock: Int64 = 1_790_000_000_000_000_000
        // Pictures leave the encoder 200 ms after they were taken, sound at once.
        for step in 0..<Int64(750) {
            let now = scene.worker.now
            for datagram in camera.frame(isKeyFrame: step == 0, ticks: 1800) {
                scene.worker.receive(datagram, from: client.address)
            }
            scene.worker.receive(
                client.packet(
                    payloadType: 111, sequence: UInt32(step), timestamp: UInt32(step) * 960, ssrc: 0x3333,
                    marker: false, payload: [0xFC, UInt8(step & 0xFF)]),
                from: client.address)
            if step == 50 {
                let time = NTPTime(unixNanoseconds: wallClock + now.nanoseconds)
                let reports = [(camera.ssrc, camera.timestamp &+ 18_000), (0x3333, UInt32(step) * 960)]
                for (ssrc, timestamp) in reports {
                    let report = SenderReport(
                        ssrc: ssrc, ntpTime: time, rtpTimestamp: timestamp, packetCount: 1, octetCount: 1)
                    scene.worker.receive(client.rtcp([.senderReport(report)]), from: client.address)
                }
            }
            scene.run(.milliseconds(20))
        }
        #expect(scene.beginnings == [[.video, .audio]])
        let pictures = scene.frames.filter { $0.codec == .h264 }
        let sounds = scene.frames.filter { $0.codec == .opus }
        #expect(pictures.count == 750)
        #expect(sounds.count == 750)
        for frames in [pictures, sounds] {
            for (last, next) in zip(frames, frames.dropFirst()) {
                #expect((19_500...20_500).contains(next.decodeTime - last.decodeTime))
            }
        }
        // They arrived together, and belong 200 ms apart.
        let skew = try #require(sounds.last).presentationTime - (try #require(pictures.last).presentationTime)
        #expect((199_000...201_000).contains(skew))
    }
}

@Suite("Simulcast read as frames")
struct SimulcastTapTests {
    private func tapped(_ simulcast: SimulcastScene, seconds: Double, into assembler: inout TapAssembler) -> [UInt8] {
        var marks: [UInt8] = []
        for _ in 0..<Int(seconds * 10) {
            simulcast.play(seconds: 0.1, through: [])
            for packets in simulcast.worker.takeTapped() { assembler.receive(packets, at: simulcast.worker.now) }
            let (outputs, requests) = assembler.takeOutputs()
            for track in requests { simulcast.worker.perform(.requestKeyFrame(track)) }
            for case .frame(let frame) in outputs { marks.append(frame.payload.last ?? 0xFF) }
        }
        return marks
    }

    @Test func `all layers go out beside the highest when they are wanted, in the same times`() throws {
        let simulcast = try SimulcastScene()
        for camera in simulcast.cameras { camera.parameterSets = TapScene.sets }
        let track = TapSpecification.Track(codec: .h264, layers: [1, 2, 3])
        var assembler = TapAssembler(tracks: [track])
        simulcast.worker.perform(.startTap(1, track.layers))
        var times: [TrackID: [Int64]] = [:]
        func play(_ seconds: Int) {
            for _ in 0..<(seconds * 10) {
                simulcast.play(seconds: 0.1, through: [])
                for packets in simulcast.worker.takeTapped() { assembler.receive(packets, at: simulcast.worker.now) }
                let (outputs, requests) = assembler.takeOutputs()
                for track in requests { simulcast.worker.perform(.requestKeyFrame(track)) }
                for output in outputs {
                    switch output {
                    case .frame(let frame): times[0, default: []].append(frame.presentationTime)
                    case .layerFrame(let id, let frame): times[id, default: []].append(frame.presentationTime)
                    default: break
                    }
                }
            }
        }
        play(3)
        #expect(times.keys.sorted() == [0])
        assembler.readsAllLayers = true
        play(4)
        // The highest is the picture itself, and does not come twice.
        #expect(times.keys.sorted() == [0, 2, 3])
        for id: TrackID in [2, 3] {
            let layer = try #require(times[id])
            #expect(layer.count > 60)
            #expect(zip(layer, layer.dropFirst()).allSatisfy { (20_000...50_000).contains($1 - $0) })
            for time in layer.suffix(50) {
                let nearest = times[0]?.map { abs($0 - time) }.min() ?? .max
                #expect(nearest < 20_000)
            }
        }
        // One that becomes the highest goes on for itself.
        simulcast.isSending[0] = false
        let before = times[2]?.count ?? 0
        play(4)
        #expect((times[2]?.count ?? 0) - before > 90)
        assembler.readsAllLayers = false
        let after = times
        play(2)
        #expect(times[2] == after[2] && times[3] == after[3])
    }

    @Test func `the highest layer that flows is read, each from a key frame of its own`() throws {
        let simulcast = try SimulcastScene()
        for camera in simulcast.cameras { camera.parameterSets = TapScene.sets }
        let track = TapSpecification.Track(codec: .h264, layers: [1, 2, 3])
        var assembler = TapAssembler(tracks: [track])
        simulcast.worker.perform(.startTap(1, track.layers))
        #expect(Set(tapped(simulcast, seconds: 4, into: &assembler)) == [0])
        simulcast.isSending[0] = false
        let marks = tapped(simulcast, seconds: 4, into: &assembler)
        #expect(Set(marks).subtracting([0]) == [1])
        #expect(marks.count { $0 == 1 } > 50)
        simulcast.isSending[0] = true
        #expect(tapped(simulcast, seconds: 4, into: &assembler).last == 0)
    }
}

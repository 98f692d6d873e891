import Media
import MediaIO
import Primitives
import RTP
import SFU
import TestSupport
import Testing
import WebRTC

@Suite("Layers inside a stream")
struct LayersInsideTests {
    /// A picture that arrived whole: its last packet's arrival, its layers, and its packets.
    private struct Picture {
        var at: Instant
        var timestamp: UInt32
        var layers: Set<UInt8>
        var hasMarker: Bool
    }

    private struct LostAnswer: Error {}

    /// The temporal layer stands in the sixth byte of VP8's payloads, the spatial one in the fourth of VP9's.
    private static func pictures(_ downlink: VirtualDownlink, isVP9: Bool = false) -> [Picture] {
        downlink.media.reduce(into: []) { pictures, packet in
            let layer = isVP9 ? UInt8(packet.counter >> 16 & 0xFF) >> 1 : UInt8(packet.counter & 0xFF) >> 6
            if pictures.last?.timestamp != packet.header.timestamp {
                pictures.append(
                    Picture(at: packet.at, timestamp: packet.header.timestamp, layers: [], hasMarker: false))
            }
            pictures[pictures.count - 1].at = packet.at
            pictures[pictures.count - 1].layers.insert(layer)
            if packet.header.marker { pictures[pictures.count - 1].hasMarker = true }
        }
    }

    private static func isContinuous(_ media: some Sequence<VirtualDownlink.Arrival>) -> Bool {
        let sequences = media.map(\.header.sequenceNumber)
        return zip(sequences, sequences.dropFirst()).allSatisfy { $1 == $0 &+ 1 }
    }

    private static func longestGap(_ pictures: some Sequence<Picture>) -> Interval {
        let times = pictures.map(\.at)
        return zip(times, times.dropFirst()).map { $1 - $0 }.max() ?? .zero
    }

    /// Fifteen bits of VP8's picture identifiers, one for each picture.
    private static func pictureIdentifiers(_ media: some Sequence<VirtualDownlink.Arrival>) -> [UInt16] {
        media.map { UInt16($0.counter >> 16) & 0x7FFF }.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
    }

    @Test func `a path that carries six tenths of a stream gets half of its pictures, and none of them frozen`() throws
    {
        let scene = try LayeredScene(.temporal)
        scene.play(seconds: 3, through: [])
        let downlink = try scene.join(rate: 2e6)
        scene.play(seconds: 10, through: [downlink])
        #expect(Set(Self.pictures(downlink).suffix(60).flatMap(\.layers)) == [0, 1, 2])

        downlink.rate = 0.6 * 1.42e6
        let narrowed = scene.worker.now
        scene.play(seconds: 20, through: [downlink])
        let settled = downlink.media.filter { $0.at > narrowed + .seconds(5) }
        let pictures = Self.pictures(downlink).filter { $0.at > narrowed + .seconds(5) }
        let top = pictures.filter { $0.layers == [2] }.count
        #expect(pictures.count >= 14 * 15 && top * 20 < pictures.count, "\(pictures.count) pictures, \(top) of the top")
        #expect(Self.isContinuous(settled))
        #expect(Self.longestGap(Self.pictures(downlink).filter { $0.at > narrowed }) < .milliseconds(500))
        let shown = try #require(scene.worker.report(viewers: [10]).first?.pictures.first)
        #expect(shown.limit?.temporal == 1 && !shown.isPaused)

        // Not even the base layer: 0.36 Mbit/s.
        downlink.rate = 100_000
        scene.play(seconds: 20, through: [downlink])
        #expect(scene.worker.report(viewers: [10]).first?.pictures.first?.isPaused == true)

        downlink.rate = 4e6
        let widened = scene.worker.now
        scene.play(seconds: 40, through: [downlink])
        let back = Self.pictures(downlink).first { $0.at > widened && $0.layers == [0] }
        #expect(back.map { $0.at - widened < .seconds(20) } == true)
        #expect(Set(Self.pictures(downlink).suffix(30).flatMap(\.layers)) == [0, 1, 2])
        #expect(scene.worker.report(viewers: [10]).first?.pictures.first?.limit == LayerLimit.none)
    }

    @Test func `a wish for fewer pictures leaves no gap in any count`() throws {
        let scene = try LayeredScene(.temporal)
        scene.play(seconds: 3, through: [])
        let downlink = try scene.join(rate: 10e6)
        scene.play(seconds: 3, through: [downlink])
        // The join is over: from here on nothing may be missing.
        let requests = scene.keyFrameRequests
        let joined = downlink.media.count
        for temporal in [UInt8(0), 1, 7, 1, 0, 7] {
            // With the name of the stream and without: there is but one.
            let wish = LayerWish(track: temporal == 1 ? nil : 1, limit: LayerLimit(temporal: temporal))
            scene.worker.perform(.limitLayer(10, of: 1, to: wish))
            scene.play(seconds: 4, through: [downlink])
            let layers = Set(Self.pictures(downlink).suffix(20).flatMap(\.layers))
            #expect(layers == Set(0...min(temporal, 2)), "\(temporal)")
        }
        #expect(Self.isContinuous(downlink.media))
        let identifiers = Self.pictureIdentifiers(downlink.media[joined...])
        let jumps = zip(identifiers, identifiers.dropFirst()).filter { ($0 + 1) & 0x7FFF != $1 }
        #expect(jumps.isEmpty, "\(jumps)")
        // All of it without a key frame: the stream says where layers may begin.
        #expect(scene.keyFrameRequests == requests)
    }

    @Test func `a picture becomes smaller within 5 s on a narrow path, and large again within 15 s`() throws {
        let scene = try LayeredScene(.spatial)
        scene.play(seconds: 3, through: [])
        let downlink = try scene.join(rate: 6e6)
        scene.play(seconds: 10, through: [downlink])
        #expect(Self.pictures(downlink, isVP9: true).last?.layers == [0, 1, 2])

        downlink.rate = 900_000
        let narrowed = scene.worker.now
        scene.play(seconds: 20, through: [downlink])
        let pictures = Self.pictures(downlink, isVP9: true).filter { $0.at > narrowed }
        #expect(pictures.first { $0.layers == [0, 1] }.map { $0.at - narrowed < .seconds(5) } == true)
        let settled = pictures.filter { $0.at > narrowed + .seconds(10) }
        #expect(settled.filter { $0.layers == [0, 1] }.count > settled.count * 7 / 10)
        // The last one may still be arriving.
        let unended = settled.dropLast().filter { !$0.hasMarker }
        #expect(unended.isEmpty, "\(unended.map { ($0.layers, $0.at - narrowed) })")
        #expect(Self.isContinuous(downlink.media.filter { $0.at > narrowed + .seconds(10) }))

        downlink.rate = 6e6
        let widened = scene.worker.now
        scene.play(seconds: 30, through: [downlink])
        let up = Self.pictures(downlink, isVP9: true).first { $0.at > widened && $0.layers == [0, 1, 2] }
        #expect(up.map { $0.at - widened < .seconds(15) } == true)
    }

    @Test func `frames of H 264 that no other needs are the first to go`() throws {
        let scene = try LayeredScene(.disposable)
        scene.play(seconds: 3, through: [])
        let downlink = try scene.join(rate: 10e6)
        scene.play(seconds: 3, through: [downlink])
        scene.worker.perform(.limitLayer(10, of: 1, to: LayerWish(track: 1, limit: LayerLimit(temporal: 0))))
        scene.play(seconds: 4, through: [downlink])
        let slow = Self.pictures(downlink).filter { scene.worker.now - $0.at < .seconds(3) }
        #expect((43...46).contains(slow.count))
        scene.worker.perform(.limitLayer(10, of: 1, to: nil))
        scene.play(seconds: 4, through: [downlink])
        let full = Self.pictures(downlink).filter { scene.worker.now - $0.at < .seconds(3) }
        #expect((88...91).contains(full.count))
        #expect(Self.isContinuous(downlink.media))
    }

    @Test(arguments: [true, false])
    func `what is lost behind left out pictures is sent again as it was`(rtx: Bool) throws {
        let scene = try LayeredScene(.temporal)
        scene.play(seconds: 3, through: [])
        let downlink = try scene.join(rate: 10e6, rtx: rtx)
        scene.play(seconds: 2, through: [downlink])
        scene.worker.perform(.limitLayer(10, of: 1, to: LayerWish(track: 1, limit: LayerLimit(temporal: 1))))
        scene.play(seconds: 2, through: [downlink])
        let recent = downlink.media.filter { scene.worker.now - $0.at < .milliseconds(700) }
        #expect(recent.count > 40)
        let lost = recent.map(\.header.sequenceNumber)
        let nack = GenericNACK(senderSSRC: 5, mediaSSRC: 1000, lost: lost)
        scene.worker.receive(downlink.viewer.rtcp([.genericNACK(nack)]), from: downlink.viewer.address)
        let answers = scene.worker.sink.take().filter { $0.to == downlink.viewer.address }
        #expect(answers.count == lost.count)
        for (answer, first) in zip(answers, recent) {
            if rtx {
                guard let packet = downlink.viewer.open(answer.bytes) else { throw LostAnswer() }
                let number = UInt16(packet.payload[0]) << 8 | UInt16(packet.payload[1])
                #expect(number == first.header.sequenceNumber)
                #expect(packet.header.marker == first.header.marker)
                #expect(packet.payload[4...7].reduce(0) { $0 << 8 | UInt32($1) } == first.counter)
            } else {
                // Byte for byte: a number is used again for the same packet only.
                #expect(downlink.seen.contains(answer.bytes))
            }
        }
    }

    @Test func `a viewer on another worker gets layers too`() throws {
        let scene = try LayeredScene(.temporal)
        let other = VirtualWorker(number: 1, count: 2)
        other.perform(.addTrack(.init(id: 1, codec: .vp8, owner: 0)))
        scene.worker.perform(.startRelay(1, worker: 1))
        let viewer = try VirtualClient(id: 20, worker: 1)
        let sender = PlaybackSender(mid: "0", trackIndex: 0, payloadType: 96, ssrc: 1000)
        other.perform(.addViewer(viewer.specification, [PlaybackBinding(track: 1, sender: sender)]))
        viewer.connect(to: other)
        var received = Set<UInt8>()
        for second in 0..<12 {
            if second == 6 {
                other.perform(.limitLayer(20, of: 1, to: LayerWish(track: 1, limit: LayerLimit(temporal: 0))))
            }
            if second == 8 { received = [] }
            scene.play(seconds: 1, through: [])
            for message in scene.worker.takeMessages() { other.perform(message.command) }
            other.run(until: scene.worker.now)
            for datagram in other.sink.take() {
                if let packet = viewer.open(datagram.bytes) { received.insert(packet.payload[5] >> 6) }
            }
        }
        #expect(received == [0])
    }
}

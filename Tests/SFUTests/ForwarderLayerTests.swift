import Primitives
import SFU
import TestSupport
import Testing

@Suite("A viewer that is sent some layers of a stream")
struct ForwarderLayerTests {
    /// A track and one viewer of it, which remembers what it was sent.
    private final class Run {
        var log = PacketLog(limits: .init(isVideo: true))
        var forwarder = Forwarder(
            peer: 0, ssrc: 1, payloadType: 96, retransmission: nil, isVideo: true, firstSequenceNumber: 0x7FF0,
            timestampOffset: 0, at: .zero)
        /// What was sent under each number.
        var sent: [UInt64: (sequence: Int64, passage: Forwarder.Passage)] = [:]
        var order: [(sequence: Int64, passage: Forwarder.Passage)] = []
        private var isStarted = false

        func receive(
            _ sequence: Int64, picture: Int64, _ layer: PacketLayer, isKey: Bool = false, marker: Bool = false
        ) {
            let payload: [UInt8] = [UInt8(truncatingIfNeeded: sequence), 1, 2]
            let index = payload.withUnsafeBytes {
                log.append(
                    sequence: sequence, timestamp: picture * 3000, marker: marker, startsKeyFrame: isKey, layer: layer,
                    payload: $0, at: .zero + .milliseconds(picture))
            }
            guard let index else { return }
            if !isStarted {
                isStarted = true
                forwarder.startLive(atIndex: index, sequence: sequence)
            }
            let record = log.record(at: index)
            guard let passage = forwarder.admit(record) else { return }
            forwarder.didSend(record, isEmpty: passage.isEmpty)
            #expect(sent[passage.numbers.index] == nil, "a number is used once")
            sent[passage.numbers.index] = (sequence, passage)
            order.append((sequence, passage))
        }

        var sequences: [Int64] { order.filter { !$0.passage.isEmpty }.map(\.sequence) }
        var numbers: [UInt64] { sent.keys.sorted() }
        var isContinuous: Bool { zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 + 1 } }

        /// Whether everything that the log still has would be sent again exactly as before.
        func repeatsItself() -> Bool {
            sent.values.allSatisfy { entry in
                guard let index = log.index(ofSequence: entry.sequence) else { return true }
                let again = forwarder.passage(of: log.record(at: index))
                return again == nil || again == entry.passage
            }
        }
    }

    private static func temporal(_ layer: UInt8, begins: Bool = false) -> PacketLayer {
        var result = PacketLayer(temporal: layer)
        result.beginsTemporal = begins
        return result
    }

    private static func spatial(_ layer: UInt8, begins: Bool = false, ends: Bool = true) -> PacketLayer {
        var result = PacketLayer(spatial: layer)
        result.beginsSpatial = begins
        result.endsLayer = ends
        return result
    }

    @Test func `without a limit everything is sent, by the shorter way too`() {
        let run = Run()
        run.receive(10, picture: 0, .base, isKey: true)
        run.receive(11, picture: 1, Self.temporal(2))
        #expect(run.forwarder.sendsEverything)
        #expect(run.forwarder.numbers(of: run.log.record(at: 1)) == run.order[1].passage.numbers)
    }

    @Test func `a lower limit holds from the next picture on, and numbers have no gaps`() {
        let run = Run()
        run.receive(10, picture: 0, .base, isKey: true)
        run.receive(11, picture: 1, Self.temporal(2))
        run.forwarder.wantedLimit = LayerLimit(temporal: 0)
        run.receive(12, picture: 1, Self.temporal(2))
        run.receive(13, picture: 2, Self.temporal(1))
        run.receive(14, picture: 3, Self.temporal(2))
        run.receive(15, picture: 4, Self.temporal(0))
        #expect(run.sequences == [10, 11, 12, 15])
        #expect(run.isContinuous && run.repeatsItself())
    }

    @Test func `temporal layers come back one by one, where they may begin`() {
        let run = Run()
        run.forwarder.wantedLimit = LayerLimit(temporal: 0)
        run.receive(1, picture: 0, .base, isKey: true)
        run.forwarder.wantedLimit = .none
        run.receive(2, picture: 1, Self.temporal(2, begins: true))
        run.receive(3, picture: 2, Self.temporal(1))
        run.receive(4, picture: 3, Self.temporal(1, begins: true))
        run.receive(5, picture: 4, Self.temporal(2))
        run.receive(6, picture: 5, Self.temporal(2, begins: true))
        run.receive(7, picture: 6, Self.temporal(2))
        #expect(run.sequences == [1, 4, 6, 7])
        #expect(run.isContinuous)
    }

    @Test func `a larger picture comes with one that needs no other, and ends with a marker`() {
        let run = Run()
        run.forwarder.wantedLimit = LayerLimit(spatial: 0)
        func picture(_ number: Int64, isKey: Bool) {
            for layer in UInt8(0)...2 {
                run.receive(
                    number * 3 + Int64(layer), picture: number, Self.spatial(layer, begins: isKey && layer > 0),
                    isKey: isKey && layer == 0, marker: layer == 2)
            }
        }
        picture(0, isKey: true)
        picture(1, isKey: false)
        #expect(run.sequences == [0, 3])
        #expect(run.order.allSatisfy { $0.passage.marker })
        run.forwarder.wantedLimit = LayerLimit(spatial: 1)
        picture(2, isKey: false)
        #expect(run.forwarder.limit.spatial == 0)
        picture(3, isKey: true)
        picture(4, isKey: false)
        run.forwarder.wantedLimit = LayerLimit(spatial: 0)
        picture(5, isKey: false)
        #expect(run.sequences == [0, 3, 6, 9, 10, 12, 13, 15])
        #expect(run.order.map(\.passage.marker) == [true, true, true, false, true, false, true, true])
        #expect(run.isContinuous && run.repeatsItself())
    }

    @Test func `pictures that are left out are not missing in the count of VP8`() {
        let run = Run()
        var layer = Self.temporal(0)
        layer.countsPictures = true
        run.receive(1, picture: 0, layer, isKey: true)
        run.forwarder.wantedLimit = LayerLimit(temporal: 0)
        var higher = Self.temporal(1)
        higher.countsPictures = true
        run.receive(2, picture: 1, higher)
        run.receive(3, picture: 1, higher)
        run.receive(4, picture: 2, higher)
        run.receive(5, picture: 3, layer)
        #expect(run.order.map(\.passage.pictures.pictureID) == [0, 0 &- 2])
        #expect(run.forwarder.pictures.tl0PicIdx == 0)
    }

    @Test func `a late packet of a picture that was left out is sent empty, for its number is missed`() {
        let run = Run()
        run.receive(1, picture: 0, .base, isKey: true)
        run.forwarder.wantedLimit = LayerLimit(temporal: 0)
        run.receive(2, picture: 1, Self.temporal(1))
        // 3 and 4 are on their way: they could be of the next picture.
        run.receive(5, picture: 2, .base)
        run.receive(3, picture: 1, Self.temporal(1))
        run.receive(4, picture: 2, .base)
        #expect(run.sequences == [1, 5, 4])
        #expect(run.order.map(\.passage.isEmpty) == [false, false, true, false])
        #expect(run.isContinuous && run.repeatsItself())
        // Between two packets of a picture that is left out there is no doubt.
        run.receive(6, picture: 3, Self.temporal(1))
        run.receive(8, picture: 3, Self.temporal(1))
        run.receive(9, picture: 4, .base)
        run.receive(7, picture: 3, Self.temporal(1))
        #expect(run.sequences == [1, 5, 4, 9])
        #expect(run.isContinuous)
    }

    @Test func `a viewer asks by its own numbers, across what was left out`() {
        let run = Run()
        run.forwarder.wantedLimit = LayerLimit(temporal: 0)
        for sequence in Int64(0)..<200 {
            run.receive(sequence, picture: sequence, Self.temporal(sequence % 4 == 0 ? 0 : 1), isKey: sequence == 0)
        }
        for entry in run.order.suffix(40) {
            #expect(run.forwarder.sequence(ofSent: entry.passage.numbers.sequenceNumber) == entry.sequence)
        }
        let newest = run.order[run.order.count - 1].passage.numbers.sequenceNumber
        #expect(run.forwarder.sequence(ofSent: newest &+ 1) == nil)
    }

    @Test func `numbers go on behind a new start`() {
        let run = Run()
        run.forwarder.wantedLimit = LayerLimit(temporal: 0)
        run.receive(0, picture: 0, .base, isKey: true)
        run.receive(1, picture: 1, Self.temporal(1))
        run.receive(2, picture: 2, .base)
        run.receive(3, picture: 3, Self.temporal(1))
        run.receive(4, picture: 4, .base, isKey: true)
        run.forwarder.startLive(atIndex: 4, sequence: 4)
        let again = run.forwarder.admit(run.log.record(at: 4))
        #expect(again?.numbers.index == run.numbers.last.map { $0 + 1 })
    }

    @Test(arguments: UInt64(1)...8)
    func `no number is used twice and none is missing, however packets are dropped, late and limited`(
        seed: UInt64
    ) {
        var generator = SeededGenerator(seed: seed)
        let run = Run()
        var late: [(due: Int64, sequence: Int64, picture: Int64, layer: PacketLayer)] = []
        var sequence = Int64.random(in: 0...0x2_0000, using: &generator)
        var lost: Set<Int64> = []
        for picture in Int64(0)..<3000 {
            let temporal = [0, 2, 1, 2][Int(picture % 4)] as UInt8
            for position in 0..<Int64.random(in: 1...4, using: &generator) {
                var layer = Self.temporal(temporal, begins: position == 0 && temporal > 0)
                layer.countsPictures = true
                defer { sequence += 1 }
                if picture > 0, Int.random(in: 0..<20, using: &generator) == 0 {
                    let delay = Int64.random(in: 1...12, using: &generator)
                    if delay < 10 {
                        late.append((picture + delay, sequence, picture, layer))
                    } else {
                        lost.insert(sequence)
                    }
                    continue
                }
                run.receive(
                    sequence, picture: picture, layer,
                    isKey: picture % 300 == 0 && position == 0, marker: false)
            }
            for packet in late where packet.due <= picture {
                run.receive(packet.sequence, picture: packet.picture, packet.layer)
            }
            late.removeAll { $0.due <= picture }
            if Int.random(in: 0..<40, using: &generator) == 0 {
                run.forwarder.wantedLimit = LayerLimit(temporal: [0, 1, 2, 7].randomElement(using: &generator) ?? 7)
            }
        }
        #expect(run.repeatsItself())
        // Numbers are missing only for packets that were lost for good, or are still on their way.
        let numbers = run.numbers
        let missing = Int(numbers[numbers.count - 1] - numbers[0]) + 1 - numbers.count
        #expect(missing <= lost.count + late.count)
        #expect(numbers.count > 3000)
    }
}

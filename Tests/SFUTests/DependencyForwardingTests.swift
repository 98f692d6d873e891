import Media
import Primitives
import SFU
import TestSupport
import Testing

@Suite("Viewers of AV1 who are sent some layers")
struct DependencyForwardingTests {
    /// A receiver: what it knows of frames follows from the descriptors that it is sent, and nothing else.
    private struct Receiver {
        var structure: DependencyStructure?
        var active: UInt32 = 0
        var frames: Set<UInt16> = []
        /// Templates of frames that were left out since the last one that was received.
        var missing: [UInt8] = []

        /// Takes a frame; all that it needs must be there.
        mutating func receive(_ bytes: [UInt8]) throws {
            let descriptor = try DependencyDescriptor(parsing: bytes.span, current: structure)
            if let new = descriptor.structure {
                structure = new
                active = new.allDecodeTargets
                frames = []
                missing = []
            }
            if let mask = descriptor.activeDecodeTargets { active = mask }
            let misses = missing.contains(where: isExpected)
            #expect(!misses, "before frame \(descriptor.frameNumber)")
            missing = []
            let template = try #require(structure?.template(descriptor.template))
            for distance in descriptor.distances ?? template.distances {
                let isThere = frames.contains(descriptor.frameNumber &- distance)
                #expect(isThere, "for frame \(descriptor.frameNumber)")
            }
            frames.insert(descriptor.frameNumber)
        }

        /// Whether frames of a template are needed by a decode target that the receiver believes to get.
        private func isExpected(_ template: UInt8) -> Bool {
            guard let indications = structure?.template(template)?.indications else { return true }
            return indications.enumerated().contains { target, indication in
                (indication == .required || indication == .switching) && active & 1 << UInt32(target) != 0
            }
        }
    }

    /// A stream on its way through a log to one viewer.
    private struct Path: ~Copyable {
        var reader = LayerReader(codec: .av1)
        var log = PacketLog(limits: .init(isVideo: true))
        var forwarder = Forwarder(
            peer: 0, ssrc: 1, payloadType: 45, retransmission: nil, descriptorID: 12, isVideo: true,
            firstSequenceNumber: 9, timestampOffset: 0, at: .zero)
        var receiver = Receiver()
        var sequence: Int64 = 0
        var number: UInt16 = 65_000
        var sent: [UInt64] = []
        var leftOut = 0

        /// Sends a picture: a frame for each template.
        mutating func send(picture: Int64, _ templates: [UInt8], key: [UInt8]? = nil) throws {
            for (position, template) in templates.enumerated() {
                var descriptor: [UInt8] = [0xC0 | template]
                if position == 0, let key { descriptor = key }
                descriptor.replaceSubrange(
                    1..<min(3, descriptor.count), with: [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)])
                let layer = reader.read([0, 1].span, timestamp: UInt32(picture * 3000), descriptor: descriptor.span)
                let index = [UInt8](repeating: 7, count: 30).withUnsafeBytes { payload in
                    reader.keptDescriptor.withUnsafeBytes { kept in
                        log.append(
                            sequence: sequence, timestamp: picture * 3000, marker: position == templates.count - 1,
                            startsKeyFrame: key != nil && position == 0, layer: layer, descriptor: kept,
                            payload: payload, at: .zero + .milliseconds(picture * 33))
                    }
                }
                number &+= 1
                sequence += 1
                guard let index else { continue }
                if sequence == 1 { forwarder.startLive(atIndex: index, sequence: 0) }
                let record = log.record(at: index)
                guard let passage = forwarder.admit(record) else {
                    leftOut += 1
                    receiver.missing.append(template)
                    continue
                }
                forwarder.didSend(record)
                sent.append(passage.numbers.index)
                try receiver.receive(try #require(Self.written(log.descriptor(at: index), limit: passage.limit)))
            }
        }

        private static func written(_ descriptor: KeptDescriptor?, limit: LayerLimit) -> [UInt8]? {
            guard let descriptor else { return nil }
            return withUnsafeTemporaryAllocation(byteCount: descriptor.length, alignment: 8) { output in
                guard let place = output.baseAddress else { return nil }
                descriptor.write(to: place, limit: limit, shift: 0)
                return Array(output)
            }
        }
    }

    @Test(arguments: RealDescriptors.all)
    func `whatever is left out and taken in again, each frame has what it needs and no number is missing`(
        real: RealDescriptors
    ) throws {
        var generator = SeededGenerator(seed: 44)
        var path = Path()
        var picture: Int64 = 0
        for _ in 0..<12 {
            try path.send(picture: picture, [real.firstTemplate] + real.keyTemplates, key: real.key)
            picture += 1
            for position in 0..<Int.random(in: 20...90, using: &generator) {
                let isStart = position < real.start.count
                let place = (position - real.start.count) % real.period.count
                try path.send(picture: picture, isStart ? real.start[position] : real.period[place])
                picture += 1
                if Int.random(in: 0..<12, using: &generator) == 0 {
                    path.forwarder.wantedLimit = LayerLimit(
                        spatial: [0, 1, 7].randomElement(using: &generator) ?? 7,
                        temporal: [0, 1, 2, 7].randomElement(using: &generator) ?? 7)
                }
            }
        }
        #expect(path.leftOut > 100)
        #expect(zip(path.sent, path.sent.dropFirst()).allSatisfy { $1 == $0 + 1 })
    }

    @Test(arguments: RealDescriptors.all)
    func `temporal layers come back within a second without a key frame`(real: RealDescriptors) throws {
        var path = Path()
        path.forwarder.wantedLimit = LayerLimit(temporal: 0)
        try path.send(picture: 0, [real.firstTemplate] + real.keyTemplates, key: real.key)
        func templates(_ picture: Int) -> [UInt8] {
            let position = picture - 1
            return position < real.start.count
                ? real.start[position] : real.period[(position - real.start.count) % real.period.count]
        }
        for picture in 1...30 { try path.send(picture: Int64(picture), templates(picture)) }
        #expect(path.leftOut >= 10)
        path.forwarder.wantedLimit = .none
        for picture in 31...60 { try path.send(picture: Int64(picture), templates(picture)) }
        let before = path.leftOut
        for picture in 61...90 { try path.send(picture: Int64(picture), templates(picture)) }
        #expect(path.leftOut == before)
    }

    @Test func `a log keeps descriptors while it grows, and beside payloads of any length`() throws {
        var log = PacketLog(limits: .init(isVideo: true))
        var generator = SeededGenerator(seed: 3)
        var expected: [Int: UInt16] = [:]
        var reader = LayerReader(codec: .av1)
        let key = RealDescriptors.temporal.key
        _ = reader.read([0].span, timestamp: 0, descriptor: key.span)
        for number in UInt16(5)..<1000 {
            let whole: [UInt8] = [0xC3, UInt8(number >> 8), UInt8(truncatingIfNeeded: number)]
            let descriptor = number % 3 == 0 ? [] : whole
            _ = reader.read([0].span, timestamp: UInt32(number), descriptor: descriptor.span)
            let payload = [UInt8](repeating: 1, count: Int.random(in: 0...1300, using: &generator))
            let index = payload.withUnsafeBytes { payload in
                reader.keptDescriptor.withUnsafeBytes {
                    log.append(
                        sequence: Int64(number), timestamp: Int64(number), marker: true, startsKeyFrame: false,
                        descriptor: $0, payload: payload, at: .zero)
                }
            }
            guard let index else { continue }
            expected[index] = number % 3 == 0 ? nil : number
        }
        for index in log.firstIndex..<log.endIndex {
            #expect(log.descriptor(at: index)?.frameNumber == expected[index])
            let isWhole = log.payload(at: index).allSatisfy { $0 == 1 }
            #expect(isWhole)
        }
    }
}

import Media
import Primitives
import RTP
import TestSupport
import Testing

/// Frames as packets of one track, with extended sequence numbers.
private struct Track {
    struct Packet {
        var payload: [UInt8]
        var sequence: Int64
        var timestamp: UInt32
        var marker: Bool
    }

    private var packetizer: RTPPacketizer
    private var sequences = SequenceUnwrapper()
    private var timestamp: UInt32 = 0xFFFF_F000
    let maximumPayloadSize: Int

    init(_ codec: Codec, maximumPayloadSize: Int = 200) {
        self.maximumPayloadSize = maximumPayloadSize
        packetizer = RTPPacketizer(
            codec: codec, payloadType: 96, ssrc: 1, firstSequenceNumber: 65_530, maximumPayloadSize: maximumPayloadSize)
    }

    mutating func packets(
        _ frame: EncodedFrame, configuration: CodecConfiguration? = nil
    ) throws -> [Packet] {
        var burst = PacketBurst()
        try packetizer.packetize(frame, configuration: configuration, timestamp: timestamp, into: &burst)
        timestamp &+= 3_000
        return try receive(burst).map {
            Packet(
                payload: $0.payload, sequence: sequences.unwrap($0.header.sequenceNumber),
                timestamp: $0.header.timestamp, marker: $0.header.marker)
        }
    }
}

extension RTPDepacketizer {
    fileprivate mutating func receive(_ packets: [Track.Packet]) -> [ReceivedFrame] {
        packets.flatMap { receive($0) }
    }

    fileprivate mutating func receive(_ packet: Track.Packet) -> [ReceivedFrame] {
        receive(
            packet.payload.span, sequence: packet.sequence, timestamp: packet.timestamp, marker: packet.marker)
    }
}

/// An OBU with a size field, as frames hold it.
private func obu(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] {
    var size: [UInt8] = []
    var rest = payload.count
    repeat {
        size.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
        rest >>= 7
    } while rest > 0
    return [type << 3 | 2] + size + payload
}

/// A frame of `size` bytes or so that its codec's format accepts.
private func frame(_ codec: Codec, size: Int, isKeyFrame: Bool, parts: Int = 2) -> EncodedFrame {
    let slices = (0..<parts).map { index in
        [index == 0 ? 0x80 : 0x40] + filler(max(size / parts, 1), seed: index)
    }
    let payload: [UInt8] =
        switch codec {
        case .h264:
            lengthPrefixed(
                (isKeyFrame ? [[0x67, 1], [0x68, 2]] : []) + slices.map { [isKeyFrame ? 0x65 : 0x41] + $0 })
        case .h265:
            lengthPrefixed(
                (isKeyFrame ? [[0x40, 1, 1], [0x42, 1, 1], [0x44, 1, 1]] : [])
                    + slices.map { [isKeyFrame ? 0x26 : 0x02, 0x01] + $0 })
        case .av1: (isKeyFrame ? obu(1, [7, 7, 7]) : []) + slices.flatMap { obu(6, $0) }
        case .vp8: [isKeyFrame ? 0x10 : 0x11] + filler(size)
        case .vp9, .pcmu, .pcma, .aac: filler(size)
        case .opus: [0xFC] + filler(min(size, 150))
        }
    return videoFrame(codec, payload, isKeyFrame: isKeyFrame || codec.kind == .audio)
}

private let videoCodecs: [Codec] = [.h264, .h265, .vp8, .vp9, .av1]

@Suite("Frames of RTP packets")
struct RTPDepacketizerTests {
    @Test(arguments: Codec.allCases.filter { $0 != .aac })
    func `what a packetizer cut comes out as it was`(codec: Codec) throws {
        var generator = SeededGenerator(seed: 21)
        var track = Track(codec)
        var depacketizer = RTPDepacketizer(codec: codec)
        for index in 0..<200 {
            let isKeyFrame = index % 20 == 0
            let size = Int.random(in: 1...(codec == .pcmu || codec == .pcma ? 200 : 3_000), using: &generator)
            let parts = Int.random(in: 1...4, using: &generator)
            let sent = frame(codec, size: size, isKeyFrame: isKeyFrame, parts: parts)
            let received = depacketizer.receive(try track.packets(sent))
            #expect(received.count == 1)
            #expect(received.first?.frame.payload == sent.payload)
            #expect(received.first?.frame.isKeyFrame == sent.isKeyFrame)
            #expect(received.first?.isComplete == true)
            #expect(received.first?.packetsLost == 0)
            // The timestamp wraps on the way.
            let time = Int64(index) * 3_000 * 1_000_000 / Int64(codec.clockRate)
            #expect(received.first?.frame.presentationTime == time)
            #expect(received.first?.frame.decodeTime == time)
        }
    }

    @Test(arguments: videoCodecs)
    func `any packet that is lost damages its frame, and the next one says so`(codec: Codec) throws {
        for lost in 0..<12 {
            var track = Track(codec)
            var depacketizer = RTPDepacketizer(codec: codec)
            _ = depacketizer.receive(try track.packets(frame(codec, size: 900, isKeyFrame: true)))
            var packets = try track.packets(frame(codec, size: 900, isKeyFrame: false))
            guard lost < packets.count else { continue }
            packets.remove(at: lost)
            var received = depacketizer.receive(packets)
            received += depacketizer.receive(try track.packets(frame(codec, size: 900, isKeyFrame: true)))
            #expect(received.reduce(0) { $0 + $1.packetsLost } == 1, "packet \(lost)")
            #expect(received.count == 2)
            #expect(received.first?.isComplete == false, "packet \(lost)")
            // The key frame's own packets are all there, and it shows where it begins.
            #expect(received.last?.isComplete == true, "packet \(lost)")
            #expect(received.last?.frame.isKeyFrame == true)
        }
    }

    @Test(arguments: videoCodecs)
    func `frames that are lost as a whole are counted by their packets`(codec: Codec) throws {
        var track = Track(codec)
        var depacketizer = RTPDepacketizer(codec: codec)
        _ = depacketizer.receive(try track.packets(frame(codec, size: 900, isKeyFrame: true)))
        let lost = try track.packets(frame(codec, size: 900, isKeyFrame: false)).count
        let received = depacketizer.receive(try track.packets(frame(codec, size: 900, isKeyFrame: true)))
        #expect(received.map(\.packetsLost) == [Int64(lost)])
        #expect(received.map(\.isComplete) == [true])
    }

    @Test(arguments: videoCodecs)
    func `a track that is joined in the middle of a frame begins with a damaged one`(codec: Codec) throws {
        var track = Track(codec)
        var depacketizer = RTPDepacketizer(codec: codec)
        let packets = try track.packets(frame(codec, size: 2_000, isKeyFrame: false, parts: 1))
        let received = depacketizer.receive(Array(packets.dropFirst(2)))
        #expect(received.map(\.isComplete) == [false])
    }

    @Test func `a lost Opus packet is said with the next one`() throws {
        var track = Track(.opus)
        var depacketizer = RTPDepacketizer(codec: .opus)
        let packets = try (0..<4).flatMap { _ in try track.packets(frame(.opus, size: 50, isKeyFrame: true)) }
        let received = depacketizer.receive([packets[0], packets[3]])
        #expect(received.map(\.packetsLost) == [0, 2])
        #expect(received.allSatisfy { $0.isComplete })
    }

    @Test(arguments: videoCodecs)
    func `duplicates and packets from the past change nothing`(codec: Codec) throws {
        var track = Track(codec)
        var depacketizer = RTPDepacketizer(codec: codec)
        let first = try track.packets(frame(codec, size: 900, isKeyFrame: true))
        let second = try track.packets(frame(codec, size: 900, isKeyFrame: false))
        let received = depacketizer.receive(first + first + [second[0]] + second + first)
        #expect(received.map(\.isComplete) == [true, true])
    }

    @Test(arguments: videoCodecs)
    func `a sender without markers ends a frame with the next timestamp`(codec: Codec) throws {
        var track = Track(codec)
        var depacketizer = RTPDepacketizer(codec: codec)
        var received: [ReceivedFrame] = []
        for index in 0..<5 {
            var packets = try track.packets(frame(codec, size: 900, isKeyFrame: index == 0))
            for position in packets.indices { packets[position].marker = false }
            received += depacketizer.receive(packets)
        }
        #expect(received.count == 4)
        #expect(received.allSatisfy { $0.isComplete && $0.packetsLost == 0 })
    }

    @Test func `packets without payload count as received`() throws {
        var track = Track(.vp8)
        var depacketizer = RTPDepacketizer(codec: .vp8)
        let packets = try track.packets(frame(.vp8, size: 900, isKeyFrame: true))
        var received: [ReceivedFrame] = []
        for (index, packet) in packets.enumerated() {
            var probe = packet
            probe.sequence = packet.sequence + Int64(index)
            var empty = probe
            empty.payload = []
            empty.marker = false
            empty.sequence += 1
            received += depacketizer.receive(probe) + depacketizer.receive(empty)
        }
        #expect(received.map(\.isComplete) == [true])
    }

    @Test(arguments: videoCodecs)
    func `a frame of any length that ends early is never passed off as whole and larger`(codec: Codec) throws {
        var track = Track(codec)
        let sent = frame(codec, size: 900, isKeyFrame: true)
        let packets = try track.packets(sent)
        for (index, packet) in packets.enumerated() {
            for length in 0..<packet.payload.count {
                var cut = packets
                cut[index].payload = Array(packet.payload.prefix(length))
                var depacketizer = RTPDepacketizer(codec: codec)
                for received in depacketizer.receive(cut) where received.isComplete {
                    #expect(received.frame.payload.count < sent.payload.count, "packet \(index), \(length) bytes")
                }
            }
        }
    }

    @Test(arguments: [
        (Codec.h264, [0x78, 0, 4, 0x65, 0x80, 1, 1, 0, 3, 0x41, 0, 1] as [UInt8], [7, 12]),
        (.h265, [0x60, 1, 0, 4, 0x26, 1, 0x80, 1, 0, 4, 0x02, 1, 0, 1], [8, 14]),
        (.av1, [0x08, 4, 0x08, 1, 1, 1, 3, 0x30, 1, 1], [6, 10]),
    ])
    func `every truncation inside an aggregate is seen`(codec: Codec, payload: [UInt8], whole: [Int]) {
        for length in 1...payload.count where length > (codec == .h265 ? 2 : 1) {
            var depacketizer = RTPDepacketizer(codec: codec)
            let part = Array(payload.prefix(length))
            let received = depacketizer.receive(part.span, sequence: 1, timestamp: 0, marker: true)
            #expect(received.map(\.isComplete) == [whole.contains(length)], "\(length) bytes")
        }
    }

    @Test func `fragments that do not belong together make a malformed frame`() {
        let start: [UInt8] = [0x7C, 0x85, 0x80, 1]
        let end: [UInt8] = [0x7C, 0x45, 1, 1]
        let single: [UInt8] = [0x41, 0x80, 1]
        for payloads in [
            [start, start, end], [start, single], [start], [single, end], [[0x7C, 0x85]], [[0x7D, 1, 1]],
        ] {
            var depacketizer = RTPDepacketizer(codec: .h264)
            _ = depacketizer.receive(single.span, sequence: 0, timestamp: 0, marker: true)
            var received: [ReceivedFrame] = []
            for (index, payload) in payloads.enumerated() {
                received += depacketizer.receive(
                    payload.span, sequence: Int64(index + 1), timestamp: 9, marker: index == payloads.count - 1)
            }
            #expect(received.count == 1)
            if case .malformed = received.first?.damage { continue }
            Issue.record("\(payloads) gave \(String(describing: received.first?.damage))")
        }
    }

    @Test func `the units that came whole survive in a damaged frame`() throws {
        var track = Track(.h264)
        var depacketizer = RTPDepacketizer(codec: .h264)
        let sei: [UInt8] = [0x06, 5, 1, 0x80]
        let slice: [UInt8] = [0x41, 0x80] + filler(900)
        var packets = try track.packets(videoFrame(.h264, lengthPrefixed([sei, slice])))
        packets.remove(at: 2)
        let received = depacketizer.receive(packets)
        #expect(received.map(\.damage) == [.packetsLost])
        #expect(received.first?.frame.payload == lengthPrefixed([sei]))
    }

    @Test func `delimiters and filler stay behind`() {
        var depacketizer = RTPDepacketizer(codec: .h264)
        let aggregate: [UInt8] = [0x78, 0, 2, 0x09, 0xF0, 0, 3, 0x65, 0x88, 1, 0, 2, 0x0C, 0xFF]
        let received = depacketizer.receive(aggregate.span, sequence: 1, timestamp: 0, marker: true)
        #expect(received.map(\.frame.payload) == [lengthPrefixed([[0x65, 0x88, 1]])])
        let delimiter: [UInt8] = [0x09, 0xF0]
        #expect(depacketizer.receive(delimiter.span, sequence: 2, timestamp: 1, marker: true).isEmpty)
    }

    @Test func `AV1 elements with and without counts and sizes give the same unit`() {
        let sequenceHeader: [UInt8] = [0x08, 7, 7]
        let picture: [UInt8] = [0x30, 1, 2, 3]
        let delimiter: [UInt8] = [0x10]
        let sized: [UInt8] = [0x32, 3, 1, 2, 3]
        let payloads: [[UInt8]] = [
            [0x08, 3] + sequenceHeader + [4] + picture,
            [0x28, 3] + sequenceHeader + picture,
            [0x38, 1] + delimiter + [3] + sequenceHeader + picture,
            [0x28, 3] + sequenceHeader + sized,
        ]
        for payload in payloads {
            var depacketizer = RTPDepacketizer(codec: .av1)
            let received = depacketizer.receive(payload.span, sequence: 1, timestamp: 0, marker: true)
            #expect(received.map(\.frame.payload) == [obu(1, [7, 7]) + obu(6, [1, 2, 3])])
            #expect(received.map(\.isComplete) == [true])
            #expect(received.map(\.frame.isKeyFrame) == [true])
        }
    }

    @Test func `the spatial layers of a VP9 picture are one frame`() {
        var depacketizer = RTPDepacketizer(codec: .vp9)
        // I, L, B, E; then the next spatial layer, predicted from the one below.
        let base: [UInt8] = [0xAC, 0x01, 0x00, 0x00, 1, 2]
        let layer: [UInt8] = [0xAC, 0x01, 0x03, 0x00, 3, 4]
        var received = depacketizer.receive(base.span, sequence: 1, timestamp: 0, marker: false)
        received += depacketizer.receive(layer.span, sequence: 2, timestamp: 0, marker: true)
        #expect(received.map(\.frame.payload) == [[1, 2, 3, 4]])
        #expect(received.map(\.frame.isKeyFrame) == [true])
    }

    @Test(arguments: videoCodecs)
    func `a frame that never ends is cut off at the bound`(codec: Codec) throws {
        var track = Track(codec)
        var depacketizer = RTPDepacketizer(codec: codec, maximumFrameSize: 2_000)
        let large = depacketizer.receive(try track.packets(frame(codec, size: 5_000, isKeyFrame: true)))
        #expect(large.map(\.damage) == [.malformed(.limitExceeded(what: "frame size"))])
        #expect(large.allSatisfy { $0.frame.payload.count <= 2_000 })
        let next = depacketizer.receive(try track.packets(frame(codec, size: 500, isKeyFrame: true)))
        #expect(next.map(\.isComplete) == [true])
    }

    @Test func `more units than a frame can have are refused`() {
        var depacketizer = RTPDepacketizer(codec: .h264)
        let aggregate: [UInt8] = [0x78] + (0..<300).flatMap { _ in [0, 2, 0x41, 0x80] as [UInt8] }
        var received: [ReceivedFrame] = []
        for index in 0..<30 {
            received += depacketizer.receive(
                aggregate.span, sequence: Int64(index), timestamp: 0, marker: index == 29)
        }
        #expect(received.map(\.damage) == [.malformed(.limitExceeded(what: "NAL units of a frame"))])
        #expect(received.first?.frame.payload.count == NALUnits.maximumCount * 6)
    }

    @Test func `more OBUs than a temporal unit can have are refused`() {
        var depacketizer = RTPDepacketizer(codec: .av1)
        let elements: [UInt8] = [0x08] + (0..<1_100).flatMap { _ in [2, 0x30, 1] as [UInt8] }
        let received = depacketizer.receive(elements.span, sequence: 1, timestamp: 0, marker: true)
        #expect(received.map(\.damage) == [.malformed(.limitExceeded(what: "OBUs of a temporal unit"))])
    }

    @Test func `a codec without an RTP format gives nothing but damage`() {
        var depacketizer = RTPDepacketizer(codec: .aac)
        let payload: [UInt8] = [1, 2, 3]
        let received = depacketizer.receive(payload.span, sequence: 1, timestamp: 0, marker: true)
        #expect(received.map(\.isComplete) == [false])
    }

    @Test(arguments: Codec.allCases)
    func `payloads of garbage never trap`(codec: Codec) {
        var generator = SeededGenerator(seed: 45)
        var depacketizer = RTPDepacketizer(codec: codec, maximumFrameSize: 500)
        var sequence: Int64 = 0
        var timestamp: UInt32 = 0
        for _ in 0..<20_000 {
            var payload = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                UInt8.random(in: .min ... .max, using: &generator)
            }
            let heads: [UInt8] = [0x7C, 0x78, 0x62, 0x60, 0x90, 0x8C, 0x08, 0xC0]
            if let first = heads.randomElement(using: &generator),
                !payload.isEmpty, Bool.random(using: &generator)
            {
                payload[0] = first
            }
            sequence += Int64.random(in: -1...2, using: &generator)
            if Int.random(in: 0..<4, using: &generator) == 0 {
                timestamp &+= .random(in: 0...(.max), using: &generator)
            }
            let received = depacketizer.receive(
                payload.span, sequence: sequence, timestamp: timestamp, marker: .random(using: &generator))
            #expect(received.allSatisfy { $0.frame.payload.count <= 500 })
        }
    }
}

@Suite("Configurations that key frames bring along")
struct InBandConfigurationTests {
    @Test func `parameter sets are found in the frame`() {
        let h264 = lengthPrefixed([[0x67, 1], [0x68, 2], [0x68, 3], [0x65, 0x80]])
        #expect(
            CodecConfiguration(inBandOf: videoFrame(.h264, h264, isKeyFrame: true))
                == .h264(sps: [[0x67, 1]], pps: [[0x68, 2], [0x68, 3]]))
        let h265 = lengthPrefixed([[0x40, 1, 1], [0x42, 1, 2], [0x44, 1, 3], [0x26, 1, 0x80]])
        #expect(
            CodecConfiguration(inBandOf: videoFrame(.h265, h265, isKeyFrame: true))
                == .h265(vps: [[0x40, 1, 1]], sps: [[0x42, 1, 2]], pps: [[0x44, 1, 3]]))
        let av1 = obu(1, [7, 7]) + obu(6, [1, 2])
        #expect(
            CodecConfiguration(inBandOf: videoFrame(.av1, av1, isKeyFrame: true))
                == .av1(configurationOBUs: obu(1, [7, 7])))
    }

    @Test func `frames without them have none`() {
        let slice = lengthPrefixed([[0x65, 0x80]])
        #expect(CodecConfiguration(inBandOf: videoFrame(.h264, slice, isKeyFrame: true)) == nil)
        let sets = lengthPrefixed([[0x67, 1], [0x68, 2]])
        #expect(CodecConfiguration(inBandOf: videoFrame(.h264, sets, isKeyFrame: false)) == nil)
        #expect(CodecConfiguration(inBandOf: videoFrame(.h264, [0, 0, 0, 9, 1], isKeyFrame: true)) == nil)
        #expect(CodecConfiguration(inBandOf: videoFrame(.av1, [0x80], isKeyFrame: true)) == nil)
    }

    @Test func `lengths become start codes and back`() throws {
        let payload = lengthPrefixed([[0x67, 1], [0x65] + filler(300)])
        let stream = try NALUnits.annexB(fromLengthPrefixed: payload)
        #expect(stream.starts(with: [0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x65]))
        #expect(try NALUnits.lengthPrefixed(fromAnnexB: stream) == payload)
        for length in 1..<payload.count where length != 6 {
            #expect(throws: ParseError.self) {
                try NALUnits.annexB(fromLengthPrefixed: Array(payload.prefix(length)))
            }
        }
    }
}

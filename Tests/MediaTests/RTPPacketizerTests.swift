import Media
import Primitives
import RTP
import TestSupport
import Testing

@Suite("Packets of VP8, VP9, AV1 and audio")
struct RTPPacketizerTests {
    private func packets(
        _ frame: EncodedFrame,
        configuration: CodecConfiguration? = nil,
        maximumPayloadSize: Int = 1_154
    ) throws -> [ReceivedPacket] {
        var packetizer = RTPPacketizer(
            codec: frame.codec,
            payloadType: 96,
            ssrc: 1,
            firstSequenceNumber: 0x7FFF,
            maximumPayloadSize: maximumPayloadSize
        )
        var burst = PacketBurst()
        try packetizer.packetize(frame, configuration: configuration, timestamp: 1, into: &burst)
        return try receive(burst)
    }

    @Test(arguments: [1, 1_150, 1_151, 20_000])
    func `VP8 and VP9 frames arrive whole, in parts of one size`(size: Int) throws {
        for codec in [Codec.vp8, .vp9] {
            let packets = try packets(videoFrame(codec, filler(size)))
            let payloads = packets.map(\.payload)
            #expect(try (codec == .vp8 ? Depacketizer.vp8(payloads) : Depacketizer.vp9(payloads)) == filler(size))
            #expect(Set(payloads.dropLast().map(\.count)).count <= 1)
            #expect(payloads.allSatisfy { $0.count <= 1_154 })
            #expect(packets.map(\.header.marker) == payloads.indices.map { $0 == payloads.count - 1 })
        }
    }

    @Test func `picture identifiers grow by one a frame and wrap at 15 bits`() throws {
        var packetizer = RTPPacketizer(codec: .vp8, payloadType: 96, ssrc: 1, firstSequenceNumber: 0x7FFF)
        var identifiers: [UInt16?] = []
        for _ in 0..<3 {
            var burst = PacketBurst()
            try packetizer.packetize(videoFrame(.vp8, filler(10)), configuration: nil, timestamp: 0, into: &burst)
            let payload = try receive(burst)[0].payload
            var reader = ByteReader(payload.span)
            identifiers.append(try VP8PayloadDescriptor(parsing: &reader).pictureID)
        }
        #expect(identifiers == [0x7FFF, 0, 1])
    }

    // MARK: - AV1

    /// An OBU with a size field.
    private func obu(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] {
        var size: [UInt8] = []
        var rest = payload.count
        repeat {
            size.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
            rest >>= 7
        } while rest > 0
        return [type << 3 | 2] + size + payload
    }

    @Test(arguments: [64, 200, 1_154])
    func `AV1 units arrive whole, without sizes and delimiters`(maximumPayloadSize: Int) throws {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<100 {
            let units = (0..<Int.random(in: 1...5, using: &generator)).map { index in
                filler(Int.random(in: 0...4_000, using: &generator), seed: index)
            }
            let unit = obu(2, []) + units.flatMap { obu(6, $0) } + obu(15, [1, 2])
            let packets = try packets(videoFrame(.av1, unit), maximumPayloadSize: maximumPayloadSize)
            #expect(packets.allSatisfy { $0.payload.count <= maximumPayloadSize })
            #expect(try Depacketizer.av1(packets.map(\.payload)) == units.map { [6 << 3] + $0 })
            #expect(packets.map(\.header.marker) == packets.indices.map { $0 == packets.count - 1 })
        }
    }

    @Test func `an AV1 key frame begins with the sequence header and says so`() throws {
        let header = obu(1, [0, 0, 0])
        let frame = videoFrame(.av1, obu(2, []) + obu(6, filler(5_000)), isKeyFrame: true)
        let payloads = try packets(frame, configuration: .av1(configurationOBUs: header)).map(\.payload)
        #expect(payloads.map { $0[0] & 0x08 != 0 } == payloads.indices.map { $0 == 0 })
        #expect(try Depacketizer.av1(payloads).first == [1 << 3, 0, 0, 0])
        let sizes = payloads.map(\.count)
        #expect(Set(sizes.dropLast()).count == 1)

        let own = videoFrame(.av1, header + obu(6, filler(10)), isKeyFrame: true)
        #expect(
            try Depacketizer.av1(try packets(own, configuration: .av1(configurationOBUs: header)).map(\.payload)).count
                == 2
        )
    }

    @Test func `AV1 units that end early throw`() {
        let good = obu(6, filler(300))
        for length in 1..<good.count {
            #expect(throws: ParseError.self) { try packets(videoFrame(.av1, Array(good[..<length]))) }
        }
        #expect(throws: ParseError.self) { try packets(videoFrame(.av1, [0x80])) }
    }

    // MARK: - Audio

    @Test func `an Opus packet is a payload, without marker`() throws {
        let packets = try packets(videoFrame(.opus, [0xFC, 1, 2]))
        #expect(packets.map(\.payload) == [[0xFC, 1, 2]])
        #expect(packets.allSatisfy { !$0.header.marker })
    }

    @Test func `an Opus packet that no datagram can hold is refused`() {
        #expect(throws: ParseError.limitExceeded(what: "Opus packet size")) {
            try packets(videoFrame(.opus, filler(1_155)))
        }
        #expect(throws: ParseError.self) { try packets(videoFrame(.opus, [])) }
    }

    @Test func `G.711 is cut between samples, each part with its own time`() throws {
        let packets = try packets(videoFrame(.pcmu, filler(2_400)))
        #expect(packets.flatMap(\.payload) == filler(2_400))
        #expect(packets.map(\.header.timestamp) == [1, 801, 1_601])
    }

    @Test func `AAC has no place in RTP`() {
        #expect(throws: ParseError.self) { try packets(videoFrame(.aac, [1, 2, 3])) }
    }

    @Test(arguments: Codec.allCases)
    func `frames of garbage never trap`(codec: Codec) {
        var generator = SeededGenerator(seed: 44)
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                UInt8.random(in: 0...9, using: &generator)
            }
            let frame = videoFrame(codec, bytes, isKeyFrame: .random(using: &generator))
            _ = try? packets(frame, configuration: .av1(configurationOBUs: bytes), maximumPayloadSize: 64)
        }
    }
}

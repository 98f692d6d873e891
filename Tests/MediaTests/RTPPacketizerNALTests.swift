import Media
import Primitives
import RTP
import TestSupport
import Testing

@Suite("Packets of H.264 and H.265 frames, RFC 6184 and RFC 7798")
struct RTPPacketizerNALTests {
    private let sps: [UInt8] = [0x67, 1, 2, 3]
    private let pps: [UInt8] = [0x68, 4]
    private var configuration: CodecConfiguration { .h264(sps: [sps], pps: [pps]) }

    private func packets(
        _ frame: EncodedFrame,
        configuration: CodecConfiguration? = nil,
        maximumPayloadSize: Int = 1_154
    ) throws -> [ReceivedPacket] {
        var packetizer = RTPPacketizer(
            codec: frame.codec,
            payloadType: 102,
            ssrc: 0xCAFE,
            firstSequenceNumber: 65_534,
            maximumPayloadSize: maximumPayloadSize
        )
        var burst = PacketBurst()
        try packetizer.packetize(frame, configuration: configuration, timestamp: 90_000, into: &burst)
        return try receive(burst)
    }

    @Test func `parameter sets go ahead of a key frame in one packet`() throws {
        let slice = [0x65] + filler(3_000)
        let packets = try packets(
            videoFrame(.h264, lengthPrefixed([slice]), isKeyFrame: true),
            configuration: configuration
        )
        #expect(packets[0].payload == [0x78, 0, 4] + sps + [0, 2] + pps)
        #expect(try Depacketizer.h264(packets.map(\.payload)) == [sps, pps, slice])
    }

    @Test func `other frames go without parameter sets`() throws {
        let slice = [0x41] + filler(50)
        let packets = try packets(videoFrame(.h264, lengthPrefixed([slice])), configuration: configuration)
        #expect(packets.map(\.payload) == [slice])
    }

    @Test func `a key frame that brings its own parameter sets keeps them`() throws {
        let own: [[UInt8]] = [[0x67, 9, 9], [0x68, 9], [0x65] + filler(20)]
        let packets = try packets(
            videoFrame(.h264, lengthPrefixed(own), isKeyFrame: true),
            configuration: configuration
        )
        #expect(try Depacketizer.h264(packets.map(\.payload)) == own)
    }

    @Test func `delimiters and filler stay behind and SEI travels`() throws {
        let sei: [UInt8] = [0x06, 5, 1, 0x80]
        let slice = [0x41] + filler(2_000)
        let packets = try packets(
            videoFrame(.h264, lengthPrefixed([[0x09, 0xF0], sei, slice, [0x0C, 0xFF, 0x80]]))
        )
        #expect(try Depacketizer.h264(packets.map(\.payload)) == [sei, slice])
    }

    @Test func `a frame of nothing but delimiters sends nothing`() throws {
        let frame = videoFrame(.h264, lengthPrefixed([[0x09, 0xF0]]), isKeyFrame: true)
        #expect(try packets(frame, configuration: configuration).isEmpty)
    }

    @Test func `units of types that only RTP knows are not sent`() throws {
        let slice = [0x41] + filler(9)
        let frame = videoFrame(.h264, lengthPrefixed([[0x78, 0, 1, 0x65], slice, [0x7C, 0x85, 1], [0x60, 1]]))
        #expect(try packets(frame).map(\.payload) == [slice])
    }

    @Test func `the marker is on the last packet only, and numbers wrap`() throws {
        let packets = try packets(videoFrame(.h264, lengthPrefixed([[0x41] + filler(5_000)])))
        #expect(packets.map(\.header.marker) == [false, false, false, false, true])
        #expect(packets.map(\.header.sequenceNumber) == [65_534, 65_535, 0, 1, 2])
        #expect(packets.allSatisfy { $0.header.timestamp == 90_000 && $0.header.ssrc == 0xCAFE })
        #expect(packets.allSatisfy { $0.header.payloadType == 102 })
    }

    @Test(arguments: [1_155, 1_156, 2_305, 2_306, 10_000, 65_537, 300_001])
    func `the parts of a unit have one size, the last at most a few bytes less`(size: Int) throws {
        for (codec, header) in [(Codec.h264, [0x65] as [UInt8]), (.h265, [0x26, 0x01])] {
            let packets = try packets(videoFrame(codec, lengthPrefixed([header + filler(size - header.count)])))
            let sizes = packets.map(\.payload.count)
            #expect(packets.count > 1)
            #expect(Set(sizes.dropLast()).count == 1)
            #expect(sizes[0] <= 1_154)
            #expect((0..<packets.count).contains(sizes[0] - (sizes.last ?? 0)))
        }
    }

    @Test(arguments: [64, 100, 500, 1_154])
    func `units of any size arrive whole and in order`(maximumPayloadSize: Int) throws {
        var generator = SeededGenerator(seed: UInt64(maximumPayloadSize))
        for _ in 0..<100 {
            let units: [[UInt8]] = (0..<Int.random(in: 1...8, using: &generator)).map { index in
                [0x41] + filler(Int.random(in: 1...2_500, using: &generator), seed: index)
            }
            let avc = try packets(videoFrame(.h264, lengthPrefixed(units)), maximumPayloadSize: maximumPayloadSize)
            #expect(avc.allSatisfy { $0.payload.count <= maximumPayloadSize })
            #expect(try Depacketizer.h264(avc.map(\.payload)) == units)

            let hevcUnits = units.map { [0x02, 0x01] + $0 }
            let hevc = try packets(
                videoFrame(.h265, lengthPrefixed(hevcUnits)),
                maximumPayloadSize: maximumPayloadSize
            )
            #expect(hevc.allSatisfy { $0.payload.count <= maximumPayloadSize })
            #expect(try Depacketizer.h265(hevc.map(\.payload)) == hevcUnits)
        }
    }

    @Test func `an aggregate takes the highest importance of its units`() throws {
        let packets = try packets(videoFrame(.h264, lengthPrefixed([[0x06, 1], [0x41, 2], [0x21, 3]])))
        #expect(packets.map { $0.payload[0] } == [0x58])
    }

    @Test func `H.265 parameter sets go ahead of a key frame`() throws {
        let slice = [0x26, 0x01] + filler(2_000)
        let packets = try packets(
            videoFrame(.h265, lengthPrefixed([[0x46, 0x01, 0x50], slice]), isKeyFrame: true),
            configuration: .h265(vps: [Samples.hevcVPS], sps: [Samples.hevcSPS], pps: [Samples.hevcPPS])
        )
        #expect(packets[0].payload[0] == 0x60)
        #expect(
            try Depacketizer.h265(packets.map(\.payload))
                == [Samples.hevcVPS, Samples.hevcSPS, Samples.hevcPPS, slice]
        )
    }

    @Test func `a frame whose lengths lie throws and leaves no trace`() throws {
        var packetizer = RTPPacketizer(codec: .h264, payloadType: 102, ssrc: 1, firstSequenceNumber: 7)
        var burst = PacketBurst()
        let good = lengthPrefixed([[0x65] + filler(100)])
        for length in 1..<good.count {
            let frame = videoFrame(.h264, Array(good[..<length]), isKeyFrame: true)
            #expect(throws: ParseError.self) {
                try packetizer.packetize(frame, configuration: configuration, timestamp: 0, into: &burst)
            }
        }
        #expect(burst.isEmpty)
        #expect(packetizer.nextSequenceNumber == 7)
    }

    @Test func `a frame of another codec is refused`() {
        var packetizer = RTPPacketizer(codec: .h264, payloadType: 102, ssrc: 1, firstSequenceNumber: 7)
        var burst = PacketBurst()
        #expect(throws: ParseError.self) {
            try packetizer.packetize(videoFrame(.vp8, [1]), configuration: nil, timestamp: 0, into: &burst)
        }
    }
}

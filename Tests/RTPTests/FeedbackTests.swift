import Primitives
import RTP
import TestSupport
import Testing

@Suite("RTCP feedback, RFC 4585, RFC 5104 and REMB")
struct FeedbackTests {
    private static func bytes(_ packet: RTCPPacket) -> [UInt8] {
        var writer = ByteWriter()
        packet.write(to: &writer)
        return writer.bytes
    }

    @Test func `a NACK packs what lies within 16 of its first number`() {
        let nack = GenericNACK(senderSSRC: 1, mediaSSRC: 2, lost: [100, 101, 116, 117])
        #expect(
            Self.bytes(.genericNACK(nack)) == [
                0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2,
                0, 100, 0x80, 0x01,  // 100, and of the 16 after it the first and the last
                0, 117, 0, 0,
            ]
        )
    }

    @Test(arguments: [0, 1, 127, 32_766, 32_767, 32_768, 65_519, 65_534, 65_535] as [UInt16])
    func `a NACK survives a round trip from any number`(start: UInt16) throws {
        var generator = SeededGenerator(seed: UInt64(start))
        var lost: [UInt16] = []
        for offset in 0..<200 as Range<UInt16> where Int.random(in: 0..<4, using: &generator) == 0 {
            lost.append(start &+ offset)
        }
        let packet = RTCPPacket.genericNACK(GenericNACK(senderSSRC: 1, mediaSSRC: 2, lost: lost))
        #expect(try parseCompound(Self.bytes(packet)) == [packet])
    }

    @Test func `a NACK that lists nothing is accepted`() throws {
        let packet = RTCPPacket.genericNACK(GenericNACK(senderSSRC: 1, mediaSSRC: 2, lost: []))
        #expect(try parseCompound(Self.bytes(packet)) == [packet])
    }

    @Test func `a full intra request names no media source in its header`() {
        let request = FullIntraRequest(senderSSRC: 1, entries: [.init(ssrc: 5, sequenceNumber: 7)])
        #expect(
            Self.bytes(.fullIntraRequest(request))
                == [0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5, 7, 0, 0, 0]
        )
    }

    @Test(arguments: [0, 1, 262_143, 262_144, 1_000_000, 2_500_000_000, .max] as [UInt64])
    func `an estimate keeps 18 significant bits`(bitrate: UInt64) throws {
        let estimate = ReceiverEstimatedMaximumBitrate(senderSSRC: 1, bitrate: bitrate, ssrcs: [2])
        let packets = try parseCompound(Self.bytes(.receiverEstimatedMaximumBitrate(estimate)))
        guard case .receiverEstimatedMaximumBitrate(let read) = packets.first else {
            Issue.record("not an estimate: \(packets)")
            return
        }
        #expect(read.bitrate <= bitrate)
        #expect(bitrate - read.bitrate <= bitrate >> 17)
    }

    @Test func `an estimate of more than 64 bits is refused`() {
        var bytes = Self.bytes(
            .receiverEstimatedMaximumBitrate(.init(senderSSRC: 1, bitrate: 0x3_FFFF, ssrcs: []))
        )
        bytes[17] |= 63 << 2  // the exponent
        #expect(throws: ParseError.invalid(field: "REMB bitrate")) {
            _ = try parseCompound(bytes)
        }
    }

    @Test func `an estimate that names more streams than it holds is refused`() {
        var bytes = Self.bytes(
            .receiverEstimatedMaximumBitrate(.init(senderSSRC: 1, bitrate: 1, ssrcs: [2]))
        )
        bytes[16] = 2
        #expect(throws: ParseError.self) { _ = try parseCompound(bytes) }
    }
}

import Testing
import WebRTC

@Suite("What a datagram is, RFC 7983")
struct DatagramKindTests {
    private func kind(_ bytes: [UInt8]) -> DatagramKind { DatagramKind(bytes.span) }

    @Test func `the first byte tells protocols apart at their very bounds`() {
        let expected: [(ClosedRange<UInt8>, DatagramKind)] = [
            (0...3, .stun), (4...19, .other), (20...63, .dtls), (64...127, .other), (128...191, .rtp),
            (192...255, .other),
        ]
        for (range, kind) in expected {
            for byte in range { #expect(DatagramKind(firstByte: byte, secondByte: 0) == kind) }
        }
    }

    @Test func `the second byte tells RTCP from RTP at its very bounds`() {
        for byte in UInt8.min...UInt8.max {
            #expect(kind([0x80, byte]) == ((192...223).contains(byte) ? .rtcp : .rtp))
        }
        #expect(kind([0x80, 96 | 0x80]) == .rtp, "a marked packet of payload type 96")
    }

    @Test func `a datagram of less than two bytes is none of ours`() {
        #expect(kind([]) == .other)
        #expect(kind([0x80]) == .other)
    }
}

import SRTP
import Testing

#if DEBUG
    @Suite("No nonce twice")
    struct NonceGuardTests {
        @Test func `another payload under the same index stops a debug build`() async {
            await #expect(processExitsWith: .failure) {
                var sender = try SRTPSender(.aeadAES128GCM)
                var packet = RTPPacket(sequenceNumber: 1)
                _ = sender.protect(packet, index: 1)
                packet.payload[0] ^= 1
                _ = sender.protect(packet, index: 1)
            }
        }

        @Test func `another header under the same index stops a debug build`() async {
            await #expect(processExitsWith: .failure) {
                var sender = try SRTPSender(.aeadAES128GCM)
                var packet = RTPPacket(sequenceNumber: 1, shape: 1)
                _ = sender.protect(packet, index: 1)
                packet.header[20] ^= 1
                _ = sender.protect(packet, index: 1)
            }
        }

        @Test func `the same packet, and another source or round, go through`() async {
            await #expect(processExitsWith: .success) {
                var sender = try SRTPSender(.aeadAES128GCM)
                _ = sender.protect(RTPPacket(sequenceNumber: 1), index: 1)
                _ = sender.protect(RTPPacket(sequenceNumber: 1), index: 1)
                _ = sender.protect(RTPPacket(sequenceNumber: 1, payloadLength: 3), index: 0x1_0001)
                _ = sender.protect(RTPPacket(sequenceNumber: 1, ssrc: 9, payloadLength: 3), index: 1)
            }
        }
    }
#endif

import Primitives
import SRTP
import TestSupport
import Testing

/// libsrtp2 is the oracle: what one backend makes the other must make too, byte for byte, and accept.
@Suite("Our SRTP and libsrtp2")
struct BackendEqualityTests {
    @Test(arguments: SRTPProfile.allCases, SRTPBackend.ours)
    func `RTP packets of every size are equal and open on the other side`(
        profile: SRTPProfile, backend: SRTPBackend
    ) throws {
        for shape in 0...2 {
            var ours = try SRTPSender(profile, backend)
            var theirs = try SRTPSender(profile, .libsrtp2)
            var ourReceiver = try SRTPReceiver(profile, backend)
            var theirReceiver = try SRTPReceiver(profile, .libsrtp2)
            var sequenceNumber: UInt16 = 100
            for length in Array(0...40) + stride(from: 41, through: 1200, by: 19) + [1199, 1200] {
                sequenceNumber += 1
                let packet = RTPPacket(sequenceNumber: sequenceNumber, payloadLength: length, shape: shape)
                let datagram = ours.protect(packet, index: UInt64(sequenceNumber))
                #expect(datagram == theirs.protect(packet, index: UInt64(sequenceNumber)), "\(length) bytes")
                #expect(datagram.count == packet.bytes.count + profile.rtpTagLength)
                #expect(ourReceiver.open(datagram).value == packet.bytes, "\(length) bytes")
                #expect(theirReceiver.open(datagram).value == packet.bytes, "\(length) bytes")
            }
        }
    }

    #if arch(x86_64)
        @Test func `the multi-buffer library that the tests are to cover is there`() {
            #expect(SRTPBackend.multiBuffer.problem == nil)
        }
    #endif

    @Test func `the start chooses the faster backend, and OpenSSL where the clock shows no difference`() {
        var seconds = 0.0
        // The second span that is measured, of the multi-buffer library, takes half of the first.
        var spans = [1.0, 0.0, 0.5, 0.0].makeIterator()
        func now() -> Instant {
            let instant = Instant.zero.advanced(by: .milliseconds(Int64(seconds * 1000)))
            seconds += spans.next() ?? 0
            return instant
        }
        let isThere = SRTPBackend.multiBuffer.problem == nil
        #expect(SRTPSelfTest.fastestBackend(now: now) == (isThere ? .multiBuffer : .openssl))
        #expect(SRTPSelfTest.fastestBackend(now: { .zero }) == .openssl)
    }

    @Test(arguments: SRTPProfile.allCases, SRTPBackend.ours)
    func `packets stay equal while the sequence number wraps twice`(
        profile: SRTPProfile, backend: SRTPBackend
    ) throws {
        var ours = try SRTPSender(profile, backend)
        var theirs = try SRTPSender(profile, .libsrtp2)
        var ourReceiver = try SRTPReceiver(profile, backend)
        var theirReceiver = try SRTPReceiver(profile, .libsrtp2)
        var index: UInt64 = 60_000
        while index < 3 * 65_536 {
            // Near a wrap every packet, elsewhere one in a thousand.
            let isNearWrap = index % 65_536 > 65_530 || index % 65_536 < 5
            index += isNearWrap ? 1 : min(997, 65_531 - index % 65_536)
            let packet = RTPPacket(sequenceNumber: UInt16(truncatingIfNeeded: index), payloadLength: 33)
            let datagram = ours.protect(packet, index: index)
            #expect(datagram == theirs.protect(packet, index: index), "index \(index)")
            #expect(ourReceiver.open(datagram).value == packet.bytes, "index \(index)")
            #expect(theirReceiver.open(datagram).value == packet.bytes, "index \(index)")
        }
    }

    @Test(arguments: SRTPProfile.allCases, SRTPBackend.ours)
    func `RTCP packets are equal and open on the other side`(
        profile: SRTPProfile, backend: SRTPBackend
    ) throws {
        var ours = try SRTPSender(profile, backend)
        var theirs = try SRTPSender(profile, .libsrtp2)
        var ourReceiver = try SRTPReceiver(profile, backend)
        var theirReceiver = try SRTPReceiver(profile, .libsrtp2)
        for bodyLength in stride(from: 0, through: 1000, by: 4) {
            let packet = rtcpPacket(bodyLength: bodyLength)
            let datagram = ours.protectRTCP(packet)
            #expect(datagram == theirs.protectRTCP(packet), "\(bodyLength) bytes")
            #expect(datagram.count == packet.count + profile.rtcpOverhead)
            #expect(ourReceiver.openRTCP(datagram).value == packet, "\(bodyLength) bytes")
            #expect(theirReceiver.openRTCP(datagram).value == packet, "\(bodyLength) bytes")
        }
    }

    @Test(arguments: SRTPProfile.allCases, SRTPBackend.usable)
    func `several sources share one key`(profile: SRTPProfile, backend: SRTPBackend) throws {
        var sender = try SRTPSender(profile, backend)
        var receiver = try SRTPReceiver(profile, backend == .libsrtp2 ? .openssl : .libsrtp2)
        for sequenceNumber in UInt16(1)...20 {
            for ssrc in UInt32(1)...8 {
                let packet = RTPPacket(sequenceNumber: sequenceNumber, ssrc: ssrc)
                let datagram = sender.protect(packet, index: UInt64(sequenceNumber))
                #expect(receiver.open(datagram).value == packet.bytes)
                let report = rtcpPacket(ssrc: ssrc)
                #expect(receiver.openRTCP(sender.protectRTCP(report)).value == report)
            }
        }
    }

    @Test(arguments: SRTPProfile.allCases, SRTPBackend.usable)
    func `a packet sent again is the same datagram`(profile: SRTPProfile, backend: SRTPBackend) throws {
        var sender = try SRTPSender(profile, backend)
        let packets = (UInt16(1000)...1200).map { RTPPacket(sequenceNumber: $0, shape: 1) }
        let first = packets.enumerated().map { sender.protect($1, index: 1000 + UInt64($0)) }
        let second = packets.enumerated().map { sender.protect($1, index: 1000 + UInt64($0)) }
        #expect(first == second)
        #expect(first.allSatisfy { !$0.isEmpty })
    }

    @Test(arguments: SRTPProfile.allCases, SRTPBackend.ours)
    func `a payload encrypted where it lies is the same as one that is copied`(
        profile: SRTPProfile, backend: SRTPBackend
    ) throws {
        var sender = try SRTPSender(profile, backend)
        let packet = RTPPacket(sequenceNumber: 7, payloadLength: 1100, shape: 1)
        let copied = sender.protect(packet, index: 7)
        var buffer = packet.bytes + [UInt8](repeating: 0, count: 16)
        let length = buffer.withUnsafeMutableBytes { bytes in
            sender.protect(
                bytes.baseAddress!,
                headerLength: packet.header.count,
                payload: UnsafeRawBufferPointer(
                    rebasing: bytes[packet.header.count..<(packet.header.count + packet.payload.count)]
                ),
                ssrc: packet.ssrc,
                index: 7
            )
        }
        #expect(Array(buffer.prefix(length)) == copied)
    }
}

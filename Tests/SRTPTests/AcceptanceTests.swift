import SRTP
import TestSupport
import Testing

/// What a receiver takes and what it refuses, of both backends where both must agree.
@Suite("What SRTP accepts")
struct AcceptanceTests {
    @Test(arguments: SRTPProfile.allCases, SRTPBackend.usable)
    func `a change to any byte of an RTP packet is noticed`(profile: SRTPProfile, backend: SRTPBackend) throws {
        var sender = try SRTPSender(profile)
        var receiver = try SRTPReceiver(profile, backend)
        let packet = RTPPacket(sequenceNumber: 40_000, payloadLength: 60, shape: 2)
        let datagram = sender.protect(packet, index: 40_000)
        for position in datagram.indices {
            for bit in 0..<8 {
                var forged = datagram
                forged[position] ^= 1 << bit
                #expect(receiver.open(forged).error != nil, "byte \(position), bit \(bit)")
            }
        }
        #expect(receiver.open(datagram).value == packet.bytes, "forgeries left no trace")
    }

    @Test(arguments: SRTPProfile.allCases, SRTPBackend.usable)
    func `a change to any byte of an RTCP packet is noticed`(profile: SRTPProfile, backend: SRTPBackend) throws {
        var sender = try SRTPSender(profile)
        var receiver = try SRTPReceiver(profile, backend)
        let packet = rtcpPacket()
        let datagram = sender.protectRTCP(packet)
        for position in datagram.indices {
            for bit in 0..<8 {
                var forged = datagram
                forged[position] ^= 1 << bit
                #expect(receiver.openRTCP(forged).error != nil, "byte \(position), bit \(bit)")
            }
        }
        #expect(receiver.openRTCP(datagram).value == packet, "forgeries left no trace")
    }

    @Test(arguments: SRTPProfile.allCases, SRTPBackend.usable)
    func `every truncation is refused`(profile: SRTPProfile, backend: SRTPBackend) throws {
        var sender = try SRTPSender(profile)
        var receiver = try SRTPReceiver(profile, backend)
        let datagram = sender.protect(RTPPacket(sequenceNumber: 9, shape: 2), index: 9)
        let report = sender.protectRTCP(rtcpPacket())
        for length in 0..<datagram.count {
            #expect(receiver.open(Array(datagram.prefix(length))).error != nil, "\(length) bytes")
        }
        for length in 0..<report.count {
            #expect(receiver.openRTCP(Array(report.prefix(length))).error != nil, "\(length) bytes")
        }
    }

    @Test(arguments: SRTPProfile.allCases, SRTPBackend.usable)
    func `a replayed packet is refused`(profile: SRTPProfile, backend: SRTPBackend) throws {
        var sender = try SRTPSender(profile)
        var receiver = try SRTPReceiver(profile, backend)
        let datagrams = (UInt16(1)...1500).map {
            sender.protect(RTPPacket(sequenceNumber: $0, payloadLength: 4), index: UInt64($0))
        }
        for datagram in datagrams { #expect(receiver.open(datagram).error == nil) }
        for datagram in datagrams { #expect(receiver.open(datagram).error == .replayed) }
        let report = sender.protectRTCP(rtcpPacket())
        #expect(receiver.openRTCP(report).error == nil)
        #expect(receiver.openRTCP(report).error == .replayed)
    }

    @Test(arguments: SRTPProfile.allCases, SRTPBackend.usable)
    func `packets that arrive late are taken once, also across a wrap`(
        profile: SRTPProfile,
        backend: SRTPBackend
    ) throws {
        var sender = try SRTPSender(profile)
        var receiver = try SRTPReceiver(profile, backend)
        let datagrams = (UInt64(65_200)..<65_900).map {
            sender.protect(
                RTPPacket(sequenceNumber: UInt16(truncatingIfNeeded: $0), payloadLength: 4),
                index: $0
            )
        }
        let isLate = { (position: Int) in position % 3 == 1 }
        for (position, datagram) in datagrams.enumerated() where !isLate(position) {
            #expect(receiver.open(datagram).error == nil, "packet \(position)")
        }
        for (position, datagram) in datagrams.enumerated() where isLate(position) {
            #expect(receiver.open(datagram).error == nil, "late packet \(position)")
            #expect(receiver.open(datagram).error == .replayed, "late packet \(position)")
        }
    }

    @Test(arguments: SRTPProfile.allCases)
    func `a packet overtaken by 1024 others is refused and by 1023 is not`(profile: SRTPProfile) throws {
        var sender = try SRTPSender(profile)
        var receiver = try SRTPReceiver(profile)
        let early = (UInt16(1)...2).map { sender.protect(RTPPacket(sequenceNumber: $0), index: UInt64($0)) }
        #expect(receiver.open(sender.protect(RTPPacket(sequenceNumber: 1025), index: 1025)).error == nil)
        #expect(receiver.open(early[0]).error == .replayed)
        #expect(receiver.open(early[1]).error == nil)
    }

    @Test(arguments: SRTPProfile.allCases)
    func `packets of another session are refused`(profile: SRTPProfile) throws {
        var sender = try SRTPSender(profile, seed: 2)
        var receiver = try SRTPReceiver(profile, seed: 1)
        #expect(receiver.open(sender.protect(RTPPacket(sequenceNumber: 1), index: 1)).error == .authenticationFailed)
        #expect(receiver.openRTCP(sender.protectRTCP(rtcpPacket())).error == .authenticationFailed)
    }

    @Test(arguments: SRTPProfile.allCases, SRTPBackend.usable)
    func `the number of sources under one key is bounded, and strangers do not count`(
        profile: SRTPProfile,
        backend: SRTPBackend
    ) throws {
        var sender = try SRTPSender(profile)
        var stranger = try SRTPSender(profile, seed: 2)
        var receiver = try SRTPReceiver(profile, backend)
        for ssrc in UInt32(100)..<200 {
            let forged = stranger.protect(RTPPacket(sequenceNumber: 1, ssrc: ssrc), index: 1)
            #expect(receiver.open(forged).error == .authenticationFailed)
        }
        for ssrc in UInt32(1)...32 {
            #expect(receiver.open(sender.protect(RTPPacket(sequenceNumber: 1, ssrc: ssrc), index: 1)).error == nil)
            #expect(receiver.openRTCP(sender.protectRTCP(rtcpPacket(ssrc: ssrc))).error == nil)
        }
        #expect(
            receiver.open(sender.protect(RTPPacket(sequenceNumber: 1, ssrc: 33), index: 1)).error == .tooManySSRCs
        )
        #expect(receiver.openRTCP(sender.protectRTCP(rtcpPacket(ssrc: 33))).error == .tooManySSRCs)
        #expect(receiver.open(sender.protect(RTPPacket(sequenceNumber: 2, ssrc: 5), index: 2)).error == nil)
    }

    @Test(arguments: SRTPProfile.allCases, SRTPBackend.usable)
    func `garbage of every length is refused`(profile: SRTPProfile, backend: SRTPBackend) throws {
        var receiver = try SRTPReceiver(profile, backend)
        var generator = SeededGenerator(seed: 11)
        for round in 0..<2000 {
            var bytes = [UInt8].random(count: round % 120, using: &generator)
            if !bytes.isEmpty { bytes[0] = bytes[0] & 0x3F | 0x80 }
            #expect(receiver.open(bytes).error != nil)
            #expect(receiver.openRTCP(bytes).error != nil)
        }
    }
}

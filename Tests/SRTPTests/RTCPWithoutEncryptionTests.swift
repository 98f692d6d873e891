import Testing

@testable import SRTP

@Suite("SRTCP that is authenticated but not encrypted (E = 0)")
struct RTCPWithoutEncryptionTests {
    /// What a peer that does not encrypt its RTCP sends.
    private func datagram(_ profile: SRTPProfile, packet: [UInt8], index: UInt32) throws -> [UInt8] {
        let master = MasterKey(profile)
        let derivation = try SRTPKeyDerivation(key: master.key, salt: master.salt)
        let keys = try SRTPSessionKeys(.rtcp, profile: profile, from: derivation)
        let cipher = try PacketCipher(.seal, profile: profile, keys: keys, usesMultiBuffer: false)
        var tag = [UInt8](repeating: 0, count: profile.rtpTagLength)
        let isDone = tag.withUnsafeMutableBytes { tag in
            packet.withUnsafeBytes { bytes in
                switch profile {
                case .aeadAES128GCM:
                    cipher.sealAEAD(
                        associated: bytes.baseAddress!,
                        associatedCount: bytes.count,
                        trailer: index,
                        input: nil,
                        output: tag.baseAddress!,
                        count: 0,
                        tag: tag.baseAddress!,
                        ssrc: 0xDEAD_BEEF,
                        index: UInt64(index)
                    )
                case .aes128CMSHA1_80:
                    cipher.authenticate(bytes.baseAddress!, count: bytes.count, trailer: index, tag: tag.baseAddress!)
                }
            }
        }
        try #require(isDone)
        return profile == .aeadAES128GCM ? packet + tag + index.bytes : packet + index.bytes + tag
    }

    @Test(arguments: SRTPProfile.allCases, SRTPBackend.ours)
    func `it is accepted as it stands, once, and not when changed`(
        profile: SRTPProfile, backend: SRTPBackend
    ) throws {
        let packet = rtcpPacket()
        let datagram = try datagram(profile, packet: packet, index: 77)
        var receiver = try SRTPReceiver(profile, backend)
        for position in datagram.indices {
            var forged = datagram
            forged[position] ^= 0x80
            #expect(receiver.openRTCP(forged).error != nil, "byte \(position)")
        }
        #expect(receiver.openRTCP(datagram).value == packet)
        #expect(receiver.openRTCP(datagram).error == .replayed)
    }
}

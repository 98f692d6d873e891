import Testing

@testable import SRTP

@Suite("Published vectors")
struct VectorTests {
    @Test func `session keys are those of RFC 3711 appendix B.3`() throws {
        let derivation = try SRTPKeyDerivation(
            key: .init(hexadecimal: "E1F97A0D3E018BE0D64FA32C06DE4139"),
            salt: .init(hexadecimal: "0EC675AD498AFEEBB6960B3AABE6")
        )
        let keys = try SRTPSessionKeys(.rtp, profile: .aes128CMSHA1_80, from: derivation)
        #expect(keys.encryption == .init(hexadecimal: "C61E7A93744F39EE10734AFE3FF7A087"))
        #expect(keys.salt == .init(hexadecimal: "30CBBC08863D8C85D49DB34A9AE1"))
        #expect(keys.authentication == .init(hexadecimal: "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"))
    }

    @Test(arguments: SRTPBackend.ours)
    func `a packet sealed with AES-128-GCM is that of RFC 7714 section 16.1`(backend: SRTPBackend) throws {
        let packet = [UInt8](
            hexadecimal: """
                8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465
                73207472 6573
                """
        )
        let sealed = [UInt8](
            hexadecimal: """
                8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b
                36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce
                """
        )
        var keys = try SRTPSessionKeys(
            .rtp,
            profile: .aeadAES128GCM,
            from: SRTPKeyDerivation(key: .init(repeating: 0, count: 16), salt: .init(repeating: 0, count: 12))
        )
        keys.encryption = .init(hexadecimal: "000102030405060708090a0b0c0d0e0f")
        keys.salt = .init(hexadecimal: "517569642070726f2071756f")
        let cipher = try PacketCipher(
            .seal, profile: .aeadAES128GCM, keys: keys, usesMultiBuffer: backend == .multiBuffer)
        var output = packet + [UInt8](repeating: 0, count: 16)
        let isSealed = output.withUnsafeMutableBytes { bytes in
            cipher.sealAEAD(
                associated: bytes.baseAddress!,
                associatedCount: 12,
                trailer: nil,
                input: bytes.baseAddress! + 12,
                output: bytes.baseAddress! + 12,
                count: packet.count - 12,
                tag: bytes.baseAddress! + packet.count,
                ssrc: 0x5501_A0B2,
                index: 0xF17B
            )
        }
        #expect(isSealed)
        #expect(output == sealed)
    }

    @Test func `a key of the wrong length is refused`() {
        for profile in SRTPProfile.allCases {
            for backend in SRTPBackend.allCases {
                for (key, salt) in [(15, profile.saltLength), (16, profile.saltLength - 1), (0, 0), (32, 14)] {
                    #expect(throws: SRTPError.invalidKey) {
                        _ = try SRTPSender(
                            profile: profile,
                            key: .init(repeating: 1, count: key),
                            salt: .init(repeating: 1, count: salt),
                            backend: backend
                        )
                    }
                }
            }
        }
    }
}

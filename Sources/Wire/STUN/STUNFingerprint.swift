/// FINGERPRINT: the CRC-32 of the message up to the attribute, masked (RFC 8489 §14.7).
enum STUNFingerprint {
    /// Keeps the checksum apart from that of a protocol that ends in a CRC-32 as well: "STUN" in ASCII.
    private static let mask: UInt32 = 0x5354_554E

    /// The remainders of all bytes for the reflected polynomial of ITU-T V.42.
    private static let table: [UInt32] = (0..<256).map { index in
        var remainder = UInt32(index)
        for _ in 0..<8 { remainder = remainder & 1 == 1 ? remainder >> 1 ^ 0xEDB8_8320 : remainder >> 1 }
        return remainder
    }

    /// The attribute's value for a message that holds `bytes` before it, its length field counting the attribute.
    static func of(_ bytes: Span<UInt8>) -> UInt32 {
        var remainder: UInt32 = 0xFFFF_FFFF
        let table = table
        for index in bytes.indices {
            remainder = remainder >> 8 ^ table[Int(UInt8(truncatingIfNeeded: remainder) ^ bytes[index])]
        }
        return ~remainder ^ mask
    }
}

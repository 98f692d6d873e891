import COpenSSL

/// MESSAGE-INTEGRITY: HMAC-SHA1 over the message up to the attribute (RFC 8489 §14.5).
enum STUNIntegrity {
    /// Bytes of an HMAC-SHA1.
    static let tagLength = 20

    /// The HMAC of `bytes`, whose length field must already count the attribute to come.
    static func tag(of bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        var tag = [UInt8](repeating: 0, count: tagLength)
        var length: UInt32 = 0
        let result = HMAC(EVP_sha1(), key, Int32(clamping: key.count), bytes, bytes.count, &tag, &length)
        precondition(result != nil && length == UInt32(tagLength), "HMAC-SHA1 is always there and gives 20 bytes")
        return tag
    }

    /// Whether the MESSAGE-INTEGRITY at `offset` of `datagram` was made with `key`.
    ///
    /// - Complexity: Takes the same time for every wrong tag.
    static func verify(_ datagram: Span<UInt8>, offset: Int, key: [UInt8]) -> Bool {
        let end = offset + 4 + tagLength
        guard offset >= STUNMessage.headerLength, end <= datagram.count else { return false }
        var covered: [UInt8] = []
        covered.reserveCapacity(offset)
        for index in 0..<offset { covered.append(datagram[index]) }
        // RFC 8489 §14.5: the length field as if the message ended with this attribute.
        let length = UInt16(truncatingIfNeeded: end - STUNMessage.headerLength)
        covered[2] = UInt8(truncatingIfNeeded: length >> 8)
        covered[3] = UInt8(truncatingIfNeeded: length)
        let expected = tag(of: covered, key: key)
        var difference: UInt8 = 0
        for index in 0..<tagLength { difference |= expected[index] ^ datagram[offset + 4 + index] }
        return difference == 0
    }
}

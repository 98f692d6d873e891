import Primitives

/// The value of MAPPED-ADDRESS and XOR-MAPPED-ADDRESS (RFC 8489 §14.1 and §14.2).
enum STUNAddress {
    /// What the bits of an address are masked with, so that no middlebox rewrites them.
    struct Mask {
        var port: UInt16 = 0
        var ipv4: UInt32 = 0
        var high: UInt64 = 0
        var low: UInt64 = 0

        /// For MAPPED-ADDRESS, which is in clear.
        static let none = Mask()

        /// The magic cookie, for IPv6 followed by the transaction ID.
        static func exclusiveOr(transactionID: [UInt8]) -> Mask {
            let cookie = STUNMessage.magicCookie
            var mask = Mask(port: UInt16(cookie >> 16), ipv4: cookie, high: 0, low: UInt64(cookie))
            for byte in transactionID.prefix(STUNMessage.transactionIDLength) {
                mask.high = mask.high << 8 | mask.low >> 56
                mask.low = mask.low << 8 | UInt64(byte)
            }
            return mask
        }
    }

    /// Reads family, port and address.
    ///
    /// - Throws: ``ParseError`` for a family other than IPv4 and IPv6, or too few bytes.
    static func read(_ reader: inout ByteReader, mask: Mask) throws(ParseError) -> TransportAddress {
        try reader.skip(1)
        let family: UInt8 = try reader.readInteger()
        let port: UInt16 = try reader.readInteger()
        switch family {
        case 1:
            let address: UInt32 = try reader.readInteger()
            return TransportAddress(ipv4: address ^ mask.ipv4, port: port ^ mask.port)
        case 2:
            let high: UInt64 = try reader.readInteger()
            let low: UInt64 = try reader.readInteger()
            return TransportAddress(high: high ^ mask.high, low: low ^ mask.low, port: port ^ mask.port)
        default:
            throw .invalid(field: "STUN address family")
        }
    }

    /// The inverse of ``read(_:mask:)``.
    ///
    /// An IPv4-mapped address goes out as IPv4.
    static func encoded(_ address: TransportAddress, mask: Mask) -> [UInt8] {
        var writer = ByteWriter(capacity: 20)
        writer.write(UInt8(0))
        if let ipv4 = address.ipv4 {
            writer.write(UInt8(1))
            writer.write(address.port ^ mask.port)
            writer.write(ipv4 ^ mask.ipv4)
        } else {
            writer.write(UInt8(2))
            writer.write(address.port ^ mask.port)
            writer.write(address.high ^ mask.high)
            writer.write(address.low ^ mask.low)
        }
        return writer.bytes
    }
}

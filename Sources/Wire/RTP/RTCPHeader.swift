import Primitives

/// The four bytes that every RTCP packet starts with (RFC 3550 §6.4.1, RFC 4585 §6.1).
struct RTCPHeader {
    static let length = 4

    /// The report count, source count or feedback format, by packet type; 0...31.
    var count: UInt8
    var packetType: UInt8
    var hasPadding: Bool
    /// Bytes after the header, padding included.
    var bodyLength: Int

    /// - Throws: ``ParseError`` when the version is not 2 or the length exceeds what is left.
    init(parsing reader: inout ByteReader) throws(ParseError) {
        let first: UInt8 = try reader.readInteger()
        guard first >> 6 == 2 else { throw .invalid(field: "RTCP version") }
        hasPadding = first & 0x20 != 0
        count = first & 0x1F
        packetType = try reader.readInteger()
        bodyLength = 4 * Int(try reader.readInteger(as: UInt16.self))
        guard bodyLength <= reader.remaining else {
            throw .truncated(needed: bodyLength, available: reader.remaining, offset: reader.offset)
        }
    }

    /// The body without its padding.
    ///
    /// Padding is accepted on any packet of a compound, though RFC 3550 §6.4.1 wants it on the last only: transport
    /// feedback is padded where it stands.
    static func unpadded(_ body: Span<UInt8>, hasPadding: Bool) throws(ParseError) -> Int {
        guard hasPadding else { return body.count }
        guard body.count > 0 else { throw .invalid(field: "RTCP padding length") }
        let padding = Int(body[body.count - 1])
        guard padding > 0, padding <= body.count else { throw .invalid(field: "RTCP padding length") }
        return body.count - padding
    }

    /// Writes one packet around what `body` writes, padded to 32 bits; `count` is 0...31.
    static func write(
        type: RTCPType,
        count: UInt8,
        to writer: inout ByteWriter,
        body: (inout ByteWriter) -> Void
    ) {
        var content = ByteWriter()
        body(&content)
        let padding = (4 - content.count % 4) % 4
        writer.write((padding > 0 ? 0xA0 : 0x80) | (count & 0x1F))
        writer.write(type.rawValue)
        let words = (content.count + padding) / 4
        precondition(words <= 0xFFFF, "what we send fits a datagram")
        writer.write(UInt16(truncatingIfNeeded: words))
        writer.write(content.bytes)
        if padding > 0 {
            writer.writeZeros(padding - 1)
            writer.write(UInt8(truncatingIfNeeded: padding))
        }
    }
}

package import Primitives

/// The header of a raw AAC frame in an Audio Data Transport Stream, as MPEG-TS carries it (ISO/IEC 13818-7 §6.2).
package struct ADTSHeader: Hashable, Sendable {
    /// Bytes of the header, with its checksum where there is one: 7 or 9.
    package var length: Int
    /// Bytes of header and frame together.
    package var frameLength: Int
    /// The two bytes of an AudioSpecificConfig that say the same (ISO/IEC 14496-3 §1.6.2.1).
    package var audioSpecificConfig: [UInt8]

    /// - Throws: ``ParseError`` when `bytes` does not begin with a header, or its frame is shorter than itself.
    package init(parsing bytes: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(bytes)
        let sync: UInt16 = try reader.readInteger()
        // The layer, two bits behind the version, is always 0.
        guard sync & 0xFFF6 == 0xFFF0 else { throw .invalid(field: "ADTS syncword") }
        length = sync & 1 == 0 ? 9 : 7
        let format: UInt32 = try reader.readInteger()
        let objectType = UInt8(truncatingIfNeeded: format >> 30) + 1
        let rateIndex = UInt8(truncatingIfNeeded: format >> 26 & 0x0F)
        let channels = UInt8(truncatingIfNeeded: format >> 22 & 0x07)
        guard rateIndex < 13 else { throw .invalid(field: "ADTS sampling frequency") }
        frameLength = Int(format >> 5 & 0x1FFF)
        try reader.skip(1)  // fullness of the buffer and number of blocks
        guard frameLength >= length else { throw .invalid(field: "ADTS frame length") }
        audioSpecificConfig = [objectType << 3 | rateIndex >> 1, (rateIndex & 1) << 7 | channels << 3]
    }
}

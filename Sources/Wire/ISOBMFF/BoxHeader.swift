package import Primitives

/// The size and type with which every box begins (ISO/IEC 14496-12 §4.2.2).
package struct BoxHeader: Hashable, Sendable {
    package var type: BoxType
    /// Bytes of the header itself: 8, or 16 with a 64-bit size.
    package var headerSize: Int
    /// Bytes of the content behind it; `nil` when the box reaches to the end of the file.
    package var contentSize: Int?

    /// Parses a header and leaves the reader on the content, which may not have arrived yet.
    package init(parsing reader: inout ByteReader) throws(ParseError) {
        let size: UInt32 = try reader.readInteger()
        type = BoxType(rawValue: try reader.readInteger())
        switch size {
        case 0: (headerSize, contentSize) = (8, nil)
        case 1:
            let large: UInt64 = try reader.readInteger()
            guard large >= 16, large <= UInt64(Int64.max) else { throw .invalid(field: "box size") }
            (headerSize, contentSize) = (16, Int(large) - 16)
        default:
            guard size >= 8 else { throw .invalid(field: "box size") }
            (headerSize, contentSize) = (8, Int(size) - 8)
        }
    }
}

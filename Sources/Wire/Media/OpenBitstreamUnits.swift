package import Primitives

/// One OBU of an AV1 temporal unit (AV1 specification §5.3).
package struct OpenBitstreamUnit: Hashable, Sendable {
    /// obu_type, such as ``sequenceHeader``.
    package var type: UInt8
    /// The OBU header (one or two bytes) as it is on the wire, has_size_field included.
    package var header: [UInt8]
    /// Where the payload lies in the bytes that were parsed.
    package var payload: Range<Int>

    package static let sequenceHeader: UInt8 = 1
    package static let temporalDelimiter: UInt8 = 2
    package static let frameHeader: UInt8 = 3
    package static let tileList: UInt8 = 8
    package static let padding: UInt8 = 15

    /// More OBUs than any real temporal unit has; bounds what a hostile one makes us keep.
    package static let maximumCount = 1_024

    /// The OBUs of `bytes`; the last one may lack a size field and then reaches to the end.
    package static func units(of bytes: Span<UInt8>) throws(ParseError) -> [OpenBitstreamUnit] {
        var units: [OpenBitstreamUnit] = []
        var reader = ByteReader(bytes)
        while reader.remaining > 0 {
            guard units.count < maximumCount else { throw .limitExceeded(what: "OBUs of a temporal unit") }
            let first: UInt8 = try reader.readInteger()
            guard first & 0x80 == 0 else { throw .invalid(field: "obu_forbidden_bit") }
            var header = [first]
            if first & 0x04 != 0 { header.append(try reader.readInteger()) }
            let length = first & 0x02 != 0 ? try reader.readLEB128() : reader.remaining
            let start = reader.offset
            try reader.skip(length)
            units.append(
                OpenBitstreamUnit(type: first >> 3 & 0x0F, header: header, payload: start..<(start + length))
            )
        }
        return units
    }
}

extension ByteReader {
    /// Reads an unsigned LEB128 number of at most 32 bits (AV1 specification §4.10.5).
    @_lifetime(self: copy self)
    package mutating func readLEB128() throws(ParseError) -> Int {
        var value: UInt64 = 0
        for index in 0..<8 {
            let byte: UInt8 = try readInteger()
            value |= UInt64(byte & 0x7F) << UInt64(index * 7)
            if byte & 0x80 == 0 {
                guard value <= UInt64(UInt32.max) else { throw .invalid(field: "LEB128 number") }
                return Int(value)
            }
        }
        throw .invalid(field: "LEB128 number")
    }
}

extension [UInt8] {
    /// Appends `value` as unsigned LEB128.
    mutating func appendLEB128(_ value: Int) {
        precondition(value >= 0, "LEB128 lengths are not negative")
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }
}

import Primitives

/// The value of ERROR-CODE (RFC 8489 §14.8).
package struct STUNErrorCode: Equatable, Sendable {
    /// 300 to 699.
    package var code: UInt16
    /// For people; no protocol depends on it.
    package var reason: String

    package init(code: UInt16, reason: String) {
        self.code = code
        self.reason = reason
    }

    /// An attribute that must be understood was not.
    package static let unknownAttribute = STUNErrorCode(code: 420, reason: "Unknown Attribute")
    /// Both agents believe to have the same role (RFC 8445 §7.3.1.1).
    package static let roleConflict = STUNErrorCode(code: 487, reason: "Role Conflict")

    /// The longest reason phrase, in bytes (RFC 8489 §14.8).
    package static let maximumReasonLength = 763

    /// Reads the whole value of the attribute.
    ///
    /// - Throws: ``ParseError`` for a class outside 3 to 6, a number above 99 or too long a reason.
    init(parsing reader: inout ByteReader) throws(ParseError) {
        try reader.skip(2)
        let hundreds: UInt8 = try reader.readInteger()
        let number: UInt8 = try reader.readInteger()
        // RFC 8489 §14.8: the class is the lower three bits; the rest is reserved and to be ignored.
        let errorClass = hundreds & 0x07
        guard (3...6).contains(errorClass), number <= 99 else { throw .invalid(field: "STUN ERROR-CODE") }
        guard reader.remaining <= Self.maximumReasonLength else { throw .limitExceeded(what: "STUN reason phrase") }
        code = UInt16(errorClass) * 100 + UInt16(number)
        reason = try reader.readString(reader.remaining)
    }

    var encoded: [UInt8] {
        precondition((300...699).contains(code), "an error code lies between 300 and 699")
        var writer = ByteWriter(capacity: 4 + reason.utf8.count)
        writer.write(UInt16(0))
        writer.write(UInt8(code / 100))
        writer.write(UInt8(code % 100))
        writer.write(utf8: reason)
        return writer.bytes
    }
}

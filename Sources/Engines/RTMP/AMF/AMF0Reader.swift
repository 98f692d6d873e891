package import Primitives

/// Reads the values of one message, within ``AMF0Limits``.
///
/// References (marker 7) and the switch to AMF3 (marker 17) are refused: no encoder needs them in
/// what a publisher says, and both let a short message stand for a large value.
package struct AMF0Reader: ~Escapable {
    private var reader: ByteReader
    private let limits: AMF0Limits
    private var valuesLeft: Int

    @_lifetime(copy bytes)
    package init(_ bytes: Span<UInt8>, limits: AMF0Limits = AMF0Limits()) {
        reader = ByteReader(bytes)
        self.limits = limits
        valuesLeft = limits.maximumValues
    }

    /// Whether everything has been read.
    package var isAtEnd: Bool { reader.remaining == 0 }

    /// Reads the next value.
    ///
    /// - Throws: ``ParseError`` when the value is cut short, of an unknown type, or beyond a limit.
    @_lifetime(self: copy self)
    package mutating func readValue() throws(ParseError) -> AMF0Value {
        try readValue(depth: 0)
    }

    /// Reads every value that is left.
    @_lifetime(self: copy self)
    package mutating func readAll() throws(ParseError) -> [AMF0Value] {
        var values: [AMF0Value] = []
        while !isAtEnd { values.append(try readValue()) }
        return values
    }

    @_lifetime(self: copy self)
    private mutating func readValue(depth: Int) throws(ParseError) -> AMF0Value {
        guard valuesLeft > 0 else { throw .limitExceeded(what: "AMF0 values") }
        valuesLeft -= 1
        let marker: UInt8 = try reader.readInteger()
        switch marker {
        case AMF0Marker.number: return .number(try readDouble())
        case AMF0Marker.boolean: return .boolean(try reader.readInteger(as: UInt8.self) != 0)
        case AMF0Marker.string: return .string(try readString())
        case AMF0Marker.null: return .null
        case AMF0Marker.undefined, AMF0Marker.unsupported: return .undefined
        case AMF0Marker.longString, AMF0Marker.xmlDocument: return .string(try readLongString())
        case AMF0Marker.object: return .object(try readMembers(depth: depth))
        case AMF0Marker.typedObject:
            _ = try readString()
            return .object(try readMembers(depth: depth))
        case AMF0Marker.ecmaArray:
            // The count is only a hint: encoders write zero, or leave out what they add later.
            _ = try reader.readInteger(as: UInt32.self)
            return .ecmaArray(try readMembers(depth: depth))
        case AMF0Marker.strictArray: return .strictArray(try readElements(depth: depth))
        case AMF0Marker.date:
            let milliseconds = try readDouble()
            try reader.skip(2)  // A time zone, reserved and zero.
            return .date(milliseconds)
        default: throw .invalid(field: "AMF0 marker")
        }
    }

    @_lifetime(self: copy self)
    private mutating func readDouble() throws(ParseError) -> Double {
        Double(bitPattern: try reader.readInteger())
    }

    @_lifetime(self: copy self)
    private mutating func readString() throws(ParseError) -> String {
        try readString(length: Int(try reader.readInteger(as: UInt16.self)))
    }

    @_lifetime(self: copy self)
    private mutating func readLongString() throws(ParseError) -> String {
        try readString(length: Int(try reader.readInteger(as: UInt32.self)))
    }

    @_lifetime(self: copy self)
    private mutating func readString(length: Int) throws(ParseError) -> String {
        guard length <= limits.maximumStringLength else { throw .limitExceeded(what: "AMF0 string") }
        return try reader.readString(length)
    }

    /// Members up to and with the object end marker: an empty name and a byte of its own.
    @_lifetime(self: copy self)
    private mutating func readMembers(depth: Int) throws(ParseError) -> AMF0Object {
        guard depth < limits.maximumDepth else { throw .limitExceeded(what: "AMF0 nesting") }
        var object = AMF0Object()
        while true {
            let name = try readString()
            if name.isEmpty, try reader.peek() == AMF0Marker.objectEnd {
                try reader.skip(1)
                return object
            }
            object.append(name, try readValue(depth: depth + 1))
        }
    }

    @_lifetime(self: copy self)
    private mutating func readElements(depth: Int) throws(ParseError) -> [AMF0Value] {
        guard depth < limits.maximumDepth else { throw .limitExceeded(what: "AMF0 nesting") }
        let count: UInt32 = try reader.readInteger()
        guard count <= UInt32(truncatingIfNeeded: valuesLeft) else { throw .limitExceeded(what: "AMF0 values") }
        var elements: [AMF0Value] = []
        for _ in 0..<count { elements.append(try readValue(depth: depth + 1)) }
        return elements
    }
}

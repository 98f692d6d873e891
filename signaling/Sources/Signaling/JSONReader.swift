/// Why bytes are not a JSON text that we take.
package enum JSONProblem: Error, Equatable, Sendable {
    /// Not as RFC 8259 says, from this byte on; also when the end is missing or something follows it.
    case malformed(offset: Int)
    /// Arrays and objects within each other beyond ``JSONReader/maximumDepth``.
    case tooDeep
    /// More values than ``JSONReader/maximumValues``.
    case tooManyValues
    /// A name twice in an object: readers differ in which one they take, which is how checks are got round.
    case repeatedName(String)
}

/// Reads a JSON text (RFC 8259) from bytes that nobody has checked.
///
/// Strict: no comments, no commas too many, no numbers that the grammar does not have, UTF-8 that is UTF-8, and no half
/// surrogate pairs. What it makes is a small multiple of what it reads, and the depth of recursion is bounded.
package struct JSONReader: ~Escapable {
    /// Arrays and objects within each other.
    package static let maximumDepth = 16
    /// Values in a text, at every depth.
    package static let maximumValues = 1_024

    private let bytes: Span<UInt8>
    private var offset = 0
    private var values = 0

    @_lifetime(copy bytes)
    private init(_ bytes: Span<UInt8>) {
        self.bytes = bytes
    }

    /// Reads a whole text.
    ///
    /// - Throws: ``JSONProblem``.
    package static func read(_ bytes: Span<UInt8>) throws(JSONProblem) -> JSONValue {
        var reader = JSONReader(bytes)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.offset == bytes.count else { throw .malformed(offset: reader.offset) }
        return value
    }

    private var current: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    @_lifetime(self: copy self)
    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { offset += 1 }
    }

    @_lifetime(self: copy self)
    private mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        offset += 1
        return true
    }

    @_lifetime(self: copy self)
    private mutating func value(depth: Int) throws(JSONProblem) -> JSONValue {
        values += 1
        guard values <= Self.maximumValues else { throw .tooManyValues }
        skipSpace()
        switch current {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return .number(try number())
        }
    }

    @_lifetime(self: copy self)
    private mutating func word(_ word: String, _ value: JSONValue) throws(JSONProblem) -> JSONValue {
        for byte in word.utf8 {
            guard take(byte) else { throw .malformed(offset: offset) }
        }
        return value
    }

    @_lifetime(self: copy self)
    private mutating func object(depth: Int) throws(JSONProblem) -> JSONValue {
        guard depth <= Self.maximumDepth else { throw .tooDeep }
        offset += 1
        var members: [JSONValue.Member] = []
        var names: Set<String> = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object([]) }
        repeat {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw .malformed(offset: offset) }
            let name = try string()
            guard names.insert(name).inserted else { throw .repeatedName(name) }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw .malformed(offset: offset) }
            members.append(JSONValue.Member(name: name, value: try value(depth: depth)))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw .malformed(offset: offset) }
        return .object(members)
    }

    @_lifetime(self: copy self)
    private mutating func array(depth: Int) throws(JSONProblem) -> JSONValue {
        guard depth <= Self.maximumDepth else { throw .tooDeep }
        offset += 1
        var elements: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array([]) }
        repeat {
            elements.append(try value(depth: depth))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw .malformed(offset: offset) }
        return .array(elements)
    }

    // MARK: Numbers

    @_lifetime(self: copy self)
    private mutating func digits() throws(JSONProblem) {
        let start = offset
        while let byte = current, (0x30...0x39).contains(byte) { offset += 1 }
        guard offset > start else { throw .malformed(offset: offset) }
    }

    @_lifetime(self: copy self)
    private mutating func number() throws(JSONProblem) -> String {
        let start = offset
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        return String(decoding: slice(from: start), as: UTF8.self)
    }

    // MARK: Strings

    private func slice(from start: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(offset - start)
        for index in start..<offset { result.append(bytes[index]) }
        return result
    }

    @_lifetime(self: copy self)
    private mutating func string() throws(JSONProblem) -> String {
        let start = offset
        offset += 1
        var text: [UInt8] = []
        while let byte = current {
            offset += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let valid = String(validating: text, as: UTF8.self) else { throw .malformed(offset: start) }
                return valid
            case UInt8(ascii: "\\"): text.append(contentsOf: String(try escaped()).utf8)
            case 0..<0x20: throw .malformed(offset: offset - 1)
            default: text.append(byte)
            }
        }
        throw .malformed(offset: offset)
    }

    /// What stands behind a backslash.
    @_lifetime(self: copy self)
    private mutating func escaped() throws(JSONProblem) -> Unicode.Scalar {
        guard let byte = current else { throw .malformed(offset: offset) }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let first = try codeUnit()
            // RFC 8259 section 7: beyond the basic plane a character is two units.
            if (0xD800..<0xDC00).contains(first) {
                guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw .malformed(offset: offset) }
                let second = try codeUnit()
                guard (0xDC00..<0xE000).contains(second),
                    let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
                else { throw .malformed(offset: offset) }
                return scalar
            }
            guard let scalar = Unicode.Scalar(first) else { throw .malformed(offset: offset) }
            return scalar
        default: throw .malformed(offset: offset - 1)
        }
    }

    @_lifetime(self: copy self)
    private mutating func codeUnit() throws(JSONProblem) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw .malformed(offset: offset)
            }
            unit = unit << 4 | UInt32(digit)
            offset += 1
        }
        return unit
    }
}

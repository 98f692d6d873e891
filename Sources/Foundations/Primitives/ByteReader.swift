/// A cursor over borrowed bytes that checks every length and never traps on what they hold.
///
/// Integers are big-endian ("network order") unless the name says otherwise.
package struct ByteReader: ~Escapable {
    private let bytes: Span<UInt8>
    /// The position of the next byte to read, from the start of the span.
    package private(set) var offset: Int

    @_lifetime(copy bytes)
    package init(_ bytes: Span<UInt8>) {
        self.bytes = bytes
        offset = 0
    }

    /// Bytes not yet read.
    package var remaining: Int { bytes.count - offset }

    private func require(_ count: Int) throws(ParseError) {
        guard count >= 0, count <= remaining else {
            throw .truncated(needed: count, available: remaining, offset: offset)
        }
    }

    // One function for each width, not a generic one: that would not be specialised for callers in other modules, and look its
    // integer up at run time, twenty times dearer.

    /// Reads one byte.
    @_lifetime(self: copy self)
    package mutating func readInteger(as type: UInt8.Type = UInt8.self) throws(ParseError) -> UInt8 {
        try require(1)
        defer { offset += 1 }
        return bytes[offset]
    }

    /// Reads one 16-bit big-endian unsigned integer.
    @_lifetime(self: copy self)
    package mutating func readInteger(as type: UInt16.Type = UInt16.self) throws(ParseError) -> UInt16 {
        try require(2)
        defer { offset += 2 }
        return UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
    }

    /// Reads one 32-bit big-endian unsigned integer.
    @_lifetime(self: copy self)
    package mutating func readInteger(as type: UInt32.Type = UInt32.self) throws(ParseError) -> UInt32 {
        try require(4)
        defer { offset += 4 }
        let high = UInt32(bytes[offset]) << 24 | UInt32(bytes[offset + 1]) << 16
        return high | UInt32(bytes[offset + 2]) << 8 | UInt32(bytes[offset + 3])
    }

    /// Reads one 64-bit big-endian unsigned integer.
    @_lifetime(self: copy self)
    package mutating func readInteger(as type: UInt64.Type = UInt64.self) throws(ParseError) -> UInt64 {
        try require(8)
        let high: UInt32 = try readInteger()
        let low: UInt32 = try readInteger()
        return UInt64(high) << 32 | UInt64(low)
    }

    /// Reads a 24-bit big-endian unsigned integer.
    @_lifetime(self: copy self)
    package mutating func readUInt24() throws(ParseError) -> UInt32 {
        try require(3)
        defer { offset += 3 }
        return UInt32(bytes[offset]) << 16 | UInt32(bytes[offset + 1]) << 8 | UInt32(bytes[offset + 2])
    }

    /// Reads a 32-bit little-endian unsigned integer (RTMP message stream ids are the only ones on our wires).
    @_lifetime(self: copy self)
    package mutating func readUInt32LittleEndian() throws(ParseError) -> UInt32 {
        let value: UInt32 = try readInteger()
        return value.byteSwapped
    }

    /// The next byte, left unread.
    package func peek() throws(ParseError) -> UInt8 {
        try require(1)
        return bytes[offset]
    }

    /// Passes over `count` bytes.
    @_lifetime(self: copy self)
    package mutating func skip(_ count: Int) throws(ParseError) {
        try require(count)
        offset += count
    }

    /// Reads `count` bytes as a view of the borrowed input, without a copy.
    @_lifetime(copy self)
    package mutating func readSpan(_ count: Int) throws(ParseError) -> Span<UInt8> {
        try require(count)
        let span = bytes.extracting(offset..<(offset + count))
        offset += count
        return span
    }

    /// Reads `count` bytes into an array of their own.
    @_lifetime(self: copy self)
    package mutating func readArray(_ count: Int) throws(ParseError) -> [UInt8] {
        try require(count)
        var array: [UInt8] = []
        array.reserveCapacity(count)
        for index in offset..<(offset + count) { array.append(bytes[index]) }
        offset += count
        return array
    }

    /// Reads all that is left as a view of the borrowed input.
    @_lifetime(copy self)
    package mutating func readRemaining() -> Span<UInt8> {
        let span = bytes.extracting(offset..<bytes.count)
        offset = bytes.count
        return span
    }

    /// Reads `count` bytes as text, replacing what is not UTF-8.
    @_lifetime(self: copy self)
    package mutating func readString(_ count: Int) throws(ParseError) -> String {
        String(decoding: try readArray(count), as: UTF8.self)
    }
}

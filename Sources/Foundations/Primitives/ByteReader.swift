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

    /// Reads one big-endian unsigned integer of the width of `Integer`.
    @_lifetime(self: copy self)
    package mutating func readInteger<Integer: FixedWidthInteger & UnsignedInteger>(
        as type: Integer.Type = Integer.self
    ) throws(ParseError) -> Integer {
        let width = Integer.bitWidth / 8
        try require(width)
        var value: Integer = 0
        for index in offset..<(offset + width) {
            value = (width == 1 ? 0 : value << 8) | Integer(truncatingIfNeeded: bytes[index])
        }
        offset += width
        return value
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

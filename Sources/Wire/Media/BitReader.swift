package import Primitives

/// A cursor over single bits, most significant first, as the headers of video codecs are written.
///
/// Reading past the end throws and never traps. Made for parameter sets, which are small and rare: it owns its bytes.
package struct BitReader: Sendable {
    private let bytes: [UInt8]
    /// The position of the next bit, from the start.
    package private(set) var position = 0

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Bits not yet read.
    package var remaining: Int { bytes.count * 8 - position }

    private func require(_ count: Int) throws(ParseError) {
        guard count <= remaining else {
            throw .truncated(
                needed: (count + 7) / 8,
                available: remaining / 8,
                offset: position / 8
            )
        }
    }

    /// Reads one bit.
    package mutating func readFlag() throws(ParseError) -> Bool {
        try require(1)
        defer { position += 1 }
        return bytes[position / 8] & (0x80 >> UInt8(position % 8)) != 0
    }

    /// Reads an unsigned number of `count` bits.
    ///
    /// - Precondition: `count` is 0 to 32.
    package mutating func readBits(_ count: Int) throws(ParseError) -> UInt32 {
        precondition((0...32).contains(count), "at most 32 bits are read at once")
        try require(count)
        var value: UInt32 = 0
        for _ in 0..<count {
            let bit = bytes[position / 8] >> UInt8(7 - position % 8) & 1
            value = value << 1 | UInt32(bit)
            position += 1
        }
        return value
    }

    /// Passes over `count` bits.
    package mutating func skip(_ count: Int) throws(ParseError) {
        try require(count)
        position += count
    }

    /// Reads an unsigned Exp-Golomb code, `ue(v)` of H.264 §9.1.
    ///
    /// - Throws: ``ParseError/invalid(field:)`` for codes beyond 32 bits, which no field of ours may hold.
    package mutating func readUnsignedExpGolomb() throws(ParseError) -> UInt32 {
        var leadingZeros = 0
        while try !readFlag() {
            leadingZeros += 1
            guard leadingZeros < 32 else { throw .invalid(field: "Exp-Golomb code") }
        }
        let suffix = try readBits(leadingZeros)
        return (1 << UInt32(leadingZeros)) - 1 + suffix
    }

    /// Reads a signed Exp-Golomb code, `se(v)` of H.264 §9.1.1.
    package mutating func readSignedExpGolomb() throws(ParseError) -> Int32 {
        let code = try readUnsignedExpGolomb()
        let magnitude = Int32(truncatingIfNeeded: (Int64(code) + 1) / 2)
        return code % 2 == 1 ? magnitude : 0 &- magnitude
    }

    /// Reads an unsigned Exp-Golomb code that must not exceed `limit`.
    package mutating func readUnsignedExpGolomb(
        upTo limit: UInt32,
        field: StaticString
    ) throws(ParseError) -> Int {
        let value = try readUnsignedExpGolomb()
        guard value <= limit else { throw .invalid(field: field) }
        return Int(value)
    }
}

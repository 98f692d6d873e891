/// Builds a bit string, most significant bit first; the counterpart of ``BitReader``.
package struct BitWriter: Sendable {
    private var bytes: [UInt8] = []
    /// Bits written.
    package private(set) var count = 0

    package init() {}

    package mutating func write(_ flag: Bool) {
        if count % 8 == 0 { bytes.append(0) }
        if flag, let last = bytes.indices.last { bytes[last] |= 0x80 >> UInt8(count % 8) }
        count += 1
    }

    /// Writes the lowest `width` bits of `value`.
    package mutating func write(_ value: UInt32, width: Int) {
        precondition((0...32).contains(width), "at most 32 bits are written at once")
        for bit in (0..<width).reversed() { write(value >> UInt32(bit) & 1 != 0) }
    }

    /// Writes an unsigned Exp-Golomb code, `ue(v)` of H.264 §9.1.
    ///
    /// - Precondition: `value` is below 2^32 - 1.
    package mutating func writeUnsignedExpGolomb(_ value: UInt32) {
        precondition(value < .max, "the longest code has 32 bits")
        let width = 32 - (value + 1).leadingZeroBitCount
        write(0, width: width - 1)
        write(value + 1, width: width)
    }

    /// What has been written, closed by a one bit and zeros up to the next byte (rbsp_trailing_bits).
    package func finishedWithTrailingBits() -> [UInt8] {
        var copy = self
        copy.write(true)
        return copy.bytes
    }

    /// What has been written, filled up with zeros to the next byte.
    package func aligned() -> [UInt8] { bytes }
}

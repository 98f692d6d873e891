import Primitives

/// What a receiver believes it can take in, over all streams named (draft-alvestrand-rmcat-remb-03 §2.2).
package struct ReceiverEstimatedMaximumBitrate: Equatable, Sendable {
    /// "REMB" in the first four bytes of the feedback control information.
    static let identifier: UInt32 = 0x5245_4D42

    package var senderSSRC: UInt32
    /// Bits per second, of which 18 significant bits travel; the rest is rounded down when written.
    package var bitrate: UInt64
    /// At most 255.
    package var ssrcs: [UInt32]

    package init(senderSSRC: UInt32, bitrate: UInt64, ssrcs: [UInt32]) {
        self.senderSSRC = senderSSRC
        self.bitrate = bitrate
        self.ssrcs = ssrcs
    }

    /// Parses what follows the four-byte RTCP header; `nil` for application layer feedback other than REMB.
    ///
    /// - Throws: ``ParseError/invalid(field:)`` for a bitrate of more than 64 bits.
    init?(parsing reader: inout ByteReader) throws(ParseError) {
        senderSSRC = try reader.readInteger()
        try reader.skip(4)
        guard reader.remaining >= 4, try reader.readInteger(as: UInt32.self) == Self.identifier else { return nil }
        let word: UInt32 = try reader.readInteger()
        let exponent = Int(word >> 18 & 0x3F)
        let mantissa = UInt64(word & 0x3_FFFF)
        guard exponent <= mantissa.leadingZeroBitCount else { throw .invalid(field: "REMB bitrate") }
        bitrate = mantissa << UInt64(exponent)
        ssrcs = []
        for _ in 0..<(word >> 24) { ssrcs.append(try reader.readInteger()) }
    }

    func writeBody(to writer: inout ByteWriter) {
        let named = ssrcs.prefix(255)
        writer.write(senderSSRC)
        writer.write(0 as UInt32)
        writer.write(Self.identifier)
        let exponent = UInt32(max(0, 64 - bitrate.leadingZeroBitCount - 18))
        let mantissa = UInt32(truncatingIfNeeded: bitrate >> UInt64(exponent))
        writer.write(UInt32(truncatingIfNeeded: named.count) << 24 | exponent << 18 | mantissa)
        for ssrc in named { writer.write(ssrc) }
    }
}

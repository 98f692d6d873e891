package import Primitives

/// What the first bytes of an Opus packet say about the rest (RFC 6716 §3.1, §3.2).
package struct OpusPacketHeader: Hashable, Sendable {
    package var isStereo: Bool
    package var frameCount: Int
    /// Microseconds of one frame: 2,500 to 60,000.
    package var frameDuration: Int64

    /// Microseconds of the packet; at most 120,000.
    package var duration: Int64 { frameDuration * Int64(frameCount) }

    package init(parsing packet: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(packet)
        let contents: UInt8 = try reader.readInteger()
        let configuration = Int(contents >> 3)
        switch configuration {
        case 0..<12: frameDuration = [10_000, 20_000, 40_000, 60_000][configuration % 4]  // SILK
        case 12..<16: frameDuration = [10_000, 20_000][configuration % 2]  // hybrid
        default: frameDuration = [2_500, 5_000, 10_000, 20_000][configuration % 4]  // CELT
        }
        isStereo = contents & 4 != 0
        switch contents & 3 {
        case 0: frameCount = 1
        case 3:
            let count: UInt8 = try reader.readInteger()
            frameCount = Int(count & 0x3F)
        default: frameCount = 2
        }
        guard frameCount > 0, duration <= 120_000 else { throw .invalid(field: "Opus frame count") }
    }
}

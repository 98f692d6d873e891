import Primitives

extension PictureSize {
    /// The size that a key frame of VP8 or VP9 states in its first RTP packet.
    ///
    /// VP8 states it behind the start code of a key frame (RFC 6386 §9.1), VP9 in a scalability structure (RFC 9628 §4.2).
    /// `nil` for other codecs, and where there is no size or one without an area.
    ///
    /// - Parameters:
    ///   - payload: Of the packet that ``KeyFrameDetector`` has found to begin a key frame.
    ///   - codec: Its codec.
    package init?(ofKeyFrame payload: Span<UInt8>, codec: Codec) {
        let size: PictureSize? =
            switch codec {
            case .vp8: try? Self.readVP8(payload)
            case .vp9: try? Self.readVP9(payload)
            default: nil
            }
        guard let size, size.width > 0, size.height > 0 else { return nil }
        self = size
    }

    private static func readVP8(_ payload: Span<UInt8>) throws(ParseError) -> PictureSize? {
        var reader = ByteReader(payload)
        guard try VP8PayloadDescriptor(parsing: &reader).startsFrame, try reader.peek() & 1 == 0 else { return nil }
        try reader.skip(3)  // the frame tag
        for expected: UInt8 in [0x9D, 0x01, 0x2A] {
            let byte: UInt8 = try reader.readInteger()
            guard byte == expected else { return nil }
        }
        let width = try readLittleEndian(&reader)
        let height = try readLittleEndian(&reader)
        // The upper two bits are how much larger to show it, which nobody does.
        return PictureSize(width: width & 0x3FFF, height: height & 0x3FFF)
    }

    @_lifetime(reader: copy reader)
    private static func readLittleEndian(_ reader: inout ByteReader) throws(ParseError) -> Int {
        let low: UInt8 = try reader.readInteger()
        let high: UInt8 = try reader.readInteger()
        return Int(high) << 8 | Int(low)
    }

    private static func readVP9(_ payload: Span<UInt8>) throws(ParseError) -> PictureSize? {
        var reader = ByteReader(payload)
        return try VP9PayloadDescriptor(parsing: &reader).size
    }
}

package import Primitives

/// What the key frame of a VP8 or VP9 stream says about the stream (RFC 6386 §9.1; VP9 bitstream specification §6.2).
package struct VPFrameHeader: Hashable, Sendable {
    /// 0 to 3; always 0 for VP8.
    package var profile: UInt8
    /// 8, 10 or 12.
    package var bitDepth: Int
    package var subsamplesHorizontally: Bool
    package var subsamplesVertically: Bool
    package var isFullRange: Bool
    package var width: Int
    package var height: Int

    /// Parses the start of a frame.
    ///
    /// - Parameters:
    ///   - frame: The frame; of VP9 with spatial layers, the first layer is read.
    ///   - codec: `.vp8` or `.vp9`.
    /// - Throws: ``ParseError`` when it ends early, is no key frame, or has no area.
    package init(keyFrame frame: [UInt8], codec: Codec) throws(ParseError) {
        var bits = BitReader(Array(frame.prefix(32)))
        switch codec {
        case .vp8: try self.init(vp8: &bits)
        case .vp9: try self.init(vp9: &bits)
        default: throw .invalid(field: "codec of a VP8 or VP9 frame")
        }
        guard width > 0, height > 0 else { throw .invalid(field: "VP8 or VP9 size") }
    }

    private init(vp8 bits: inout BitReader) throws(ParseError) {
        try bits.skip(7)
        guard try !bits.readFlag() else { throw .invalid(field: "VP8 key frame") }
        try bits.skip(16)
        guard try bits.readBits(24) == 0x9D_012A else { throw .invalid(field: "VP8 start code") }
        var sides: [Int] = []
        for _ in 0..<2 {
            let low = Int(try bits.readBits(8))
            // The upper two bits are how much larger to show it, which nobody does.
            sides.append(Int(try bits.readBits(8) & 0x3F) << 8 | low)
        }
        (width, height) = (sides[0], sides[1])
        (profile, bitDepth, isFullRange) = (0, 8, false)
        (subsamplesHorizontally, subsamplesVertically) = (true, true)
    }

    private init(vp9 bits: inout BitReader) throws(ParseError) {
        guard try bits.readBits(2) == 2 else { throw .invalid(field: "VP9 frame_marker") }
        let low = try bits.readBits(1)
        profile = UInt8(truncatingIfNeeded: try bits.readBits(1) << 1 | low)
        if profile == 3 { try bits.skip(1) }
        // show_existing_frame, then frame_type
        guard try !bits.readFlag(), try !bits.readFlag() else { throw .invalid(field: "VP9 key frame") }
        try bits.skip(2)
        guard try bits.readBits(24) == 0x49_8342 else { throw .invalid(field: "VP9 sync code") }

        bitDepth = 8
        if profile >= 2 { bitDepth = try bits.readFlag() ? 12 : 10 }
        let isRGB = try bits.readBits(3) == 7
        isFullRange = isRGB ? true : try bits.readFlag()
        (subsamplesHorizontally, subsamplesVertically) = isRGB ? (false, false) : (true, true)
        if profile & 1 != 0 {
            if !isRGB { (subsamplesHorizontally, subsamplesVertically) = (try bits.readFlag(), try bits.readFlag()) }
            try bits.skip(1)
        }
        width = Int(try bits.readBits(16)) + 1
        height = Int(try bits.readBits(16)) + 1
    }
}

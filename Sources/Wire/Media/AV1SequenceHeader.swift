package import Primitives

/// What we need of an AV1 sequence header (AV1 specification §5.5): profile, level, size, and how colours are sampled.
package struct AV1SequenceHeader: Hashable, Sendable {
    /// 0 Main, 1 High, 2 Professional.
    package var profile: UInt8
    /// seq_level_idx of the first operating point, such as 5 for level 3.1.
    package var levelIndex: UInt8
    package var isHighTier: Bool
    /// Of the largest frame, in luma samples.
    package var width: Int
    package var height: Int
    /// 8, 10 or 12.
    package var bitDepth: Int
    package var isMonochrome: Bool
    package var subsamplesHorizontally: Bool
    package var subsamplesVertically: Bool
    /// chroma_sample_position; 0 is unknown.
    package var chromaSamplePosition: UInt8

    /// The first sequence header among OBUs, as `av1C` and key frames hold it.
    ///
    /// - Throws: ``ParseError`` when there is none, or it ends early.
    package init(among units: [UInt8]) throws(ParseError) {
        let found = try OpenBitstreamUnit.units(of: units.span).first { $0.type == OpenBitstreamUnit.sequenceHeader }
        guard let found else { throw .invalid(field: "AV1 sequence header") }
        try self.init(parsing: Array(units[found.payload].prefix(256)))
    }

    /// Parses the payload of a sequence header OBU.
    package init(parsing payload: [UInt8]) throws(ParseError) {
        var bits = BitReader(payload)
        profile = UInt8(truncatingIfNeeded: try bits.readBits(3))
        guard profile < 3 else { throw .invalid(field: "seq_profile") }
        try bits.skip(1)  // still_picture
        let isReduced = try bits.readFlag()
        (levelIndex, isHighTier) = isReduced ? (UInt8(try bits.readBits(5)), false) : try Self.readLevel(&bits)

        let widthBits = Int(try bits.readBits(4)) + 1
        let heightBits = Int(try bits.readBits(4)) + 1
        width = Int(try bits.readBits(widthBits)) + 1
        height = Int(try bits.readBits(heightBits)) + 1
        // frame_id_numbers_present_flag
        if !isReduced, try bits.readFlag() { try bits.skip(7) }
        try bits.skip(3)  // superblock size, filter_intra, intra_edge_filter
        if !isReduced { try Self.skipTools(&bits) }
        try bits.skip(3)  // superres, cdef, restoration

        bitDepth = try bits.readFlag() ? 10 : 8
        if profile == 2, bitDepth == 10, try bits.readFlag() { bitDepth = 12 }
        isMonochrome = profile == 1 ? false : try bits.readFlag()
        var colour: (UInt32, UInt32, UInt32) = (2, 2, 2)
        if try bits.readFlag() { colour = (try bits.readBits(8), try bits.readBits(8), try bits.readBits(8)) }
        chromaSamplePosition = 0
        (subsamplesHorizontally, subsamplesVertically) = (true, true)
        if isMonochrome { return }
        if colour == (1, 13, 0) {  // sRGB, never subsampled
            (subsamplesHorizontally, subsamplesVertically) = (false, false)
            return
        }
        try bits.skip(1)  // color_range
        switch profile {
        case 0: break
        case 1: (subsamplesHorizontally, subsamplesVertically) = (false, false)
        default:
            subsamplesHorizontally = bitDepth == 12 ? try bits.readFlag() : true
            subsamplesVertically = bitDepth == 12 && subsamplesHorizontally ? try bits.readFlag() : false
        }
        if subsamplesHorizontally, subsamplesVertically {
            chromaSamplePosition = UInt8(truncatingIfNeeded: try bits.readBits(2))
        }
    }

    /// Passes over timing and operating points, for the level and tier of the first one.
    private static func readLevel(_ bits: inout BitReader) throws(ParseError) -> (UInt8, Bool) {
        var delayBits: Int?
        if try bits.readFlag() {  // timing_info_present_flag
            try bits.skip(64)
            if try bits.readFlag() { _ = try bits.readUnsignedExpGolomb() }  // uvlc() is the same code
            if try bits.readFlag() {  // decoder_model_info_present_flag
                delayBits = Int(try bits.readBits(5)) + 1
                try bits.skip(42)
            }
        }
        let hasDisplayDelay = try bits.readFlag()
        let count = Int(try bits.readBits(5)) + 1
        var first: (UInt8, Bool)?
        for _ in 0..<count {
            try bits.skip(12)  // operating_point_idc
            let level = UInt8(truncatingIfNeeded: try bits.readBits(5))
            let isHigh = level > 7 ? try bits.readFlag() : false
            if let delayBits, try bits.readFlag() { try bits.skip(2 * delayBits + 1) }
            if hasDisplayDelay, try bits.readFlag() { try bits.skip(4) }
            first = first ?? (level, isHigh)
        }
        return first ?? (0, false)
    }

    private static func skipTools(_ bits: inout BitReader) throws(ParseError) {
        try bits.skip(4)  // interintra, masked compound, warped motion, dual filter
        let hasOrderHint = try bits.readFlag()
        if hasOrderHint { try bits.skip(2) }
        let choosesScreenTools = try bits.readFlag()
        let mayUseScreenTools = choosesScreenTools ? true : try bits.readFlag()
        if mayUseScreenTools, try !bits.readFlag() { try bits.skip(1) }  // seq_force_integer_mv
        if hasOrderHint { try bits.skip(3) }
    }
}

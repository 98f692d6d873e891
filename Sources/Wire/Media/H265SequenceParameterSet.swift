package import Primitives

/// What we need of an H.265 sequence parameter set (§7.3.2.2.1): profile, size and reordering.
package struct H265SequenceParameterSet: Hashable, Sendable {
    /// 1 Main, 2 Main 10 and so on (§A.3).
    package var profile: UInt8
    package var isHighTier: Bool
    /// general_profile_space, tier, profile, compatibility and constraint flags and level: the twelve bytes that `hvcC`
    /// repeats.
    package var profileTierLevel: [UInt8]
    package var subLayerCount: Int
    package var isTemporalIdentifierNested: Bool
    /// 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    package var chromaFormat: Int
    package var lumaBitDepth: Int
    package var chromaBitDepth: Int
    /// Thirty times the level, so 93 means 3.1.
    package var level: UInt8
    /// Luma samples after cropping.
    package var width: Int
    package var height: Int
    /// sps_max_num_reorder_pics of the highest sub-layer.
    package var maximumReorderedPictures: Int

    /// Parses a NAL unit with its two header bytes, without start code or length.
    package init(parsing unit: Span<UInt8>) throws(ParseError) {
        guard unit.count > 1 else { throw .truncated(needed: 2, available: unit.count, offset: 0) }
        guard H265NALUnitType.of(unit[0]) == H265NALUnitType.sequenceParameterSet else {
            throw .invalid(field: "SPS NAL unit type")
        }
        let payload = try NALUnits.rawPayload(of: unit, headerSize: 2)
        var bits = BitReader(payload)
        try bits.skip(4)  // sps_video_parameter_set_id
        let subLayers = Int(try bits.readBits(3))
        guard subLayers < 7 else { throw .invalid(field: "sps_max_sub_layers_minus1") }
        subLayerCount = subLayers + 1
        isTemporalIdentifierNested = try bits.readFlag()

        // profile_tier_level (§7.3.3)
        try bits.skip(2)
        isHighTier = try bits.readFlag()
        profile = UInt8(truncatingIfNeeded: try bits.readBits(5))
        try bits.skip(80)  // compatibility flags, source and constraint flags
        level = UInt8(truncatingIfNeeded: try bits.readBits(8))
        profileTierLevel = Array(payload[1..<13])
        try Self.skipSubLayers(&bits, count: subLayers)

        _ = try bits.readUnsignedExpGolomb(upTo: 15, field: "SPS identifier")
        let chroma = try bits.readUnsignedExpGolomb(upTo: 3, field: "chroma_format_idc")
        chromaFormat = chroma
        let separatePlanes = chroma == 3 ? try bits.readFlag() : false
        width = try bits.readUnsignedExpGolomb(upTo: 16_384, field: "SPS width")
        height = try bits.readUnsignedExpGolomb(upTo: 16_384, field: "SPS height")
        if try bits.readFlag() {  // conformance_window_flag
            let horizontalUnit = (chroma == 1 || chroma == 2) && !separatePlanes ? 2 : 1
            let verticalUnit = chroma == 1 && !separatePlanes ? 2 : 1
            for unit in [horizontalUnit, horizontalUnit] {
                width -= unit * (try bits.readUnsignedExpGolomb(upTo: 16_384, field: "SPS cropping"))
            }
            for unit in [verticalUnit, verticalUnit] {
                height -= unit * (try bits.readUnsignedExpGolomb(upTo: 16_384, field: "SPS cropping"))
            }
        }
        guard width > 0, height > 0 else { throw .invalid(field: "SPS size") }

        lumaBitDepth = 8 + (try bits.readUnsignedExpGolomb(upTo: 8, field: "bit depth"))
        chromaBitDepth = 8 + (try bits.readUnsignedExpGolomb(upTo: 8, field: "bit depth"))
        _ = try bits.readUnsignedExpGolomb(upTo: 12, field: "log2_max_pic_order_cnt_lsb_minus4")
        let hasOrderingPerSubLayer = try bits.readFlag()
        maximumReorderedPictures = 0
        for _ in 0...(hasOrderingPerSubLayer ? subLayers : 0) {
            _ = try bits.readUnsignedExpGolomb(upTo: 15, field: "sps_max_dec_pic_buffering_minus1")
            maximumReorderedPictures = try bits.readUnsignedExpGolomb(upTo: 15, field: "sps_max_num_reorder_pics")
            _ = try bits.readUnsignedExpGolomb()
        }
    }

    private static func skipSubLayers(_ bits: inout BitReader, count: Int) throws(ParseError) {
        guard count > 0 else { return }
        var length = 0
        for _ in 0..<count {
            if try bits.readFlag() { length += 88 }
            if try bits.readFlag() { length += 8 }
        }
        try bits.skip(2 * (8 - count))  // reserved_zero_2bits up to the eighth sub-layer
        try bits.skip(length)
    }
}

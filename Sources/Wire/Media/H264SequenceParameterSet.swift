package import Primitives

/// What we need of an H.264 sequence parameter set (§7.3.2.1.1): size, profile, and whether pictures can be shown in
/// another order than they are decoded.
package struct H264SequenceParameterSet: Hashable, Sendable {
    /// 66 Baseline, 77 Main, 100 High and so on (§A.2).
    package var profile: UInt8
    /// constraint_set0_flag in the highest bit, down to set5; the lowest two bits are reserved.
    package var constraintFlags: UInt8
    /// Ten times the level, so 31 means 3.1.
    package var level: UInt8
    package var identifier: Int
    /// 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4 (table 6-1).
    package var chromaFormat: Int
    package var lumaBitDepth: Int
    package var chromaBitDepth: Int
    /// Luma samples after cropping.
    package var width: Int
    package var height: Int
    /// 0, 1 or 2; type 2 rules out reordering (§8.2.1.3).
    package var pictureOrderCountType: Int
    package var maximumReferenceFrames: Int
    /// `false` when fields (interlaced pictures) may occur.
    package var framesOnly: Bool
    /// How many frames may precede another in decoding order and follow it in output order; `nil` when the VUI
    /// does not say.
    package var maximumReorderedFrames: Int?

    /// Where the flags lie that ``withoutReordering(_:)`` rewrites, in bits from the start of the raw payload.
    var layout = Layout()

    struct Layout: Hashable, Sendable {
        var usabilityPresentFlag = 0
        /// `nil` without VUI.
        var bitstreamRestrictionFlag: Int?
    }

    /// The value of `profile-level-id` in `a=fmtp` (RFC 6184 §8.1), such as "42e01f".
    package var profileLevelID: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in [profile, constraintFlags, level] {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Whether the stream may show pictures in another order than they are decoded.
    ///
    /// `true` means only that nothing in the parameter set rules it out.
    package var allowsReordering: Bool {
        // Baseline has no B slices; CAVLC 4:4:4 Intra, and the other profiles with constraint_set3, have no inter
        // prediction at all (§A.2.8 to §A.2.11).
        let isIntraOnly = profile == 44 || ([100, 110, 122, 244].contains(profile) && constraintFlags & 0x10 != 0)
        return pictureOrderCountType != 2 && profile != 66 && !isIntraOnly && maximumReorderedFrames != 0
    }

    /// Parses a NAL unit with its header byte, without start code or length.
    ///
    /// - Throws: ``ParseError`` when the unit is no SPS, ends early, or claims more than 16,384 samples a side.
    package init(parsing unit: Span<UInt8>) throws(ParseError) {
        guard unit.count > 0 else { throw .truncated(needed: 1, available: 0, offset: 0) }
        guard H264NALUnitType.of(unit[0]) == H264NALUnitType.sequenceParameterSet else {
            throw .invalid(field: "SPS NAL unit type")
        }
        var bits = BitReader(try NALUnits.rawPayload(of: unit, headerSize: 1))
        profile = UInt8(truncatingIfNeeded: try bits.readBits(8))
        constraintFlags = UInt8(truncatingIfNeeded: try bits.readBits(8))
        level = UInt8(truncatingIfNeeded: try bits.readBits(8))
        identifier = try bits.readUnsignedExpGolomb(upTo: 31, field: "SPS identifier")

        let chroma = try ChromaFormat(parsing: &bits, profile: profile)
        (chromaFormat, lumaBitDepth, chromaBitDepth) = (chroma.format, chroma.lumaBitDepth, chroma.chromaBitDepth)
        _ = try bits.readUnsignedExpGolomb(upTo: 12, field: "log2_max_frame_num_minus4")
        pictureOrderCountType = try Self.readPictureOrderCount(&bits)
        maximumReferenceFrames = try bits.readUnsignedExpGolomb(upTo: 16, field: "max_num_ref_frames")
        try bits.skip(1)  // gaps_in_frame_num_value_allowed_flag

        let widthInMacroblocks = try bits.readUnsignedExpGolomb(upTo: 1_023, field: "SPS width") + 1
        let heightInMapUnits = try bits.readUnsignedExpGolomb(upTo: 1_023, field: "SPS height") + 1
        framesOnly = try bits.readFlag()
        if !framesOnly { try bits.skip(1) }  // mb_adaptive_frame_field_flag
        try bits.skip(1)  // direct_8x8_inference_flag

        width = widthInMacroblocks * 16
        height = heightInMapUnits * (framesOnly ? 16 : 32)
        if try bits.readFlag() {
            try crop(&bits, chroma: chroma)
        }

        layout.usabilityPresentFlag = bits.position
        maximumReorderedFrames = nil
        if try bits.readFlag() {
            var restrictionFlag = 0
            maximumReorderedFrames = try H264VideoUsability.readMaximumReorderedFrames(
                &bits,
                restrictionFlag: &restrictionFlag
            )
            layout.bitstreamRestrictionFlag = restrictionFlag
        }
    }

    private mutating func crop(_ bits: inout BitReader, chroma: ChromaFormat) throws(ParseError) {
        let left = try bits.readUnsignedExpGolomb(upTo: 16_384, field: "SPS cropping")
        let right = try bits.readUnsignedExpGolomb(upTo: 16_384, field: "SPS cropping")
        let top = try bits.readUnsignedExpGolomb(upTo: 16_384, field: "SPS cropping")
        let bottom = try bits.readUnsignedExpGolomb(upTo: 16_384, field: "SPS cropping")
        width -= (left + right) * chroma.horizontalCropUnit
        height -= (top + bottom) * chroma.verticalCropUnit * (framesOnly ? 1 : 2)
        guard width > 0, height > 0 else { throw .invalid(field: "SPS cropping") }
    }

    private static func readPictureOrderCount(_ bits: inout BitReader) throws(ParseError) -> Int {
        let type = try bits.readUnsignedExpGolomb(upTo: 2, field: "pic_order_cnt_type")
        if type == 0 {
            _ = try bits.readUnsignedExpGolomb(upTo: 12, field: "log2_max_pic_order_cnt_lsb_minus4")
        } else if type == 1 {
            try bits.skip(1)
            _ = try bits.readSignedExpGolomb()
            _ = try bits.readSignedExpGolomb()
            let count = try bits.readUnsignedExpGolomb(upTo: 255, field: "num_ref_frames_in_pic_order_cnt_cycle")
            for _ in 0..<count { _ = try bits.readSignedExpGolomb() }
        }
        return type
    }
}

/// The chroma part of an SPS, which decides the unit in which cropping is counted (table 6-1).
private struct ChromaFormat {
    var format = 1
    var lumaBitDepth = 8
    var chromaBitDepth = 8
    var horizontalCropUnit = 2
    var verticalCropUnit = 2

    /// The profiles whose parameter sets say how colours are sampled; the others have 4:2:0 of 8 bits (§7.3.2.1.1).
    static let profiles: Set<UInt8> = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]

    init(parsing bits: inout BitReader, profile: UInt8) throws(ParseError) {
        guard Self.profiles.contains(profile) else { return }
        format = try bits.readUnsignedExpGolomb(upTo: 3, field: "chroma_format_idc")
        let separatePlanes = format == 3 ? try bits.readFlag() : false
        lumaBitDepth = 8 + (try bits.readUnsignedExpGolomb(upTo: 6, field: "bit_depth_luma_minus8"))
        chromaBitDepth = 8 + (try bits.readUnsignedExpGolomb(upTo: 6, field: "bit_depth_chroma_minus8"))
        try bits.skip(1)  // qpprime_y_zero_transform_bypass_flag
        if try bits.readFlag() {
            for list in 0..<(format == 3 ? 12 : 8) where try bits.readFlag() {
                try Self.skipScalingList(&bits, size: list < 6 ? 16 : 64)
            }
        }
        horizontalCropUnit = (format == 1 || format == 2) && !separatePlanes ? 2 : 1
        verticalCropUnit = format == 1 && !separatePlanes ? 2 : 1
    }

    private static func skipScalingList(_ bits: inout BitReader, size: Int) throws(ParseError) {
        var last: Int32 = 8
        var next: Int32 = 8
        for _ in 0..<size {
            if next != 0 {
                next = (last &+ (try bits.readSignedExpGolomb()) &+ 256) & 0xFF
            }
            last = next == 0 ? last : next
        }
    }
}

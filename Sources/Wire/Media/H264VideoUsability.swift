import Primitives

/// Walks the video usability information of an SPS (H.264 §E.1.1) to the one field that matters to us.
enum H264VideoUsability {
    /// Reads the VUI that follows vui_parameters_present_flag, for max_num_reorder_frames.
    ///
    /// The answer is `nil` when there is no bitstream restriction. `restrictionFlag` receives the bit position of
    /// bitstream_restriction_flag.
    static func readMaximumReorderedFrames(
        _ bits: inout BitReader,
        restrictionFlag: inout Int
    ) throws(ParseError) -> Int? {
        if try bits.readFlag() {  // aspect_ratio_info_present_flag
            let extendedSampleAspectRatio: UInt32 = 255
            if try bits.readBits(8) == extendedSampleAspectRatio { try bits.skip(32) }
        }
        if try bits.readFlag() { try bits.skip(1) }  // overscan
        if try bits.readFlag() {  // video_signal_type_present_flag
            try bits.skip(4)
            if try bits.readFlag() { try bits.skip(24) }
        }
        if try bits.readFlag() {  // chroma_loc_info_present_flag
            _ = try bits.readUnsignedExpGolomb()
            _ = try bits.readUnsignedExpGolomb()
        }
        if try bits.readFlag() { try bits.skip(65) }  // timing_info: two 32-bit fields and a flag
        let hasNetworkReference = try bits.readFlag()
        if hasNetworkReference { try skipReferenceDecoder(&bits) }
        let hasVideoReference = try bits.readFlag()
        if hasVideoReference { try skipReferenceDecoder(&bits) }
        if hasNetworkReference || hasVideoReference { try bits.skip(1) }  // low_delay_hrd_flag
        try bits.skip(1)  // pic_struct_present_flag

        restrictionFlag = bits.position
        guard try bits.readFlag() else { return nil }
        try bits.skip(1)  // motion_vectors_over_pic_boundaries_flag
        for _ in 0..<4 { _ = try bits.readUnsignedExpGolomb() }
        return try bits.readUnsignedExpGolomb(upTo: 16, field: "max_num_reorder_frames")
    }

    /// Passes over hrd_parameters (§E.1.2).
    private static func skipReferenceDecoder(_ bits: inout BitReader) throws(ParseError) {
        let count = try bits.readUnsignedExpGolomb(upTo: 31, field: "cpb_cnt_minus1") + 1
        try bits.skip(8)
        for _ in 0..<count {
            _ = try bits.readUnsignedExpGolomb()
            _ = try bits.readUnsignedExpGolomb()
            try bits.skip(1)
        }
        try bits.skip(20)
    }
}

package import Primitives

extension H264SequenceParameterSet {
    /// The SPS `unit`, changed to say that no picture is reordered.
    ///
    /// After disposable B-frames have been taken out of a stream, its SPS still makes decoders hold pictures back for
    /// the reordering that no longer happens. The copy has max_num_reorder_frames 0 (§E.2.1) and is otherwise the same,
    /// but for the limits on motion vectors, which become those that hold when nothing is said.
    ///
    /// `nil` when there is nothing to change. Throws ``ParseError`` when `unit` cannot be parsed.
    package static func withoutReordering(_ unit: [UInt8]) throws(ParseError) -> [UInt8]? {
        let parameters = try H264SequenceParameterSet(parsing: unit.span)
        guard parameters.allowsReordering, let header = unit.first else { return nil }
        let layout = parameters.layout
        var source = BitReader(try NALUnits.rawPayload(of: unit.span, headerSize: 1))
        var bits = BitWriter()
        for _ in 0..<(layout.bitstreamRestrictionFlag ?? layout.usabilityPresentFlag) {
            bits.write(try source.readFlag())
        }
        if layout.bitstreamRestrictionFlag == nil {
            bits.write(true)  // vui_parameters_present_flag
            for _ in 0..<8 { bits.write(false) }  // none of its other parts
        }
        bits.write(true)  // bitstream_restriction_flag
        bits.write(true)  // motion_vectors_over_pic_boundaries_flag
        bits.writeUnsignedExpGolomb(2)  // max_bytes_per_pic_denom
        bits.writeUnsignedExpGolomb(1)  // max_bits_per_mb_denom
        bits.writeUnsignedExpGolomb(16)  // log2_max_mv_length_horizontal
        bits.writeUnsignedExpGolomb(16)  // log2_max_mv_length_vertical
        bits.writeUnsignedExpGolomb(0)  // max_num_reorder_frames
        bits.writeUnsignedExpGolomb(UInt32(truncatingIfNeeded: parameters.maximumReferenceFrames))
        return [header] + NALUnits.escaped(bits.finishedWithTrailingBits())
    }
}

extension CodecConfiguration {
    /// The same configuration, its H.264 parameter sets changed to say that no picture is reordered.
    ///
    /// For streams that go out by WebRTC, where reordered pictures never travel: without the statement a decoder may
    /// hold back as many pictures as its buffer takes. Other codecs, and sets that cannot be parsed, stay as they are.
    package var withoutReordering: CodecConfiguration {
        guard case .h264(let sps, let pps) = self else { return self }
        return .h264(sps: sps.map { ((try? H264SequenceParameterSet.withoutReordering($0)) ?? nil) ?? $0 }, pps: pps)
    }
}

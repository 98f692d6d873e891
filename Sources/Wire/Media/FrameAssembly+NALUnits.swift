import Primitives

/// Payloads of H.264 (RFC 6184, without interleaving) and H.265 (RFC 7798, without DON fields).
extension FrameAssembly {
    mutating func addH264(_ bytes: Span<UInt8>) throws(ParseError) {
        let type = H264NALUnitType.of(bytes[0])
        if type != H264NALUnitType.fragmentA, hasFragment { throw .invalid(field: "fragment without an end") }
        switch type {
        case 1..<H264NALUnitType.aggregationA: try addH264Unit(bytes)
        case H264NALUnitType.aggregationA: try addAggregate(bytes, headerSize: 1)
        case H264NALUnitType.fragmentA:
            // FU indicator and FU header (§5.8), and a unit that is cut has something to cut.
            guard bytes.count > 2 else { throw .truncated(needed: 3, available: bytes.count, offset: 0) }
            try addFragment(
                bytes.extracting(droppingFirst: 2),
                flags: bytes[1],
                header: [bytes[0] & 0xE0 | H264NALUnitType.of(bytes[1])]
            )
        // STAP-B, MTAP and FU-B belong to the interleaved mode, which nobody negotiates.
        default: throw .invalid(field: "H.264 payload structure")
        }
    }

    mutating func addH265(_ bytes: Span<UInt8>) throws(ParseError) {
        guard bytes.count > 2 else { throw .truncated(needed: 3, available: bytes.count, offset: 0) }
        let type = H265NALUnitType.of(bytes[0])
        if type != H265NALUnitType.fragment, hasFragment { throw .invalid(field: "fragment without an end") }
        switch type {
        case 0..<H265NALUnitType.aggregation: try addH265Unit(bytes)
        case H265NALUnitType.aggregation: try addAggregate(bytes, headerSize: 2)
        case H265NALUnitType.fragment:
            guard bytes.count > 3 else { throw .truncated(needed: 4, available: bytes.count, offset: 0) }
            try addFragment(
                bytes.extracting(droppingFirst: 3),
                flags: bytes[2],
                header: [bytes[0] & 0x81 | (bytes[2] & 0x3F) << 1, bytes[1]]
            )
        // PACI carries units of other types behind extensions that nobody negotiates.
        default: throw .invalid(field: "H.265 payload structure")
        }
    }

    private mutating func addUnit(_ unit: Span<UInt8>) throws(ParseError) {
        if codec == .h264 { try addH264Unit(unit) } else { try addH265Unit(unit) }
    }

    /// Units behind 16-bit lengths (RFC 6184 §5.7.1, RFC 7798 §4.4.2).
    private mutating func addAggregate(_ bytes: Span<UInt8>, headerSize: Int) throws(ParseError) {
        var reader = ByteReader(bytes)
        try reader.skip(headerSize)
        while reader.remaining > 0 {
            let length: UInt16 = try reader.readInteger()
            let unit = try reader.readSpan(Int(length))
            try addUnit(unit)
        }
    }

    /// A part of a unit, with S and E in the two highest bits of `flags` in both formats.
    private mutating func addFragment(_ part: Span<UInt8>, flags: UInt8, header: [UInt8]) throws(ParseError) {
        if flags & 0x80 != 0 { try openFragment(header) }
        try extendFragment(part)
        guard flags & 0x40 != 0 else { return }
        let whole = try takeFragment()
        try addUnit(whole.span)
    }

    /// Takes a whole unit; an empty one is accepted and says nothing.
    private mutating func addH264Unit(_ unit: Span<UInt8>) throws(ParseError) {
        guard !unit.isEmpty else { return }
        let type = H264NALUnitType.of(unit[0])
        guard H264NALUnitType.travels(type) else { return }
        if type <= H264NALUnitType.idrSlice { noteSlice(unit, headerSize: 1) }
        if type == H264NALUnitType.idrSlice { isKeyFrame = true }
        try appendNALUnit(unit)
    }

    private mutating func addH265Unit(_ unit: Span<UInt8>) throws(ParseError) {
        guard !unit.isEmpty else { return }
        guard unit.count > 2 else { throw .invalid(field: "H.265 NAL unit header") }
        let type = H265NALUnitType.of(unit[0])
        guard H265NALUnitType.travels(type) else { return }
        if type < H265NALUnitType.videoParameterSet { noteSlice(unit, headerSize: 2) }
        if H265NALUnitType.randomAccess.contains(type) { isKeyFrame = true }
        try appendNALUnit(unit)
    }

    /// A slice begins with first_mb_in_slice, whose code for 0 is a single one bit (H.264 §7.3.3), or with
    /// first_slice_segment_in_pic_flag (H.265 §7.3.6.1): only the first slice of a picture has that bit.
    private mutating func noteSlice(_ unit: Span<UInt8>, headerSize: Int) {
        guard mayLackStart else { return }
        if unit.count > headerSize, unit[headerSize] & 0x80 != 0 {
            mayLackStart = false
        } else {
            noteLoss()
        }
    }
}

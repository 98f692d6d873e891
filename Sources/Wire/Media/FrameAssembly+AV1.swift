import Primitives

/// Payloads of AV1 (AOMedia, "RTP Payload Format For AV1", §4).
extension FrameAssembly {
    mutating func addAV1(_ bytes: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(bytes)
        let header: UInt8 = try reader.readInteger()
        let continues = header & 0x80 != 0  // Z
        let isContinued = header & 0x40 != 0  // Y
        let elementCount = Int(header >> 4 & 3)  // W; 0 for any number, each behind a length
        // N: a coded video sequence begins, and with it a frame.
        if header & 0x08 != 0 { mayLackStart = false }
        guard continues == hasFragment else { throw .invalid(field: "AV1 continuation") }
        guard reader.remaining > 0 else { throw .truncated(needed: 1, available: 0, offset: 1) }

        var index = 0
        while reader.remaining > 0, elementCount == 0 || index < elementCount {
            // With a count, the last element goes without a length.
            let hasLength = elementCount == 0 || index < elementCount - 1
            var length = reader.remaining
            if hasLength { length = try reader.readLEB128() }
            let element = try reader.readSpan(length)
            let isOpen = isContinued && (elementCount == 0 ? reader.remaining == 0 : index == elementCount - 1)
            try addElement(element, continues: continues && index == 0, isContinued: isOpen)
            index += 1
        }
        guard index >= elementCount else { throw .truncated(needed: 1, available: 0, offset: reader.offset) }
    }

    private mutating func addElement(
        _ element: Span<UInt8>,
        continues: Bool,
        isContinued: Bool
    ) throws(ParseError) {
        guard continues || isContinued else { return try addOBU(element) }
        if !continues { try openFragment([]) }
        try extendFragment(element)
        guard !isContinued else { return }
        let whole = try takeFragment()
        try addOBU(whole.span)
    }

    /// Takes a whole OBU; its own size field, which senders should leave out, counts where there is one.
    private mutating func addOBU(_ bytes: Span<UInt8>) throws(ParseError) {
        guard !bytes.isEmpty else { return }
        var reader = ByteReader(bytes)
        let first: UInt8 = try reader.readInteger()
        guard first & 0x80 == 0 else { throw .invalid(field: "obu_forbidden_bit") }
        var header = [first | 0x02]  // obu_has_size_field
        if first & 0x04 != 0 { header.append(try reader.readInteger()) }
        var length = reader.remaining
        if first & 0x02 != 0 { length = try reader.readLEB128() }
        let content = try reader.readSpan(length)
        switch first >> 3 & 0x0F {
        // "SHOULD be removed when transmitted, and MUST be ignored by receivers" (§5).
        case OpenBitstreamUnit.temporalDelimiter, OpenBitstreamUnit.tileList, OpenBitstreamUnit.padding: return
        case OpenBitstreamUnit.sequenceHeader: isKeyFrame = true
        default: break
        }
        try appendOBU(header: header, content)
    }
}

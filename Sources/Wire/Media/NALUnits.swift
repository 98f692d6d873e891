package import Primitives

/// Finds the NAL units of H.264 and H.265 in the two ways in which they are strung together.
package enum NALUnits {
    /// More units than any real access unit has; bounds what a hostile frame makes us keep.
    package static let maximumCount = 8_192

    /// The units of `bytes`, each behind a big-endian length of `lengthSize` bytes (ISO/IEC 14496-15).
    ///
    /// Empty units are left out: some encoders pad with them. `lengthSize` is 1, 2 or 4, as the decoder configuration
    /// record says. Throws ``ParseError/truncated(needed:available:offset:)`` when a length reaches past the end.
    package static func ranges(
        lengthPrefixed bytes: Span<UInt8>,
        lengthSize: Int = 4
    ) throws(ParseError) -> [Range<Int>] {
        precondition((1...4).contains(lengthSize), "a NAL unit length has one to four bytes")
        var ranges: [Range<Int>] = []
        var reader = ByteReader(bytes)
        while reader.remaining > 0 {
            var length = 0
            for _ in 0..<lengthSize {
                let byte: UInt8 = try reader.readInteger()
                length = length << 8 | Int(byte)
            }
            let start = reader.offset
            try reader.skip(length)
            guard length > 0 else { continue }
            guard ranges.count < maximumCount else { throw .limitExceeded(what: "NAL units of a frame") }
            ranges.append(start..<(start + length))
        }
        return ranges
    }

    /// The units of `bytes`, each behind a start code 00 00 01 or 00 00 00 01 (H.264 Annex B).
    ///
    /// What precedes the first start code is ignored; zero bytes at the end of a unit belong to no unit.
    package static func ranges(annexB bytes: Span<UInt8>) throws(ParseError) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var unitStart: Int?
        var zeros = 0

        func close(at end: Int) throws(ParseError) {
            guard let start = unitStart, end > start else { return }
            guard ranges.count < maximumCount else { throw .limitExceeded(what: "NAL units of a frame") }
            ranges.append(start..<end)
        }

        for index in bytes.indices {
            let byte = bytes[index]
            if byte == 1, zeros >= 2 {
                try close(at: index - zeros)
                unitStart = index + 1
            }
            zeros = byte == 0 ? zeros + 1 : 0
        }
        try close(at: bytes.count - zeros)
        return ranges
    }

    /// Rewrites start codes as the four-byte lengths of ``EncodedFrame/payload``.
    package static func lengthPrefixed(fromAnnexB bytes: [UInt8]) throws(ParseError) -> [UInt8] {
        join(bytes, try ranges(annexB: bytes.span))
    }

    /// Rewrites lengths of `lengthSize` bytes as the four-byte lengths of ``EncodedFrame/payload``.
    package static func normalize(_ bytes: [UInt8], lengthSize: Int) throws(ParseError) -> [UInt8] {
        lengthSize == 4 ? bytes : join(bytes, try ranges(lengthPrefixed: bytes.span, lengthSize: lengthSize))
    }

    /// Rewrites the four-byte lengths of ``EncodedFrame/payload`` as start codes of four bytes.
    package static func annexB(fromLengthPrefixed bytes: [UInt8]) throws(ParseError) -> [UInt8] {
        annexB(try ranges(lengthPrefixed: bytes.span).map { bytes[$0] })
    }

    /// Strings units together behind start codes of four bytes.
    package static func annexB(_ units: [ArraySlice<UInt8>]) -> [UInt8] {
        var stream: [UInt8] = []
        stream.reserveCapacity(units.reduce(0) { $0 + $1.count + 4 })
        for unit in units {
            stream.append(contentsOf: [0, 0, 0, 1])
            stream.append(contentsOf: unit)
        }
        return stream
    }

    private static func join(_ bytes: [UInt8], _ ranges: [Range<Int>]) -> [UInt8] {
        var writer = ByteWriter(capacity: bytes.count + 4 * ranges.count)
        for range in ranges {
            writer.write(UInt32(truncatingIfNeeded: range.count))
            writer.write(bytes.span.extracting(range))
        }
        return writer.bytes
    }

    /// The payload of a unit without its header and without emulation prevention bytes (H.264 §7.4.1).
    ///
    /// `headerSize` is 1 for H.264 and 2 for H.265. Throws ``ParseError/limitExceeded(what:)`` above 64 KiB, far more
    /// than any parameter set has.
    package static func rawPayload(of unit: Span<UInt8>, headerSize: Int) throws(ParseError) -> [UInt8] {
        guard unit.count >= headerSize else {
            throw .truncated(needed: headerSize, available: unit.count, offset: 0)
        }
        guard unit.count <= 65_536 else { throw .limitExceeded(what: "parameter set size") }
        var payload: [UInt8] = []
        payload.reserveCapacity(unit.count)
        var zeros = 0
        for index in headerSize..<unit.count {
            let byte = unit[index]
            if zeros >= 2, byte == 3 {
                zeros = 0
                continue
            }
            zeros = byte == 0 ? zeros + 1 : 0
            payload.append(byte)
        }
        return payload
    }

    /// Adds the emulation prevention bytes that ``rawPayload(of:headerSize:)`` removes.
    package static func escaped(_ payload: [UInt8]) -> [UInt8] {
        var escaped: [UInt8] = []
        escaped.reserveCapacity(payload.count + 8)
        var zeros = 0
        for byte in payload {
            if zeros >= 2, byte <= 3 {
                escaped.append(3)
                zeros = 0
            }
            zeros = byte == 0 ? zeros + 1 : 0
            escaped.append(byte)
        }
        return escaped
    }
}

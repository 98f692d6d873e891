package import Primitives

/// The `avcC` record that carries H.264 parameter sets in FLV and MP4 (ISO/IEC 14496-15 §5.3.3.1).
package struct AVCDecoderConfigurationRecord: Hashable, Sendable {
    /// Bytes of the length before each NAL unit: 1, 2 or 4.
    package var lengthSize: Int
    package var sequenceParameterSets: [[UInt8]]
    package var pictureParameterSets: [[UInt8]]

    package init(lengthSize: Int = 4, sequenceParameterSets: [[UInt8]], pictureParameterSets: [[UInt8]]) {
        self.lengthSize = lengthSize
        self.sequenceParameterSets = sequenceParameterSets
        self.pictureParameterSets = pictureParameterSets
    }

    /// The configuration for packetizers and decoders.
    package var configuration: CodecConfiguration {
        .h264(sps: sequenceParameterSets, pps: pictureParameterSets)
    }

    /// Parses a whole record.
    ///
    /// Empty parameter sets are left out, and what follows the last picture parameter set (the chroma extension of
    /// the High profiles) is ignored.
    package init(parsing bytes: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(bytes)
        let version: UInt8 = try reader.readInteger()
        guard version == 1 else { throw .invalid(field: "avcC version") }
        try reader.skip(3)  // profile, compatibility, level: the SPS says the same and is the one decoders obey
        let lengthSizeMinusOne: UInt8 = try reader.readInteger()
        lengthSize = Int(lengthSizeMinusOne & 3) + 1
        guard lengthSize != 3 else { throw .invalid(field: "avcC lengthSizeMinusOne") }
        let sequenceCount: UInt8 = try reader.readInteger()
        sequenceParameterSets = try Self.readSets(&reader, count: sequenceCount & 0x1F)
        let pictureCount: UInt8 = try reader.readInteger()
        pictureParameterSets = try Self.readSets(&reader, count: pictureCount)
    }

    @_lifetime(reader: copy reader)
    private static func readSets(_ reader: inout ByteReader, count: UInt8) throws(ParseError) -> [[UInt8]] {
        var sets: [[UInt8]] = []
        for _ in 0..<count {
            let length: UInt16 = try reader.readInteger()
            let set = try reader.readArray(Int(length))
            if !set.isEmpty { sets.append(set) }
        }
        return sets
    }

    /// Appends the record, with the chroma extension where the profile calls for it and the SPS can be read.
    package func write(to writer: inout ByteWriter) {
        let first = sequenceParameterSets.first ?? []
        writer.write(UInt8(1))
        for index in 1...3 { writer.write(index < first.count ? first[index] : 0) }
        writer.write(UInt8(truncatingIfNeeded: 0xFC | (lengthSize - 1)))
        writer.write(UInt8(truncatingIfNeeded: 0xE0 | min(sequenceParameterSets.count, 31)))
        for set in sequenceParameterSets.prefix(31) { Self.write(set, to: &writer) }
        writer.write(UInt8(truncatingIfNeeded: min(pictureParameterSets.count, 255)))
        for set in pictureParameterSets.prefix(255) { Self.write(set, to: &writer) }
        guard [100, 110, 122, 144].contains(first.count > 1 ? first[1] : 0),
            let parameters = try? H264SequenceParameterSet(parsing: first.span)
        else { return }
        writer.write(UInt8(truncatingIfNeeded: 0xFC | parameters.chromaFormat))
        writer.write(UInt8(truncatingIfNeeded: 0xF8 | (parameters.lumaBitDepth - 8)))
        writer.write(UInt8(truncatingIfNeeded: 0xF8 | (parameters.chromaBitDepth - 8)))
        writer.write(UInt8(0))  // no SPS extensions
    }

    private static func write(_ set: [UInt8], to writer: inout ByteWriter) {
        writer.write(UInt16(truncatingIfNeeded: set.count))
        writer.write(set)
    }
}

package import Primitives

/// The `hvcC` record that carries H.265 parameter sets in Enhanced RTMP and MP4 (ISO/IEC 14496-15 §8.3.3.1).
package struct HEVCDecoderConfigurationRecord: Hashable, Sendable {
    /// Bytes of the length before each NAL unit: 1, 2 or 4.
    package var lengthSize: Int
    package var videoParameterSets: [[UInt8]]
    package var sequenceParameterSets: [[UInt8]]
    package var pictureParameterSets: [[UInt8]]

    /// More parameter sets than any stream has; bounds what a hostile record makes us keep.
    package static let maximumUnitCount = 256

    package init(
        lengthSize: Int = 4,
        videoParameterSets: [[UInt8]],
        sequenceParameterSets: [[UInt8]],
        pictureParameterSets: [[UInt8]]
    ) {
        self.lengthSize = lengthSize
        self.videoParameterSets = videoParameterSets
        self.sequenceParameterSets = sequenceParameterSets
        self.pictureParameterSets = pictureParameterSets
    }

    /// The configuration for packetizers and decoders.
    package var configuration: CodecConfiguration {
        .h265(vps: videoParameterSets, sps: sequenceParameterSets, pps: pictureParameterSets)
    }

    /// Parses a whole record; units of other types (SEI) and empty ones are left out.
    package init(parsing bytes: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(bytes)
        let version: UInt8 = try reader.readInteger()
        // Some muxers of the time before the standard was final write version 0.
        guard version <= 1 else { throw .invalid(field: "hvcC version") }
        try reader.skip(20)  // profile, level, chroma: the SPS says the same and is the one decoders obey
        let flags: UInt8 = try reader.readInteger()
        lengthSize = Int(flags & 3) + 1
        guard lengthSize != 3 else { throw .invalid(field: "hvcC lengthSizeMinusOne") }
        videoParameterSets = []
        sequenceParameterSets = []
        pictureParameterSets = []

        let arrayCount: UInt8 = try reader.readInteger()
        var total = 0
        for _ in 0..<arrayCount {
            let type: UInt8 = try reader.readInteger()
            let count: UInt16 = try reader.readInteger()
            total += Int(count)
            guard total <= Self.maximumUnitCount else { throw .limitExceeded(what: "hvcC NAL units") }
            for _ in 0..<count {
                let length: UInt16 = try reader.readInteger()
                let unit = try reader.readArray(Int(length))
                guard unit.count > 2 else { continue }
                switch type & 0x3F {
                case H265NALUnitType.videoParameterSet: videoParameterSets.append(unit)
                case H265NALUnitType.sequenceParameterSet: sequenceParameterSets.append(unit)
                case H265NALUnitType.pictureParameterSet: pictureParameterSets.append(unit)
                default: continue
                }
            }
        }
    }

    /// Appends the record, with all parameter sets complete: the stream may still bring some of its own.
    ///
    /// - Throws: ``ParseError`` when the first SPS, of which the record repeats a part, cannot be read.
    package func write(to writer: inout ByteWriter) throws(ParseError) {
        let first = sequenceParameterSets.first ?? []
        let parameters = try H265SequenceParameterSet(parsing: first.span)
        writer.write(UInt8(1))
        writer.write(parameters.profileTierLevel)
        writer.write(UInt16(0xF000))  // min_spatial_segmentation_idc: not known
        writer.write(UInt8(0xFC))  // parallelismType: not known
        writer.write(UInt8(truncatingIfNeeded: 0xFC | parameters.chromaFormat))
        writer.write(UInt8(truncatingIfNeeded: 0xF8 | (parameters.lumaBitDepth - 8)))
        writer.write(UInt8(truncatingIfNeeded: 0xF8 | (parameters.chromaBitDepth - 8)))
        writer.write(UInt16(0))  // avgFrameRate: not known
        let nesting = parameters.isTemporalIdentifierNested ? 4 : 0
        writer.write(UInt8(truncatingIfNeeded: parameters.subLayerCount << 3 | nesting | (lengthSize - 1)))
        let arrays = [
            (H265NALUnitType.videoParameterSet, videoParameterSets),
            (H265NALUnitType.sequenceParameterSet, sequenceParameterSets),
            (H265NALUnitType.pictureParameterSet, pictureParameterSets),
        ]
        writer.write(UInt8(truncatingIfNeeded: arrays.count))
        for (type, units) in arrays {
            let units = units.prefix(64)
            writer.write(0x80 | type)  // array_completeness
            writer.write(UInt16(truncatingIfNeeded: units.count))
            for unit in units {
                writer.write(UInt16(truncatingIfNeeded: unit.count))
                writer.write(unit)
            }
        }
    }
}

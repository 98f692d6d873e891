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
}

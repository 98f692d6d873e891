package import Primitives

/// The `av1C` record of Enhanced RTMP and MP4 (AV1 Codec ISO Media File Format Binding §2.3).
package struct AV1CodecConfigurationRecord: Hashable, Sendable {
    /// 0 Main, 1 High, 2 Professional.
    package var profile: UInt8
    /// seq_level_idx_0, such as 5 for level 3.1.
    package var levelIndex: UInt8
    package var isHighTier: Bool
    /// OBUs with size fields, a sequence header first; empty when the stream brings its own.
    package var configurationOBUs: [UInt8]

    /// The configuration for packetizers and decoders.
    package var configuration: CodecConfiguration { .av1(configurationOBUs: configurationOBUs) }

    /// Parses a whole record, and checks that its OBUs hang together.
    package init(parsing bytes: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(bytes)
        let marker: UInt8 = try reader.readInteger()
        guard marker == 0x81 else { throw .invalid(field: "av1C marker and version") }
        let profileAndLevel: UInt8 = try reader.readInteger()
        profile = profileAndLevel >> 5
        levelIndex = profileAndLevel & 0x1F
        let flags: UInt8 = try reader.readInteger()
        isHighTier = flags & 0x80 != 0
        try reader.skip(1)
        guard reader.remaining <= 65_536 else { throw .limitExceeded(what: "av1C size") }
        configurationOBUs = try reader.readArray(reader.remaining)
        _ = try OpenBitstreamUnit.units(of: configurationOBUs.span)
    }

    /// Builds the record of a stream whose OBUs begin with, or contain, a sequence header.
    ///
    /// - Parameter configurationOBUs: OBUs with size fields.
    /// - Returns: The bytes of the record.
    /// - Throws: ``ParseError`` when there is no sequence header that can be read.
    package static func record(of configurationOBUs: [UInt8]) throws(ParseError) -> [UInt8] {
        let header = try AV1SequenceHeader(among: configurationOBUs)
        var sampling: UInt8 = header.chromaSamplePosition & 3
        let flags = [
            (header.isHighTier, UInt8(0x80)), (header.bitDepth > 8, 0x40), (header.bitDepth == 12, 0x20),
            (header.isMonochrome, 0x10), (header.subsamplesHorizontally, 0x08), (header.subsamplesVertically, 0x04),
        ]
        for (isSet, bit) in flags where isSet { sampling |= bit }
        // Marker and version first, and no initial_presentation_delay last.
        return [0x81, header.profile << 5 | header.levelIndex & 0x1F, sampling, 0] + configurationOBUs
    }
}

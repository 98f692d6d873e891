import Media
import Primitives

/// The content of a sequence header, whichever codec it is for.
struct DecoderConfiguration: Equatable {
    var configuration: CodecConfiguration
    /// Bytes of the length in front of each NAL unit; 4 where there are none.
    var lengthSize = 4

    init(parsing bytes: [UInt8], codec: Codec) throws(ParseError) {
        switch codec {
        case .h264:
            let record = try AVCDecoderConfigurationRecord(parsing: bytes.span)
            configuration = record.configuration
            lengthSize = record.lengthSize
        case .h265:
            let record = try HEVCDecoderConfigurationRecord(parsing: bytes.span)
            configuration = record.configuration
            lengthSize = record.lengthSize
        case .av1: configuration = try AV1CodecConfigurationRecord(parsing: bytes.span).configuration
        case .vp8: configuration = .vp8
        case .vp9: configuration = .vp9
        case .aac:
            // Parsed only to refuse what no decoder could be opened with.
            _ = try AudioSpecificConfig(parsing: bytes.span)
            configuration = .aac(audioSpecificConfig: bytes)
        case .opus: configuration = .opus(channels: try Self.opusChannels(bytes))
        case .pcmu, .pcma: throw .invalid(field: "codec")
        }
    }

    /// What to assume where an encoder sends frames without a sequence header before them.
    ///
    /// - Returns: `nil` for codecs whose frames are worth nothing without one.
    static func assumed(for codec: Codec) -> CodecConfiguration? {
        switch codec {
        case .vp8: .vp8
        case .vp9: .vp9
        case .av1: .av1(configurationOBUs: [])  // Key frames repeat the sequence header.
        case .opus: .opus(channels: 2)
        case .h264, .h265, .aac, .pcmu, .pcma: nil
        }
    }

    /// The channel count of an Opus identification header (RFC 7845, section 5.1).
    private static func opusChannels(_ bytes: [UInt8]) throws(ParseError) -> Int {
        var reader = ByteReader(bytes.span)
        guard try reader.readArray(8) == Array("OpusHead".utf8) else { throw .invalid(field: "OpusHead") }
        try reader.skip(1)
        let channels: UInt8 = try reader.readInteger()
        // Mapping family 0; surround sound would need a multistream decoder in the browser.
        guard (1...2).contains(channels) else { throw .invalid(field: "Opus channel count") }
        return Int(channels)
    }
}

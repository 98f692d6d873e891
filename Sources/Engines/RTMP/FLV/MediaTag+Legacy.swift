import Media
import Primitives

/// The tags that every encoder knows: H.264 and AAC (FLV 10.1, sections E.4.2 and E.4.3).
extension MediaTag {
    /// The frame type of a tag that holds a command instead of a frame.
    static let commandFrameType: UInt8 = 5
    static let keyFrameType: UInt8 = 1
    /// The sound format that announces an Enhanced RTMP header.
    private static let enhancedSoundFormat: UInt8 = 9

    @_lifetime(reader: copy reader)
    static func parseVideo(_ reader: inout ByteReader) throws(ParseError) -> Parsed {
        if try reader.peek() & 0x80 != 0 { return try parseEnhanced(&reader, kind: .video) }
        let first: UInt8 = try reader.readInteger()
        let frameType = first >> 4
        let codec: Codec
        switch first & 0x0F {
        case 7: codec = .h264
        // In no specification, but how many encoders sent H.265 before Enhanced RTMP.
        case 12: codec = .h265
        case 2: return .unsupportedCodec(name: "Sorenson H.263 video")
        case 3, 6: return .unsupportedCodec(name: "Screen video")
        case 4, 5: return .unsupportedCodec(name: "VP6 video")
        default: return .unsupportedCodec(name: "an unknown video codec")
        }
        guard frameType != commandFrameType else { return .nothing }
        let packetType: UInt8 = try reader.readInteger()
        let compositionTime = try reader.readInt24()
        let bytes = try reader.readArray(reader.remaining)
        let content: Content
        switch packetType {
        case 0: content = .configuration(bytes)
        case 1 where !bytes.isEmpty: content = .frame(bytes)
        case 2: content = .endOfSequence
        default: return .nothing
        }
        return .tag(
            MediaTag(
                codec: codec,
                content: content,
                isKeyFrame: frameType == keyFrameType,
                compositionTime: compositionTime
            )
        )
    }

    @_lifetime(reader: copy reader)
    static func parseAudio(_ reader: inout ByteReader) throws(ParseError) -> Parsed {
        let format = try reader.peek() >> 4
        if format == enhancedSoundFormat { return try parseEnhanced(&reader, kind: .audio) }
        guard format == 10 else { return .unsupportedCodec(name: soundFormatName(format)) }
        // Rate, size and channels of the first byte mean nothing for AAC.
        try reader.skip(1)
        guard reader.remaining > 0 else { return .nothing }
        let packetType: UInt8 = try reader.readInteger()
        let bytes = try reader.readArray(reader.remaining)
        // Some encoders send an empty AudioSpecificConfig, or empty frames, while a microphone is off.
        guard !bytes.isEmpty else { return .nothing }
        switch packetType {
        case 0: return .tag(MediaTag(codec: .aac, content: .configuration(bytes), isKeyFrame: true))
        case 1: return .tag(MediaTag(codec: .aac, content: .frame(bytes), isKeyFrame: true))
        default: return .nothing
        }
    }

    private static func soundFormatName(_ format: UInt8) -> String {
        switch format {
        case 0, 3: "PCM audio"
        case 1: "ADPCM audio"
        case 2, 14: "MP3 audio"
        case 4, 5, 6: "Nellymoser audio"
        case 7, 8: "G.711 audio over RTMP"
        case 11: "Speex audio"
        default: "an unknown audio codec"
        }
    }
}

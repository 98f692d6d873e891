package import Media
package import Primitives

/// The body of one audio or video message, without its wrapping (FLV 10.1 annex E.4, Enhanced RTMP v2).
package struct MediaTag: Equatable, Sendable {
    package enum Content: Equatable, Sendable {
        /// `avcC`, `hvcC`, `av1C`, `vpcC`, an AudioSpecificConfig or an Opus identification header.
        case configuration([UInt8])
        /// A frame in the codec's own packing.
        case frame([UInt8])
        case endOfSequence
    }

    /// What a message body turned out to be.
    package enum Parsed: Equatable, Sendable {
        case tag(MediaTag)
        /// Valid, but nothing for us: seek commands, colour metadata, channel layouts, silence, other tracks.
        case nothing
        /// A codec we do not carry. `name` is text of ours, never input.
        case unsupportedCodec(name: String)
    }

    package var codec: Codec
    package var content: Content
    /// What the tag claims; the bit stream may know better.
    package var isKeyFrame: Bool
    /// Presentation time minus decoding time, in milliseconds, -8,388,608 to 8,388,607.
    package var compositionTime: Int32
    /// What is to be added to the message's timestamp, in nanoseconds, 0 to 999,999.
    package var timestampOffset: UInt32
    /// Whether the message may hold other tracks as well, which were passed over.
    package var isMultitrack: Bool

    package init(
        codec: Codec,
        content: Content,
        isKeyFrame: Bool,
        compositionTime: Int32 = 0,
        timestampOffset: UInt32 = 0,
        isMultitrack: Bool = false
    ) {
        self.codec = codec
        self.content = content
        self.isKeyFrame = isKeyFrame
        self.compositionTime = compositionTime
        self.timestampOffset = timestampOffset
        self.isMultitrack = isMultitrack
    }

    /// Parses the body of an audio or video message.
    ///
    /// - Throws: ``ParseError`` when the body is cut short. What follows the headers is not looked into.
    package static func parse(_ body: Span<UInt8>, kind: MediaKind) throws(ParseError) -> Parsed {
        guard !body.isEmpty else { return .nothing }
        var reader = ByteReader(body)
        return switch kind {
        case .video: try parseVideo(&reader)
        case .audio: try parseAudio(&reader)
        }
    }
}

extension ByteReader {
    /// Reads a 24-bit big-endian signed integer.
    @_lifetime(self: copy self)
    mutating func readInt24() throws(ParseError) -> Int32 {
        Int32(bitPattern: try readUInt24() << 8) >> 8
    }
}

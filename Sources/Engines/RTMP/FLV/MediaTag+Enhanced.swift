import Media
import Primitives

/// What Enhanced RTMP (v1 and v2) writes instead: a FourCC, more packet types, extensions and several tracks.
extension MediaTag {
    /// The lower four bits of an enhanced tag's first byte.
    ///
    /// Audio and video number some of them differently.
    private enum PacketType {
        case sequenceStart
        case codedFrames
        case sequenceEnd
        /// Coded frames whose composition time is zero and not written.
        case codedFramesWithoutOffset
        case multitrack
        case modifierExtension
        /// Colour information, channel layouts, and whatever a later version brings.
        case other

        init(_ value: UInt8, kind: MediaKind) {
            self =
                switch (value, kind) {
                case (0, _): .sequenceStart
                case (1, _): .codedFrames
                case (2, _): .sequenceEnd
                case (3, .video): .codedFramesWithoutOffset
                case (5, .audio), (6, .video): .multitrack
                case (7, _): .modifierExtension
                default: .other
                }
        }
    }

    /// How the tracks of a multitrack message follow each other.
    private enum MultitrackType {
        static let oneTrack: UInt8 = 0
        static let manyTracks: UInt8 = 1
        static let manyTracksManyCodecs: UInt8 = 2
    }

    /// No message carries more extensions; the bound keeps a hostile one cheap.
    private static let maximumModifierExtensions = 16

    @_lifetime(reader: copy reader)
    static func parseEnhanced(_ reader: inout ByteReader, kind: MediaKind) throws(ParseError) -> Parsed {
        let first: UInt8 = try reader.readInteger()
        let frameType = first >> 4 & 0x07
        var packetType = PacketType(first & 0x0F, kind: kind)
        let timestampOffset = try skipModifierExtensions(&reader, packetType: &packetType, kind: kind)
        guard packetType != .other else { return .nothing }
        // A seek command in place of a picture.
        if kind == .video, frameType == commandFrameType { return .nothing }

        let isMultitrack = packetType == .multitrack
        var fourCC: FourCC
        var length = reader.remaining
        if isMultitrack {
            guard let track = try findFirstTrack(&reader, packetType: &packetType, kind: kind) else { return .nothing }
            (fourCC, length) = track
        } else {
            fourCC = FourCC(rawValue: try reader.readInteger())
            length = reader.remaining
        }
        guard let codec = fourCC.codec(kind) else { return .unsupportedCodec(name: fourCC.unsupportedName) }

        var body = ByteReader(try reader.readSpan(length))
        // Only where pictures may be reordered is there a composition time in the header.
        let hasCompositionTime = packetType == .codedFrames && (codec == .h264 || codec == .h265)
        let compositionTime = hasCompositionTime ? try body.readInt24() : 0
        let bytes = try body.readArray(body.remaining)
        let content: Content
        switch packetType {
        case .sequenceStart: content = .configuration(bytes)
        case .codedFrames where !bytes.isEmpty, .codedFramesWithoutOffset where !bytes.isEmpty: content = .frame(bytes)
        case .sequenceEnd: content = .endOfSequence
        default: return .nothing
        }
        return .tag(
            MediaTag(
                codec: codec,
                content: content,
                isKeyFrame: kind == .audio || frameType == keyFrameType,
                compositionTime: compositionTime,
                timestampOffset: timestampOffset,
                isMultitrack: isMultitrack
            )
        )
    }

    /// Passes over ModEx packets and returns the nanoseconds that one of them may have added.
    @_lifetime(reader: copy reader)
    private static func skipModifierExtensions(
        _ reader: inout ByteReader,
        packetType: inout PacketType,
        kind: MediaKind
    ) throws(ParseError) -> UInt32 {
        var offset: UInt32 = 0
        var count = 0
        while packetType == .modifierExtension {
            count += 1
            guard count <= maximumModifierExtensions else { throw .limitExceeded(what: "ModEx packets") }
            var size = Int(try reader.readInteger(as: UInt8.self)) + 1
            if size == 256 { size = Int(try reader.readInteger(as: UInt16.self)) + 1 }
            var data = ByteReader(try reader.readSpan(size))
            let types: UInt8 = try reader.readInteger()
            // Type 0 is TimestampOffsetNano; the specification keeps it below one millisecond.
            if types >> 4 == 0, size >= 3 { offset = min(try data.readUInt24(), 999_999) }
            packetType = PacketType(types & 0x0F, kind: kind)
        }
        return offset
    }

    /// Reads up to the body of track 0, and returns its codec and its length in bytes.
    ///
    /// Track 0 is the one that a receiver of a single track is meant to take.
    @_lifetime(reader: copy reader)
    private static func findFirstTrack(
        _ reader: inout ByteReader,
        packetType: inout PacketType,
        kind: MediaKind
    ) throws(ParseError) -> (FourCC, Int)? {
        let types: UInt8 = try reader.readInteger()
        packetType = PacketType(types & 0x0F, kind: kind)
        guard packetType != .multitrack, packetType != .modifierExtension else {
            throw .invalid(field: "multitrack packet type")
        }
        guard packetType != .other else { return nil }
        let multitrackType = types >> 4
        guard multitrackType <= MultitrackType.manyTracksManyCodecs else { return nil }
        var fourCC = FourCC(rawValue: 0)
        if multitrackType != MultitrackType.manyTracksManyCodecs { fourCC = FourCC(rawValue: try reader.readInteger()) }
        while reader.remaining > 0 {
            if multitrackType == MultitrackType.manyTracksManyCodecs {
                fourCC = FourCC(rawValue: try reader.readInteger())
            }
            let trackID: UInt8 = try reader.readInteger()
            let length =
                multitrackType == MultitrackType.oneTrack ? reader.remaining : Int(try reader.readUInt24())
            if trackID == 0 { return (fourCC, length) }
            try reader.skip(length)
        }
        return nil
    }
}

package import Media
package import Primitives

/// What the `moov` box of a fragmented file says of its tracks, as far as a list of recordings shows it.
///
/// Reads what ``InitializationSegment`` writes, which may have been cut short by a crash or changed by somebody else.
package struct MovieSummary: Hashable, Sendable {
    /// One track.
    package struct Track: Hashable, Sendable {
        package var identifier: UInt32
        /// Ticks of the track's clock in a second; not 0.
        package var timescale: UInt32
        package var codec: Codec
        /// Of the picture, in whole samples; 0 for audio.
        package var width: Int
        package var height: Int
    }

    /// More tracks than a file of ours has are refused.
    package static let maximumTracks = 16

    package var tracks: [Track]

    /// The track that others follow: the picture where there is one.
    package var leading: Track? { tracks.first { $0.codec.kind == .video } ?? tracks.first }

    /// Parses the content of a `moov` box.
    ///
    /// - Parameter content: Behind the header of the box, to its end.
    /// - Throws: ``ParseError`` when it is not what we write, or holds no track that we know.
    package init(parsing content: Span<UInt8>) throws(ParseError) {
        var tracks: [Track] = []
        try Boxes.each(in: content) { type, content throws(ParseError) in
            guard type == "trak" else { return }
            guard tracks.count < Self.maximumTracks else { throw .limitExceeded(what: "tracks") }
            tracks.append(try Self.track(content))
        }
        guard !tracks.isEmpty else { throw .invalid(field: "moov without tracks") }
        self.tracks = tracks
    }

    private static func track(_ content: Span<UInt8>) throws(ParseError) -> Track {
        var header: (identifier: UInt32, width: Int, height: Int)?
        var media: (timescale: UInt32, codec: Codec)?
        try Boxes.each(in: content) { type, content throws(ParseError) in
            switch type {
            case "tkhd": header = try trackHeader(content)
            case "mdia": media = try Self.media(content)
            default: break
            }
        }
        guard let header, let media else { throw .invalid(field: "trak") }
        return Track(
            identifier: header.identifier, timescale: media.timescale, codec: media.codec, width: header.width,
            height: header.height)
    }

    /// Version 0 of `tkhd` (ISO/IEC 14496-12 §8.3.2), the only one we write.
    private static func trackHeader(
        _ content: Span<UInt8>
    ) throws(ParseError) -> (identifier: UInt32, width: Int, height: Int) {
        var reader = ByteReader(content)
        guard try reader.readInteger(as: UInt8.self) == 0 else { throw .invalid(field: "tkhd version") }
        try reader.skip(3 + 8)
        let identifier: UInt32 = try reader.readInteger()
        try reader.skip(60)
        let width: UInt32 = try reader.readInteger()
        let height: UInt32 = try reader.readInteger()
        return (identifier, Int(width >> 16), Int(height >> 16))
    }

    private static func media(_ content: Span<UInt8>) throws(ParseError) -> (timescale: UInt32, codec: Codec) {
        var timescale: UInt32 = 0
        var codec: Codec?
        try Boxes.each(in: content) { type, content throws(ParseError) in
            switch type {
            case "mdhd":
                var reader = ByteReader(content)
                guard try reader.readInteger(as: UInt8.self) == 0 else { throw .invalid(field: "mdhd version") }
                try reader.skip(3 + 8)
                timescale = try reader.readInteger()
            case "minf": codec = try Self.codec(content)
            default: break
            }
        }
        guard timescale > 0, let codec else { throw .invalid(field: "mdia") }
        return (timescale, codec)
    }

    /// The codec of the first sample entry below a `minf`.
    private static func codec(_ content: Span<UInt8>) throws(ParseError) -> Codec? {
        var codec: Codec?
        try Boxes.each(in: content) { type, content throws(ParseError) in
            guard type == "stbl" else { return }
            try Boxes.each(in: content) { type, content throws(ParseError) in
                guard type == "stsd" else { return }
                var reader = ByteReader(content)
                try reader.skip(8)
                let entry = try BoxHeader(parsing: &reader)
                codec = names[entry.type]
            }
        }
        return codec
    }

    private static let names: [BoxType: Codec] = [
        "avc1": .h264, "hvc1": .h265, "av01": .av1, "vp09": .vp9, "vp08": .vp8, "mp4a": .aac, "Opus": .opus,
    ]
}

/// Boxes that follow each other.
enum Boxes {
    /// Calls `body` with the type and the content of each box of `bytes`.
    ///
    /// - Throws: ``ParseError`` when a box reaches beyond `bytes`, and whatever `body` throws.
    static func each(
        in bytes: Span<UInt8>,
        _ body: (BoxType, Span<UInt8>) throws(ParseError) -> Void
    ) throws(ParseError) {
        var reader = ByteReader(bytes)
        while reader.remaining > 0 {
            let header = try BoxHeader(parsing: &reader)
            let content = try reader.readSpan(header.contentSize ?? reader.remaining)
            try body(header.type, content)
        }
    }
}

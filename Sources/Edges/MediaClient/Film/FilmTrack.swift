import CFFmpeg
package import Media

/// A track of a media file that we can send.
package struct FilmTrack: Sendable {
    package var configuration: CodecConfiguration
    /// How the track is offered by WebRTC.
    package var description: TrackDescription
    /// Whether pictures change places on their way to the screen (B-frames), as far as the file tells beforehand.
    package var isReordered = false
    /// The number of the stream in the file.
    var stream: Int32
    var timeBase: AVRational
    var framing: Framing

    /// How the frames of the file differ from ``EncodedFrame/payload``.
    enum Framing {
        case same
        /// NAL units behind lengths of so many bytes.
        case lengthPrefixed(Int)
        /// NAL units behind start codes.
        case annexB
        /// AAC frames with ADTS headers.
        case adts
    }

    /// The frame as it travels.
    ///
    /// - Throws: ``ParseError`` when it is not what the track's codec prescribes.
    func payload(_ bytes: [UInt8]) throws -> [UInt8] {
        switch framing {
        case .same: return bytes
        case .lengthPrefixed(let size): return try NALUnits.normalize(bytes, lengthSize: size)
        case .annexB: return try NALUnits.lengthPrefixed(fromAnnexB: bytes)
        case .adts:
            let header = try ADTSHeader(parsing: bytes.span)
            return Array(bytes.dropFirst(header.length))
        }
    }
}

extension TrackDescription {
    /// A track as it is offered by WebRTC, described by what its decoder must know.
    ///
    /// AAC becomes Opus on the way.
    package init(_ configuration: CodecConfiguration) {
        switch configuration {
        case .h264(let sps, _):
            let parsed = sps.first.flatMap { try? H264SequenceParameterSet(parsing: $0.span) }
            self.init(codec: .h264, formatParameters: ["profile-level-id": parsed?.profileLevelID ?? "42e01f"])
        case .h265(_, let sps, _):
            guard let parsed = sps.first.flatMap({ try? H265SequenceParameterSet(parsing: $0.span) }) else {
                self.init(codec: .h265)
                return
            }
            self.init(
                codec: .h265,
                formatParameters: [
                    "profile-id": "\(parsed.profile)", "tier-flag": parsed.isHighTier ? "1" : "0",
                    "level-id": "\(parsed.level)",
                ]
            )
        case .vp8, .vp9, .av1: self.init(codec: configuration.codec)
        case .aac, .opus: self.init(codec: .opus, channels: 2)
        }
    }
}

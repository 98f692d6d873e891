package import Media
package import Primitives

/// A track of a file: its clock, and how its samples are coded.
package struct MovieTrack: Hashable, Sendable {
    /// 1 for the first track of a file.
    package var identifier: UInt32
    package var codec: Codec
    /// Ticks of the track's clock in a second: 90,000 for video, the sampling rate for audio.
    package var timescale: UInt32
    /// What HLS and MIME types call the codec (RFC 6381), such as "avc1.64001f" or "mp4a.40.2".
    package var codecsParameter: String
    /// Of the picture, in samples; 0 for audio.
    package var width: Int
    package var height: Int
    /// Of audio; 0 for video.
    package var channels: Int
    /// Ticks of one audio frame, where every frame has as many; `nil` for video, and for Opus, whose packets say it.
    package var frameTicks: UInt32?
    /// The sample entry: a whole box.
    var sampleEntry: [UInt8]

    /// Describes a track.
    ///
    /// - Parameters:
    ///   - identifier: The track's number in the file, from 1.
    ///   - configuration: How the track is coded.
    ///   - keyFrame: The first key frame, from which VP8 and VP9, and AV1 without configuration OBUs, are described;
    ///     other codecs do without.
    /// - Throws: ``ParseError`` when the configuration cannot be read, or does not say what a file must.
    package init(
        identifier: UInt32,
        configuration: CodecConfiguration,
        keyFrame: EncodedFrame? = nil
    ) throws(ParseError) {
        let entry: SampleEntry
        switch configuration {
        case .h264(let sps, let pps): entry = try SampleEntry(h264: sps, pps)
        case .h265(let vps, let sps, let pps): entry = try SampleEntry(h265: vps, sps, pps)
        case .av1(let units): entry = try SampleEntry(av1: Self.configurationOBUs(units, keyFrame))
        case .vp8, .vp9: entry = try SampleEntry(vp: configuration.codec, keyFrame: keyFrame?.payload ?? [])
        case .aac(let config): entry = try SampleEntry(aac: config)
        case .opus(let channels): entry = try SampleEntry(opus: channels)
        }
        self.identifier = identifier
        codec = configuration.codec
        timescale = entry.timescale
        codecsParameter = entry.codecsParameter
        (width, height, channels) = (entry.width, entry.height, entry.channels)
        frameTicks = entry.frameTicks
        sampleEntry = entry.box
    }

    /// An AV1 stream may bring its sequence header only in its key frames.
    private static func configurationOBUs(_ units: [UInt8], _ keyFrame: EncodedFrame?) -> [UInt8] {
        guard units.isEmpty, let keyFrame,
            case .av1(let inBand)? = CodecConfiguration(inBandOf: keyFrame)
        else { return units }
        return inBand
    }

    package var kind: MediaKind { codec.kind }

    /// Media time in ticks of the track's clock, rounded down.
    ///
    /// - Parameter microseconds: Media time, at most 292,000 years; times before 0 count as 0.
    /// - Returns: Ticks since media time 0.
    package func ticks(atMicroseconds microseconds: Int64) -> UInt64 {
        let microseconds = UInt64(max(0, microseconds))
        let (seconds, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return seconds &* UInt64(timescale) &+ rest &* UInt64(timescale) / 1_000_000
    }

    /// The length of `ticks` in seconds.
    package func seconds(ofTicks ticks: UInt64) -> Double {
        Double(ticks) / Double(timescale)
    }
}

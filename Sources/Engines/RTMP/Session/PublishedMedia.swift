import Media
import Primitives

/// Turns the audio and video messages of one publication into configurations and frames.
struct PublishedMedia: Sendable {
    enum Event: Sendable {
        case configuration(CodecConfiguration)
        case frame(EncodedFrame)
        /// Timestamps jumped or went back; media time was carried on.
        case clockJump
        case warning(RTMPWarning)
        /// A codec that we do not carry, or a configuration that makes no sense: the publication must end.
        case refusal(RTMPError)
    }

    private struct Track {
        var configuration: CodecConfiguration?
        /// Bytes of the length in front of each NAL unit.
        var lengthSize = 4
        /// The last frame's decoding time in microseconds.
        var decodeTime: Int64 = 0
    }

    private var audio = Track()
    private var video = Track()
    private var timeline = MediaTimeline()
    /// What has been said already; each warning is given once, however often its cause repeats.
    private var warnings: Set<RTMPWarning> = []

    /// Takes the body of one audio or video message.
    mutating func receive(
        _ body: Span<UInt8>,
        kind: MediaKind,
        timestamp: UInt32,
        at now: Instant
    ) -> [Event] {
        let tag: MediaTag
        do {
            switch try MediaTag.parse(body, kind: kind) {
            case .tag(let parsed): tag = parsed
            case .nothing: return []
            case .unsupportedCodec(let name): return [.refusal(.unsupportedCodec(name: name))]
            }
        } catch {
            return warn(.malformedFrame)
        }
        var events = tag.isMultitrack ? warn(.otherTracksIgnored) : []
        switch tag.content {
        case .configuration(let bytes): events += configure(tag.codec, bytes)
        case .frame(let bytes): events += place(bytes, tag, timestamp: timestamp, at: now)
        case .endOfSequence: break
        }
        return events
    }

    private mutating func warn(_ warning: RTMPWarning) -> [Event] {
        warnings.insert(warning).inserted ? [.warning(warning)] : []
    }

    private subscript(kind: MediaKind) -> Track {
        get { kind == .audio ? audio : video }
        set { if kind == .audio { audio = newValue } else { video = newValue } }
    }

    private mutating func configure(_ codec: Codec, _ bytes: [UInt8]) -> [Event] {
        do {
            let record = try DecoderConfiguration(parsing: bytes, codec: codec)
            // Encoders repeat their configuration, some before every key frame.
            guard self[codec.kind].configuration != record.configuration else { return [] }
            self[codec.kind].configuration = record.configuration
            self[codec.kind].lengthSize = record.lengthSize
            return [.configuration(record.configuration)]
        } catch {
            return [.refusal(.malformed(error))]
        }
    }

    private mutating func place(
        _ bytes: [UInt8],
        _ tag: MediaTag,
        timestamp: UInt32,
        at now: Instant
    ) -> [Event] {
        var events: [Event] = []
        let kind = tag.codec.kind
        if self[kind].configuration?.codec != tag.codec {
            guard let assumed = DecoderConfiguration.assumed(for: tag.codec) else {
                return warn(.frameBeforeConfiguration)
            }
            self[kind].configuration = assumed
            events.append(.configuration(assumed))
        }
        var isKeyFrame = tag.isKeyFrame
        var payload = bytes
        if tag.codec == .h264 || tag.codec == .h265 {
            do {
                guard let unit = try AccessUnit(bytes, codec: tag.codec, lengthSize: self[kind].lengthSize)
                else { return events }
                payload = unit.payload
                isKeyFrame = unit.isKeyFrame
            } catch {
                return events + warn(.malformedFrame)
            }
        }
        let placement = timeline.place(timestamp, kind: kind, at: now)
        if placement.isDiscontinuity { events.append(.clockJump) }
        let decodeTime = max(
            self[kind].decodeTime,
            placement.milliseconds * 1_000 + Int64(tag.timestampOffset / 1_000)
        )
        self[kind].decodeTime = decodeTime
        let reordering = Int64(tag.compositionTime) * 1_000
        events.append(
            .frame(
                EncodedFrame(
                    codec: tag.codec,
                    decodeTime: decodeTime,
                    presentationTime: decodeTime + reordering,
                    isKeyFrame: isKeyFrame,
                    payload: payload
                )
            )
        )
        return events
    }
}

/// Something a publisher should know, which does not end its publication.
package enum RTMPWarning: String, Hashable, Sendable {
    /// A frame could not be read and was left out.
    case malformedFrame
    /// A frame came before the configuration of its decoder and was left out.
    case frameBeforeConfiguration
    /// Tracks other than the first were left out.
    case otherTracksIgnored
}

import Media
import SDP

/// A payload type that one of our own clients offers.
struct ClientFormat: Sendable {
    var description: TrackDescription
    var payloadType: UInt8
    var rtxPayloadType: UInt8?
    /// The payload type under which sound repeats earlier frames (RFC 2198); `nil` where it is not offered.
    var redPayloadType: UInt8?

    /// All its payload types, the plain one first.
    var payloadTypes: [UInt8] { [payloadType, rtxPayloadType, redPayloadType].compactMap(\.self) }

    var parameters: [FormatParameters.Parameter] {
        let known = description.formatParameters
        func parameter(_ name: String, or value: String? = nil) -> [FormatParameters.Parameter] {
            (known[name] ?? value).map { [FormatParameters.Parameter(name, $0)] } ?? []
        }
        switch description.codec {
        case .h264:
            return [
                FormatParameters.Parameter("level-asymmetry-allowed", "1"),
                FormatParameters.Parameter("packetization-mode", "1"),
            ] + parameter("profile-level-id", or: "42e01f")
        case .h265: return parameter("profile-id") + parameter("tier-flag") + parameter("level-id")
        case .vp9: return parameter("profile-id", or: "0")
        case .av1: return parameter("profile", or: "0") + parameter("level-idx") + parameter("tier")
        case .opus:
            let stereo = ["stereo", "sprop-stereo"].map { FormatParameters.Parameter($0, "1") }
            return [FormatParameters.Parameter("minptime", "10"), FormatParameters.Parameter("useinbandfec", "1")]
                + (description.channels == 2 ? stereo : [])
        case .vp8, .pcmu, .pcma, .aac: return []
        }
    }

    /// `feedback` holds `a=rtcp-fb` kinds; `nil` stands for what a client asks of a picture.
    func append(to attributes: inout SDPAttributes, feedback: [String]? = nil) {
        // `PayloadTypeSequence` makes no format for a codec without one.
        guard let name = description.codec.rtpName else { return }
        let map = RTPMap(
            payloadType: payloadType,
            encodingName: name,
            clockRate: description.codec.clockRate,
            channels: description.codec == .opus ? 2 : nil
        )
        let feedback = feedback ?? (description.kind == .video ? ["nack", "nack pli", "ccm fir"] : [])
        attributes.appendFormat(map, feedback: feedback, parameters: parameters, rtxPayloadType: rtxPayloadType)
        attributes.appendRedundancy(redPayloadType, of: map)
    }
}

/// Hands out payload types: the static ones of G.711, 111 for Opus, the other dynamic ones (RFC 3551 §6) for video.
struct PayloadTypeSequence {
    private var upcoming: UInt8 = 96

    /// - Returns: `nil` when the dynamic range is used up, or the codec does not travel over RTP here.
    mutating func format(for description: TrackDescription) -> ClientFormat? {
        switch description.codec {
        case .aac: return nil
        case .pcmu: return ClientFormat(description: description, payloadType: 0)
        case .pcma: return ClientFormat(description: description, payloadType: 8)
        case .opus: return ClientFormat(description: description, payloadType: 111)
        case .h264, .h265, .vp8, .vp9, .av1:
            guard let payloadType = next(), let rtxPayloadType = next() else { return nil }
            return ClientFormat(description: description, payloadType: payloadType, rtxPayloadType: rtxPayloadType)
        }
    }

    /// The same with a payload type for frames that are repeated, where the codec is one whose frames we repeat.
    mutating func withRedundancy(_ format: ClientFormat) -> ClientFormat {
        guard format.description.codec == .opus else { return format }
        var format = format
        format.redPayloadType = next()
        return format
    }

    /// The same with a payload type for packets sent again; pictures have one already.
    mutating func withRetransmissions(_ format: ClientFormat) -> ClientFormat {
        guard format.rtxPayloadType == nil else { return format }
        var format = format
        format.rtxPayloadType = next()
        return format
    }

    private mutating func next() -> UInt8? {
        if upcoming == 111 { upcoming += 1 }
        guard upcoming < 128 else { return nil }
        defer { upcoming += 1 }
        return upcoming
    }
}

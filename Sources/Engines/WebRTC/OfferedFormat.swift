import Media
import SDP

/// A payload type of a media section with all that the section says about it.
struct OfferedFormat: Sendable {
    var payloadType: UInt8
    /// The encoding name as the peer writes it.
    var name: String
    /// Hz.
    var clockRate: Int
    /// Audio channels as `a=rtpmap` gives them.
    var channels: Int?
    /// `nil` when there is no `a=fmtp` line.
    var parameters: FormatParameters?
    /// The kinds of RTCP feedback offered, in lower case.
    var feedback: Set<String> = []
    /// The payload type of its retransmissions (RFC 4588), when offered.
    var rtxPayloadType: UInt8?

    /// What it carries, when that is something we know, at the clock rate that belongs to it.
    var codec: Codec? {
        guard let codec = Codec(rtpName: name), codec.clockRate == clockRate else { return nil }
        return codec
    }

    subscript(parameter: String) -> String? { parameters?[parameter] }

    /// RFC 6184 §8.1: 0 when not given.
    var packetizationMode: String { self["packetization-mode"] ?? "0" }

    /// What to call it when no codec fits; `nil` for what is no codec of its own.
    var displayName: String? {
        if let codec {
            let rtpName = codec.rtpName ?? codec.rawValue
            switch codec {
            case .h264 where packetizationMode == "0" && parameters != nil: return "\(rtpName) (packetization-mode 0)"
            case .vp9: return FormatProfile.name(rtpName, profile: self["profile-id"])
            case .av1: return FormatProfile.name(rtpName, profile: self["profile"])
            default: return rtpName
            }
        }
        let helpers = ["rtx", "red", "ulpfec", "flexfec", "flexfec-03", "cn", "telephone-event"]
        guard !helpers.contains(name.lowercased()), (1...24).contains(name.utf8.count),
            name.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        return name
    }

    /// Payload types that need no `a=rtpmap` (RFC 3551 §6), as far as WebRTC peers offer them.
    static let wellKnown: [UInt8: RTPMap] = [
        0: RTPMap(payloadType: 0, encodingName: "PCMU", clockRate: 8000),
        8: RTPMap(payloadType: 8, encodingName: "PCMA", clockRate: 8000),
        9: RTPMap(payloadType: 9, encodingName: "G722", clockRate: 8000),
        13: RTPMap(payloadType: 13, encodingName: "CN", clockRate: 8000),
    ]

    /// The formats of a section in its order of preference; formats without a mapping are left out.
    ///
    /// - Complexity: One pass over the attributes.
    static func all(in media: MediaDescription) -> [OfferedFormat] {
        var maps = wellKnown
        var parameters: [UInt8: FormatParameters] = [:]
        var feedback: [UInt8: Set<String>] = [:]
        var feedbackForAll: Set<String> = []
        for attribute in media.attributes.elements {
            guard let value = attribute.value else { continue }
            switch attribute.name {
            case "rtpmap":
                if let map = RTPMap(parsing: value) { maps[map.payloadType] = map }
            case "fmtp":
                if let parsed = FormatParameters(parsing: value) { parameters[parsed.payloadType] = parsed }
            case "rtcp-fb":
                guard let parsed = RTCPFeedback(parsing: value) else { break }
                if let payloadType = parsed.payloadType {
                    feedback[payloadType, default: []].insert(parsed.kind.lowercased())
                } else {
                    feedbackForAll.insert(parsed.kind.lowercased())
                }
            default:
                break
            }
        }
        var seen: Set<UInt8> = []
        let payloadTypes = media.formats.compactMap { RTPPayloadType.parse($0) }.filter { seen.insert($0).inserted }
        var retransmissions: [UInt8: UInt8] = [:]
        for payloadType in payloadTypes where maps[payloadType]?.encodingName.lowercased() == "rtx" {
            guard let original = parameters[payloadType]?["apt"].flatMap({ RTPPayloadType.parse($0) }) else { continue }
            if retransmissions[original] == nil { retransmissions[original] = payloadType }
        }
        return payloadTypes.compactMap { payloadType in
            guard let map = maps[payloadType] else { return nil }
            return OfferedFormat(
                payloadType: payloadType,
                name: map.encodingName,
                clockRate: map.clockRate,
                channels: map.channels,
                parameters: parameters[payloadType],
                feedback: feedbackForAll.union(feedback[payloadType] ?? []),
                rtxPayloadType: retransmissions[payloadType]
            )
        }
    }
}

import Media
import SDP

extension OfferedSection {
    /// The format in which frames of `payloadType` are repeated in later packets (RFC 2198 §5), where it is offered.
    func redundantFormat(of payloadType: UInt8) -> OfferedFormat? {
        guard kind == .audio, let original = formats.first(where: { $0.payloadType == payloadType }),
            original.codec == .opus
        else { return nil }
        return formats.first { format in
            guard format.name.lowercased() == "red", format.clockRate == original.clockRate else { return false }
            // `a=fmtp:63 111/111` names the formats of the blocks; without it any may be meant.
            guard let list = format.parameters?.parameters.first?.name else { return true }
            return list.split(separator: "/").allSatisfy { $0 == String(payloadType) }
        }
    }
}

extension SDPAttributes {
    /// Describes the payload type under which frames of `map` come with earlier ones in front; nothing for `nil`.
    mutating func appendRedundancy(_ payloadType: UInt8?, of map: RTPMap) {
        guard let payloadType else { return }
        let red = RTPMap(
            payloadType: payloadType, encodingName: "red", clockRate: map.clockRate, channels: map.channels)
        append("rtpmap", red.value)
        append("fmtp", "\(payloadType) \(map.payloadType)/\(map.payloadType)")
    }
}

import Media
import SDP

extension OfferedFormat {
    /// How well a viewer that offers this format is served with `track`: 0 is best, `nil` is not at all.
    func rank(for track: TrackDescription) -> Int? {
        guard codec == track.codec else { return nil }
        let needed = track.formatParameters
        switch track.codec {
        case .h264:
            // Our packets are fragmented, which mode 0 cannot say; a viewer that says nothing at all is believed.
            guard parameters != nil else { return 2 }
            guard packetizationMode == "1" else { return nil }
            let profile = self["profile-level-id"].flatMap(H264Profile.init(profileLevelID:))
            let neededProfile = needed["profile-level-id"].flatMap(H264Profile.init(profileLevelID:))
            // Browsers decode every profile, whichever they list.
            return profile != nil && profile == neededProfile ? 0 : 1
        case .h265:
            let isSame =
                (self["profile-id"] ?? "1") == (needed["profile-id"] ?? "1")
                && (self["tier-flag"] ?? "0") == (needed["tier-flag"] ?? "0")
            return isSame ? 0 : 1
        case .vp9:
            // Profiles differ in bit depth and chroma: none contains another.
            return FormatProfile.number(self["profile-id"]) == FormatProfile.number(needed["profile-id"]) ? 0 : nil
        case .av1:
            // High contains Main and Professional contains both (AV1 specification, annex A.2).
            let offered = FormatProfile.number(self["profile"])
            let profile = FormatProfile.number(needed["profile"])
            return offered == profile ? 0 : (offered > profile && offered <= 2 ? 1 : nil)
        case .vp8, .opus, .pcmu, .pcma:
            return 0
        case .aac:
            return nil
        }
    }

    /// `a=fmtp` of the answer to a viewer: its own parameters, without what only a sender can say.
    func playbackParameters(for track: TrackDescription) -> [FormatParameters.Parameter] {
        var list = (parameters?.parameters ?? []).filter { !$0.name.hasPrefix("sprop-") }
        if track.codec == .opus, track.channels == 2 { list.append(FormatParameters.Parameter("sprop-stereo", "1")) }
        return list
    }
}

extension TrackDescription {
    /// What to call it when no codec fits.
    var codecName: String {
        let name = codec.rtpName ?? codec.rawValue.uppercased()
        switch codec {
        case .vp9: return FormatProfile.name(name, profile: formatParameters["profile-id"])
        case .av1: return FormatProfile.name(name, profile: formatParameters["profile"])
        default: return name
        }
    }
}

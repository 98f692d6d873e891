package import Media

/// Codec profiles as `a=fmtp` gives them.
enum FormatProfile {
    /// The encoding name with the profile where that is not the common one, 0.
    static func name(_ rtpName: String, profile: String?) -> String {
        let number = number(profile)
        return number == 0 ? rtpName : "\(rtpName) profile \(number)"
    }

    /// A small profile number; 0 when absent (RFC 9628 §6, AV1 RTP §7.2), 255 when it is none.
    static func number(_ text: String?) -> UInt8 {
        guard let text else { return 0 }
        return UInt8(text) ?? 255
    }
}

/// An H.264 profile as `profile-level-id` spells it (RFC 6184 §8.1).
enum H264Profile: Hashable, Sendable {
    case constrainedBaseline
    case baseline
    case main
    case extended
    case high
    case constrainedHigh
    /// Any other, by its number and constraint flags.
    case other(UInt8, UInt8)

    /// Reads six hexadecimal digits: profile_idc, constraint flags, level_idc.
    ///
    /// The same profile has several spellings: `42e01f`, `42c01e` and `4d80xx` are all Constrained Baseline
    /// (ITU-T H.264 A.2.1.1).
    init?(profileLevelID text: String) {
        guard text.utf8.count == 6, text.utf8.first != UInt8(ascii: "+"), let bits = UInt32(text, radix: 16) else {
            return nil
        }
        let profile = UInt8(truncatingIfNeeded: bits >> 16)
        let flags = UInt8(truncatingIfNeeded: bits >> 8)
        let set0 = flags & 0x80 != 0
        let set1 = flags & 0x40 != 0
        switch profile {
        case 0x42: self = set1 ? .constrainedBaseline : .baseline
        case 0x4D: self = set0 ? .constrainedBaseline : .main
        case 0x58: self = set0 && set1 ? .constrainedBaseline : (set0 ? .baseline : .extended)
        case 0x64: self = flags & 0x0C == 0x0C ? .constrainedHigh : .high
        default: self = .other(profile, flags)
        }
    }
}

extension TrackDescription {
    /// Whether both name the same H.264 profile, whatever the level; `true` for other codecs, and where one says nothing.
    package func hasSameProfile(as other: TrackDescription) -> Bool {
        guard codec == .h264, let own = formatParameters["profile-level-id"],
            let others = other.formatParameters["profile-level-id"]
        else { return true }
        return H264Profile(profileLevelID: own) == H264Profile(profileLevelID: others)
    }
}

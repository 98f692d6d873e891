/// What a track carries, as `m=` lines name it.
package enum MediaKind: String, Hashable, Sendable, Codable {
    case audio
    case video
}

/// An encoding that Martlet takes in or sends out.
package enum Codec: String, Hashable, Sendable, Codable, CaseIterable {
    case h264
    case h265
    case vp8
    case vp9
    case av1
    case opus
    case pcmu
    case pcma
    /// RTMP only: viewers by WebRTC get Opus made from it.
    case aac

    package var kind: MediaKind {
        switch self {
        case .h264, .h265, .vp8, .vp9, .av1: .video
        case .opus, .pcmu, .pcma, .aac: .audio
        }
    }

    /// The encoding name of `a=rtpmap`; `nil` for codecs that never travel over RTP here.
    package var rtpName: String? {
        switch self {
        case .h264: "H264"
        case .h265: "H265"
        case .vp8: "VP8"
        case .vp9: "VP9"
        case .av1: "AV1"
        case .opus: "opus"
        case .pcmu: "PCMU"
        case .pcma: "PCMA"
        case .aac: nil
        }
    }

    /// The codec that `a=rtpmap` calls `name`, in any case; `nil` for those we do not carry.
    package init?(rtpName name: some StringProtocol) {
        let lowercased = name.lowercased()
        guard let codec = Self.allCases.first(where: { $0.rtpName?.lowercased() == lowercased }) else { return nil }
        self = codec
    }

    /// The RTP timestamp clock in Hz.
    package var clockRate: Int {
        switch self {
        case .h264, .h265, .vp8, .vp9, .av1: 90_000
        case .opus, .aac: 48_000
        case .pcmu, .pcma: 8_000
        }
    }
}

/// A track of a stream as viewers are offered it.
package struct TrackDescription: Hashable, Sendable {
    package var codec: Codec
    /// Audio channels; 1 for video.
    package var channels: Int
    /// `a=fmtp` parameters that describe what is really sent, such as `profile-level-id=42e01f`; empty when none.
    package var formatParameters: [String: String]

    package var kind: MediaKind { codec.kind }

    package init(codec: Codec, channels: Int = 1, formatParameters: [String: String] = [:]) {
        self.codec = codec
        self.channels = channels
        self.formatParameters = formatParameters
    }
}

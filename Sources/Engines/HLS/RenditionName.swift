package import Media

/// Which of a presentation's tracks, as addresses name it.
package enum RenditionName: Hashable, Sendable {
    /// The publisher's picture.
    case video
    case audio
    /// The picture in a smaller size, so many pixels high (`480p`).
    case rung(height: Int)

    /// Pixels that a rung may have.
    package static let heights = 2...4_320

    package init(_ kind: MediaKind) {
        self = kind == .video ? .video : .audio
    }

    /// The name in an address; `nil` for what we never name so.
    init?(_ text: some StringProtocol) {
        if let kind = MediaKind(rawValue: String(text)) {
            self.init(kind)
            return
        }
        guard text.last == "p", let height = Int(text.dropLast()), Self.heights.contains(height),
            "\(height)p" == text
        else { return nil }
        self = .rung(height: height)
    }

    package var text: String {
        switch self {
        case .video: MediaKind.video.rawValue
        case .audio: MediaKind.audio.rawValue
        case .rung(let height): "\(height)p"
        }
    }

    package var kind: MediaKind {
        self == .audio ? .audio : .video
    }
}

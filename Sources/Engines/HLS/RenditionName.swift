package import Media

/// Which of a presentation's tracks, as addresses name it.
package enum RenditionName: Hashable, Sendable {
    /// The publisher's picture.
    case video
    case audio
    /// The picture in a smaller size, so many pixels high (`480p`).
    case rung(height: Int)
    /// One of the sizes in which the publisher itself sends the picture (`layer2`), counted from 1 as it lists them.
    case layer(Int)

    /// Pixels that a rung may have.
    package static let heights = 2...4_320
    /// Numbers that layers may have.
    package static let layers = 1...16

    package init(_ kind: MediaKind) {
        self = kind == .video ? .video : .audio
    }

    /// The name in an address; `nil` for what we never name so.
    init?(_ text: some StringProtocol) {
        if let kind = MediaKind(rawValue: String(text)) {
            self.init(kind)
            return
        }
        if text.hasPrefix("layer"), let number = Int(text.dropFirst(5)), Self.layers.contains(number),
            "layer\(number)" == text
        {
            self = .layer(number)
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
        case .layer(let number): "layer\(number)"
        }
    }

    /// Whether it stands beside the publisher's picture.
    var isRung: Bool {
        switch self {
        case .video, .audio: false
        case .rung(let height): Self.heights.contains(height)
        case .layer(let number): Self.layers.contains(number)
        }
    }

    package var kind: MediaKind {
        self == .audio ? .audio : .video
    }
}

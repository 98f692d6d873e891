import Primitives

/// Names a track among those of its participant; chosen by whoever publishes it.
package struct TrackName: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Longer texts name nothing.
    package static let maximumLength = 32

    /// - Returns: `nil` for what cannot be a track's name.
    package init?(_ text: some StringProtocol) {
        guard (1...Self.maximumLength).contains(text.utf8.count), StreamName(text) != nil else { return nil }
        description = String(text)
    }
}

/// What a participant sends, as the others see it.
package struct RoomTrack: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case audio, video
    }

    /// What it shows, as its publisher says; nothing follows from it.
    package enum Source: String, Sendable, CaseIterable {
        case camera, microphone, screen, other
        case screenAudio = "screen-audio"
    }

    package var name: TrackName
    package var kind: Kind
    package var source: Source
    /// JSON text that whoever made it has checked; an object.
    package var metadata: String
    /// Nothing of it is sent for the time being.
    package var isMuted: Bool

    package init(name: TrackName, kind: Kind, source: Source = .other, metadata: String = "{}", isMuted: Bool = false) {
        self.name = name
        self.kind = kind
        self.source = source
        self.metadata = metadata
        self.isMuted = isMuted
    }

    /// About what it takes to remember it.
    var byteCount: Int { 64 + metadata.utf8.count }
}

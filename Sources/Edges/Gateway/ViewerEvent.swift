/// What a viewer is told while it watches (the events extension of WHEP).
package enum ViewerEvent: Sendable, Equatable {
    /// The names of the events.
    package enum Kind: String, Sendable, CaseIterable {
        case active
        case inactive
        case layers
        case viewercount
        case reconnect
    }

    /// One encoding of a picture, or a part of one that has layers inside.
    package struct Layer: Sendable, Equatable {
        /// The publisher's name for it, or ours for layers inside a stream.
        package var name: String
        /// Bits per second; 0 while its publisher has turned it off.
        package var bitrate: Int
        package var width: Int?
        package var height: Int?
        /// The highest layers in it, counted from 0, of a stream that has several of that kind inside.
        package var spatial: Int?
        package var temporal: Int?

        package init(
            name: String, bitrate: Int, width: Int? = nil, height: Int? = nil, spatial: Int? = nil, temporal: Int? = nil
        ) {
            self.spatial = spatial
            self.temporal = temporal
            self.name = name
            self.bitrate = bitrate
            self.width = width
            self.height = height
        }

        /// Whether a viewer would make the same choice among both: bitrates waver all the time.
        func isLike(_ other: Layer) -> Bool {
            let (lower, higher) = (min(bitrate, other.bitrate), max(bitrate, other.bitrate))
            return name == other.name && width == other.width && height == other.height
                && (lower == 0) == (higher == 0) && Double(higher) <= Double(lower) * 1.25
        }
    }

    /// Somebody publishes the stream.
    case active
    /// The publisher has gone; the session waits for it to return.
    case inactive
    /// The layers of each picture that has several, by its place among the media sections of the viewer's offer.
    case layers([Int: [Layer]])
    /// How many viewers are connected to the stream on this node.
    case viewerCount(Int)
    /// The session is about to end: make another one, at this endpoint or, without one, at the same as before.
    case reconnect(url: String?)

    package var kind: Kind {
        switch self {
        case .active: .active
        case .inactive: .inactive
        case .layers: .layers
        case .viewerCount: .viewercount
        case .reconnect: .reconnect
        }
    }

    /// Whether this event, coming later, leaves nothing to say of the other.
    func replaces(_ other: ViewerEvent) -> Bool {
        switch (self, other) {
        case (.active, .inactive), (.inactive, .active): true
        default: kind == other.kind
        }
    }
}

package import Media

/// A tap's number, unique within the process; each publisher that is read has one of its own.
package typealias TapID = UInt64

/// Which tracks of the media plane are read as frames.
package struct TapSpecification: Sendable {
    /// A track of the stream.
    package struct Track: Sendable {
        package var codec: Codec
        /// Its simulcast layers in any order; a single one without simulcast.
        package var layers: [TrackID]

        package init(codec: Codec, layers: [TrackID]) {
            self.codec = codec
            self.layers = layers
        }
    }

    package var id: TapID
    /// The worker where the tracks are published.
    package var owner: Int
    /// At most one of each kind of media.
    package var tracks: [Track]

    package init(id: TapID, owner: Int, tracks: [Track]) {
        self.id = id
        self.owner = owner
        self.tracks = tracks
    }

    var trackIDs: [TrackID] { tracks.flatMap(\.layers) }
}

/// What comes of a tap, in order.
package enum TapOutput: Sendable {
    /// The first frame is about to follow: Unix nanoseconds at media time 0, and the media that there are.
    case began(unixNanosecondsAtZero: Int64, kinds: Set<MediaKind>)
    case configured(CodecConfiguration)
    case frame(EncodedFrame)
    /// The same of a layer for itself, in the times of the others; see ``TapAssembler/readsAllLayers``.
    case layerConfigured(TrackID, CodecConfiguration)
    case layerFrame(TrackID, EncodedFrame)
}

/// Packets of a tapped stream on their way from its owner, bursts of one or more tracks.
package struct TappedPackets: Sendable {
    package var tap: TapID
    var bursts: [RelayedPackets]

    /// What they take in memory, roughly.
    var bytes: Int {
        bursts.reduce(0) { $0 + $1.payloads.count + $1.entries.count * MemoryLayout<RelayedPackets.Entry>.stride + 128 }
    }
}

package import MediaIO

/// A stream as the API shows it.
package struct StreamStatus: Sendable, Codable, Equatable {
    /// One encoding of a picture that its publisher sends several times, or a part of one that has layers inside.
    package struct Layer: Sendable, Codable, Equatable {
        /// The publisher's name for it; for layers inside, such as `S1T2`, the highest of each kind.
        package var name: String
        /// Bits per second over the last second or two; 0 while it is turned off.
        package var bitrate: Int
        package var width: Int?
        package var height: Int?
        /// Viewers that are sent this layer.
        package var viewers: Int

        package init(name: String, bitrate: Int, width: Int? = nil, height: Int? = nil, viewers: Int) {
            self.name = name
            self.bitrate = bitrate
            self.width = width
            self.height = height
            self.viewers = viewers
        }
    }

    /// One track of a stream.
    package struct Track: Sendable, Codable, Equatable {
        package var kind: String
        package var codec: String
        /// Bits per second over the last second or two; 0 when nothing arrives.
        package var bitrate: Int
        package var width: Int?
        package var height: Int?
        package var channels: Int?
        package var packetsReceived: Int
        package var packetsLost: Int
        package var keyFrameIntervalSeconds: Double?
        /// Viewers whose paths cannot carry the picture at present, and who have sound alone.
        package var pausedViewers: Int
        /// What viewers can be sent of it; `nil` where there is nothing to choose from.
        package var layers: [Layer]?

        package init(
            kind: String, codec: String, bitrate: Int, width: Int? = nil, height: Int? = nil, channels: Int? = nil,
            packetsReceived: Int = 0, packetsLost: Int = 0, keyFrameIntervalSeconds: Double? = nil,
            pausedViewers: Int = 0, layers: [Layer]? = nil
        ) {
            self.kind = kind
            self.codec = codec
            self.bitrate = bitrate
            self.width = width
            self.height = height
            self.channels = channels
            self.packetsReceived = packetsReceived
            self.packetsLost = packetsLost
            self.keyFrameIntervalSeconds = keyFrameIntervalSeconds
            self.pausedViewers = pausedViewers
            self.layers = layers
        }
    }

    package var name: String
    /// `live`, or `waiting` while the publisher is away and viewers are kept.
    package var state: String
    /// `whip`, `rtmp` or `demo`; `node` where it is pulled from another gateway.
    package var source: String
    /// When the current publisher began, as an ISO 8601 date.
    package var startedAt: String
    package var tracks: [Track]
    package var viewers: Int
    package var warnings: [IngestWarning]

    package init(
        name: String, state: String, source: String, startedAt: String, tracks: [Track], viewers: Int,
        warnings: [IngestWarning] = []
    ) {
        self.name = name
        self.state = state
        self.source = source
        self.startedAt = startedAt
        self.tracks = tracks
        self.viewers = viewers
        self.warnings = warnings
    }
}

/// Something about a publisher's media that its viewers will notice.
package struct IngestWarning: Sendable, Codable, Hashable {
    /// Stable, for machines.
    package var code: String
    /// What it means and how to cure it.
    package var message: String
    /// When it began, as an ISO 8601 date.
    package var since: String?

    package init(code: String, message: String, since: String? = nil) {
        self.code = code
        self.message = message
        self.since = since
    }
}

/// Totals of the whole gateway, for metrics.
package struct GatewayStatistics: Sendable {
    package var publishers = 0
    package var viewers = 0
    /// Sessions whose other end is a gateway, in both directions.
    package var links = 0
    /// Pictures being encoded anew at the moment.
    package var transcodes = 0
    /// Frames that transcoders have left out because they did not keep up.
    package var transcodeFramesDropped = 0
    package var streams = 0
    package var counters = MediaCounters()
    /// How long it took to answer a viewer's or publisher's offer.
    package var joinNegotiation = DurationHistogram()
    /// Packets that readers of frames have missed because the thread that makes frames did not keep up.
    package var framePacketsDropped = 0
    /// Streams with a finding about their publishers' media, by its code.
    package var ingestWarnings: [String: Int] = [:]
    /// Sessions that ended without ever connecting, or in an error, by reason.
    package var failures: [String: Int] = [:]

    package init() {}
}

import Gateway

/// The figures of one stream, which have too many names to be metrics.
struct StreamStatistics: Encodable, Equatable {
    struct Track: Encodable, Equatable {
        var kind: String
        var codec: String
        /// Bits per second.
        var bitrate: Int
        var packetsReceived: Int
        var packetsLost: Int
        var keyFrameIntervalSeconds: Double?
    }

    var name: String
    var state: String
    var viewers: Int
    /// Bits per second, all tracks together.
    var bitrate: Int
    var packetsReceived: Int
    var packetsLost: Int
    var tracks: [Track]

    init(of status: StreamStatus) {
        name = status.name
        state = status.state
        viewers = status.viewers
        tracks = status.tracks.map { track in
            Track(
                kind: track.kind,
                codec: track.codec,
                bitrate: track.bitrate,
                packetsReceived: track.packetsReceived,
                packetsLost: track.packetsLost,
                keyFrameIntervalSeconds: track.keyFrameIntervalSeconds
            )
        }
        bitrate = tracks.reduce(0) { $0 + $1.bitrate }
        packetsReceived = tracks.reduce(0) { $0 + $1.packetsReceived }
        packetsLost = tracks.reduce(0) { $0 + $1.packetsLost }
    }
}

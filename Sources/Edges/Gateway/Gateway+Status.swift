import Media
import MediaIO
package import Primitives

/// Figures for the API and the metrics.
extension Gateway {
    /// All streams, by name.
    package func streams() async -> [StreamStatus] {
        let reports = await plane.report()
        return streams.values.map { status(of: $0, reports: reports) }.sorted { $0.name < $1.name }
    }

    package func stream(_ name: StreamName) async -> StreamStatus? {
        guard streams[name] != nil else { return nil }
        let reports = await plane.report()
        return streams[name].map { status(of: $0, reports: reports) }
    }

    package func statistics() async -> GatewayStatistics {
        let reports = await plane.report()
        var statistics = GatewayStatistics()
        statistics.streams = streams.values.count { $0.publisher != nil }
        statistics.publishers = sessions.values.count { $0.kind == .publisher }
        statistics.viewers = sessions.values.count { $0.kind == .viewer }
        statistics.failures = failures
        statistics.joinNegotiation = joinNegotiation
        for report in reports { statistics.counters.add(report.counters) }
        return statistics
    }

    func status(of stream: LiveStream, reports: [MediaReport]) -> StreamStatus {
        let owned = reports.flatMap(\.tracks).filter(\.isOwner)
        let figuresByTrack = Dictionary(owned.map { ($0.id, $0) }) { first, _ in first }
        let tracks = stream.tracks.map { track in
            let figures = figuresByTrack[track.id]
            return StreamStatus.Track(
                kind: track.description.kind.rawValue,
                codec: track.description.codec.rtpName ?? track.description.codec.rawValue,
                bitrate: Int(figures?.bitsPerSecond ?? 0),
                width: track.width,
                height: track.height,
                channels: track.description.kind == .audio ? track.description.channels : nil,
                packetsReceived: figures?.packetsReceived ?? 0,
                packetsLost: figures?.packetsLost ?? 0,
                keyFrameIntervalSeconds: figures?.keyFrameInterval
            )
        }
        return StreamStatus(
            name: stream.name.description,
            state: stream.publisher == nil ? "waiting" : "live",
            source: stream.publisher?.source ?? "none",
            startedAt: WallClock.iso8601(secondsSince1970: stream.startedAtWallClock),
            tracks: tracks,
            viewers: stream.viewers.count,
            warnings: warnings(of: stream, figures: figuresByTrack)
        )
    }
}

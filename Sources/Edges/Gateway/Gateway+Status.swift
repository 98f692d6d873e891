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
        statistics.publishers = sessions.values.count { $0.kind == .publisher && !$0.isNodeLink }
        statistics.viewers = sessions.values.count { $0.kind == .viewer && !$0.isNodeLink }
        statistics.links = sessions.values.count(where: \.isNodeLink)
        statistics.failures = failures
        statistics.transcodes = transcodeCount
        statistics.transcodeFramesDropped = Int(clamping: transcodeDrops)
        for stream in streams.values {
            for code in Set(warnings(of: stream).map(\.code)) {
                statistics.ingestWarnings[code, default: 0] += 1
            }
        }
        statistics.joinNegotiation = joinNegotiation
        statistics.framePacketsDropped = plane.tappedPacketsDropped
        for report in reports { statistics.counters.add(report.counters) }
        return statistics
    }

    func status(of stream: LiveStream, reports: [MediaReport]) -> StreamStatus {
        let all = reports.flatMap(\.tracks)
        let figuresByTrack = Dictionary(all.filter(\.isOwner).map { ($0.id, $0) }) { first, _ in first }
        let tracks = stream.tracks.map { track in
            let figures = track.ids.compactMap { figuresByTrack[$0] }
            func everywhere(_ id: TrackID, _ figure: KeyPath<MediaReport.Track, Int>) -> Int {
                all.reduce(0) { $1.id == id ? $0 + $1[keyPath: figure] : $0 }
            }
            let layers = track.layers.map { layer in
                StreamStatus.Layer(
                    name: layer.name,
                    bitrate: Int(figuresByTrack[layer.id]?.bitsPerSecond ?? 0),
                    width: layer.width,
                    height: layer.height,
                    viewers: everywhere(layer.id, \.viewers)
                )
            }
            let steps = track.steps.enumerated().map { index, step in
                StreamStatus.Layer(
                    name: step.name,
                    bitrate: figuresByTrack[track.id]?.bitrate(ofStep: index) ?? 0,
                    width: step.width,
                    height: step.height,
                    viewers: all.reduce(0) { $1.id == track.id ? $0 + ($1.stepViewers[step.limit] ?? 0) : $0 }
                )
            }
            return StreamStatus.Track(
                kind: track.description.kind.rawValue,
                codec: track.description.codec.rtpName ?? track.description.codec.rawValue,
                bitrate: Int(figures.reduce(0) { $0 + $1.bitsPerSecond }),
                width: track.width,
                height: track.height,
                channels: track.description.kind == .audio ? track.description.channels : nil,
                packetsReceived: figures.reduce(0) { $0 + $1.packetsReceived },
                packetsLost: figures.reduce(0) { $0 + $1.packetsLost },
                keyFrameIntervalSeconds: figures.lazy.compactMap(\.keyFrameInterval).first,
                pausedViewers: track.ids.reduce(0) { $0 + everywhere($1, \.pausedViewers) },
                layers: track.hasChoice ? layers + steps : nil
            )
        }
        return StreamStatus(
            name: stream.name.description,
            state: stream.publisher == nil ? "waiting" : "live",
            source: stream.publisher?.source ?? "none",
            startedAt: WallClock.iso8601(secondsSince1970: stream.startedAtWallClock),
            tracks: tracks,
            viewers: stream.viewers.values.count { !$0.isNodeLink },
            warnings: warnings(of: stream)
        )
    }
}

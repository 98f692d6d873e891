import MediaIO
package import Primitives

/// The figures of single viewers, for whoever looks for the reason of a bad picture.
extension Gateway {
    /// Some of a stream's viewers, at most `limit` of those whose names come after `after`.
    ///
    /// Costs each worker a look at that many viewers, so it is not for figures that are wanted all the time.
    ///
    /// - Returns: `nil` when there is no such stream.
    package func viewers(of name: StreamName, after: String?, limit: Int) async -> ViewerPage? {
        guard let stream = streams[name] else { return nil }
        let names = stream.viewers.keys.filter { $0 > after ?? "" }.sorted()
        let shown = names.prefix(limit).compactMap { sessions[$0] }
        var reports: [PeerID: ViewerReport] = [:]
        for (worker, group) in Dictionary(grouping: shown, by: \.worker) {
            for report in await plane.report(viewers: group.map(\.peer), of: worker) { reports[report.peer] = report }
        }
        let pictures = stream.tracks + stream.transcodes.keys.compactMap { stream.track($0) }
        return ViewerPage(
            sessions: shown.map { Self.status(of: $0, report: reports[$0.peer], tracks: pictures) },
            next: names.count > limit ? shown.last?.id : nil
        )
    }

    private static func path(_ address: TransportAddress) -> ViewerStatus.Path {
        ViewerStatus.Path(
            family: address.isIPv4 ? "ipv4" : "ipv6", transport: address.connection == 0 ? "udp" : "tcp")
    }

    /// What a viewer is shown of a picture; `nil` where there is nothing to choose from.
    private static func name(of picture: ViewerReport.Picture, in tracks: [LiveStream.Track]) -> String? {
        guard let track = tracks.first(where: { $0.ids.contains(picture.track) }) else { return nil }
        if let limit = picture.limit, !track.steps.isEmpty { return LayerStep.name(of: limit, in: track.stepCounts) }
        return track.layers.first { $0.id == picture.track }?.name
    }

    private static func status(
        of session: Session,
        report: ViewerReport?,
        tracks: [LiveStream.Track]
    ) -> ViewerStatus {
        ViewerStatus(
            id: session.id,
            since: WallClock.iso8601(secondsSince1970: session.startedAt),
            isConnected: session.isConnected,
            isNodeLink: session.isNodeLink,
            path: report?.address.map(Self.path),
            estimate: report?.estimate.map { Int($0.bitsPerSecond) },
            limitedBy: report?.limitedBy,
            roundTripSeconds: report?.roundTrip?.seconds,
            loss: report?.loss,
            layer: report?.pictures.lazy.compactMap { name(of: $0, in: tracks) }.first,
            isPaused: report?.pictures.contains(where: \.isPaused) ?? false
        )
    }
}

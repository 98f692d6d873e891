import Logging
import Media
import MediaIO
package import Primitives
import Telemetry

/// Publishers of frames: RTMP and the demo.
extension Gateway {
    /// Opens a stream for frames (RTMP, demo).
    ///
    /// `source` is what the API calls this kind of publisher; `terms` are those of its credential. `onEnd` is called once,
    /// when somebody else takes the stream over, the terms are over or the gateway stops; `onKeyFrameRequest` when a viewer
    /// cannot go on without a key frame.
    package func ingest(
        stream name: StreamName,
        by identity: PublisherIdentity,
        source: String = "rtmp",
        terms: SessionTerms = SessionTerms(),
        onEnd: @escaping @Sendable (IngestEnd) -> Void,
        onKeyFrameRequest: @escaping @Sendable () -> Void = {}
    ) async throws(GatewayRefusal) -> FrameIngest {
        try checkCapacity(forStream: name)
        let epoch = try await claim(name, for: identity)
        let owner = streams[name]?.owner ?? plane.leastLoadedWorker()
        dismissPublisher(of: name)
        if streams[name] == nil { makeStream(name, owner: owner) }
        let ingest = FrameIngest(
            stream: name,
            policy: policy.reordering,
            outputs: FrameIngestOutputs(
                post: { [plane] in plane.post($0, to: owner) },
                report: { [ingestReport] in ingestReport.yield($0) },
                onEnd: onEnd,
                onKeyFrameRequest: onKeyFrameRequest
            ),
            lane: streams[name]?.lane.open(),
            canTranscode: policy.transcoding.maximum > 0
        )
        hold(ingest, to: terms)
        begin(.frames(ingest, identity, source: source), on: name, epoch: epoch, record: terms.record)
        logger.info("stream published", metadata: [LogKeys.stream: "\(name)", LogKeys.source: "\(source)"])
        return ingest
    }

    /// A frame publisher has something to tell, which counts as long as the stream is its own.
    func hear(_ news: IngestNews, from ingest: FrameIngest) {
        guard isCurrent(ingest) else { return }
        if let tracks = news.announcement { announce(tracks, by: ingest) }
        if let tracks = news.change { update(tracks, of: ingest.stream) }
        if let isReordered = news.isReordered { setReordered(isReordered, stream: ingest.stream) }
        for warning in news.warnings { warn(warning, stream: ingest.stream) }
        if news.isFinished { publisherLeft(ingest.stream) }
    }

    /// A frame publisher knows its tracks now, or has others than before.
    private func announce(_ described: [IngestNews.Track], by ingest: FrameIngest) {
        guard let owner = streams[ingest.stream]?.owner else { return }
        let tracks = settleTracks(described.map(\.description), stream: ingest.stream, owner: owner)
        for track in tracks where !ingest.feeds(track.id) { plane.post(.endSource(track.id), to: owner) }
        update(described, of: ingest.stream)
        ingest.ready(tracks.map { ($0.id, $0.description.codec) })
        ingest.setViewersPresent(streams[ingest.stream]?.viewers.isEmpty == false)
    }

    /// Viewers stay, and those who come next are told what is true now.
    private func update(_ described: [IngestNews.Track], of name: StreamName) {
        for track in described {
            guard
                let index = streams[name]?.tracks.firstIndex(where: { $0.description.codec == track.description.codec })
            else { continue }
            streams[name]?.tracks[index].description = track.description
            streams[name]?.tracks[index].width = track.width
            streams[name]?.tracks[index].height = track.height
        }
    }

    /// Browsers can no longer play the stream, or can again.
    ///
    /// Those who watch see it stall, so they are ended: when they come back they are told why.
    private func setReordered(_ isReordered: Bool, stream name: StreamName) {
        streams[name]?.isReordered = isReordered
        streams[name]?.warnings.removeAll { $0.concernsOrder }
        // Those who are shown another form of the picture are not concerned.
        if isReordered { endViewers(of: name) { $0.form == nil || $0.form == .ladder } }
    }

    func warn(_ warning: IngestWarning, stream name: StreamName) {
        var dated = warning
        dated.since = WallClock.iso8601(secondsSince1970: WallClock.secondsSince1970())
        let isNew = streams[name]?.warnings.contains { $0.code == warning.code } == false
        streams[name]?.warn(dated)
        if isNew { announce(.warned(name, dated)) }
        logger.notice(
            "publisher needs attention",
            metadata: [LogKeys.stream: "\(name)", LogKeys.warning: "\(warning.code)"]
        )
    }

    /// A viewer of a track that is packetized here cannot go on without a key frame.
    func requestKeyFrame(of track: TrackID) {
        for stream in streams.values {
            for transcode in stream.transcodes.values where transcode.feeds.contains(where: { $0.track == track }) {
                transcode.job.requestKeyFrame()
                return
            }
        }
        for stream in streams.values where stream.tracks.contains(where: { $0.id == track }) {
            if case .frames(let ingest, _, _) = stream.publisher { ingest.requestKeyFrame() }
        }
    }

    func isCurrent(_ ingest: FrameIngest) -> Bool {
        if case .frames(let current, _, _) = streams[ingest.stream]?.publisher { return current === ingest }
        return false
    }
}

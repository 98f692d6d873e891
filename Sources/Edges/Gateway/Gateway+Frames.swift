import Logging
import Media
import MediaIO
package import Primitives

/// Publishers of frames: RTMP and the demo.
extension Gateway {
    /// Opens a stream for frames (RTMP, demo).
    ///
    /// `source` is what the API calls this kind of publisher. `onEnd` is called once, when somebody else takes the
    /// stream over or the gateway stops.
    package func ingest(
        stream name: StreamName,
        by identity: PublisherIdentity,
        source: String = "rtmp",
        onEnd: @escaping @Sendable (IngestEnd) -> Void
    ) async throws(GatewayRefusal) -> FrameIngest {
        try checkCapacity(forStream: name)
        try await makeWay(for: identity, on: name)
        let owner = streams[name]?.owner ?? plane.leastLoadedWorker()
        dismissPublisher(of: name)
        let ingest = FrameIngest(
            worker: owner,
            stream: name,
            post: { [plane] in plane.post($0, to: owner) },
            report: { [ingestReport] in ingestReport.yield($0) },
            onEnd: onEnd
        )
        if streams[name] == nil { makeStream(name, owner: owner) }
        begin(.frames(ingest, identity, source: source), on: name)
        logger.info("stream published", metadata: ["stream": "\(name)", "source": "\(source)"])
        return ingest
    }

    /// A frame publisher knows its tracks now.
    func announce(_ described: [IngestMessage.Track], by ingest: FrameIngest) {
        guard isCurrent(ingest), let owner = streams[ingest.stream]?.owner else { return }
        let tracks = settleTracks(described.map(\.description), stream: ingest.stream, owner: owner)
        for index in tracks.indices {
            streams[ingest.stream]?.tracks[index].width = described[index].width
            streams[ingest.stream]?.tracks[index].height = described[index].height
            plane.post(.endSource(tracks[index].id), to: owner)
        }
        ingest.ready(tracks.map { ($0.id, $0.description.codec) })
        ingest.setViewersPresent(streams[ingest.stream]?.viewers.isEmpty == false)
    }

    func warn(_ warning: IngestWarning, isReordered: Bool, by ingest: FrameIngest) {
        guard isCurrent(ingest) else { return }
        streams[ingest.stream]?.warn(warning)
        if isReordered { streams[ingest.stream]?.isReordered = true }
        logger.notice("ingest warning", metadata: ["stream": "\(ingest.stream)", "code": "\(warning.code)"])
    }

    func finished(_ ingest: FrameIngest) {
        if isCurrent(ingest) { publisherLeft(ingest.stream) }
    }

    func isCurrent(_ ingest: FrameIngest) -> Bool {
        if case .frames(let current, _, _) = streams[ingest.stream]?.publisher { return current === ingest }
        return false
    }
}

import MediaIO
package import Primitives

/// What viewers are told while they watch.
extension Gateway {
    /// How often what changes all the time is looked at.
    static let newsInterval = Duration.seconds(1)

    // MARK: Streams of events

    /// Opens a stream of events for a viewer's session; it ends with the session.
    ///
    /// - Returns: Its name, which nobody can guess.
    package func openEvents(
        _ kinds: Set<ViewerEvent.Kind>,
        session id: String,
        stream name: StreamName
    ) async throws(GatewayRefusal) -> String {
        _ = try viewer(id, of: name)
        guard eventStreams[id, default: []].count < EventStream.maximumPerSession else {
            throw Self.tooManyEventStreams
        }
        let opened = EventStream(kinds: kinds, at: clock.now)
        eventStreams[id, default: []].append(opened)
        return opened.id
    }

    /// What a stream of events has to tell, from how things stand now.
    package func events(
        _ events: String,
        session id: String,
        stream name: StreamName
    ) async throws(GatewayRefusal) -> EventQueue {
        _ = try viewer(id, of: name)
        guard let index = eventStreams[id]?.firstIndex(where: { $0.id == events }),
            let queue = eventStreams[id]?[index].queue
        else { throw Self.unknownEventStream }
        eventStreams[id]?[index].restart(isActive: streams[name]?.publisher != nil)
        if destinations != nil { queue.post(reconnect(session: id, stream: name)) }
        return queue
    }

    /// Ends a stream of events, and forgets what it had still to tell.
    package func closeEvents(
        _ events: String,
        session id: String,
        stream name: StreamName
    ) async throws(GatewayRefusal) {
        _ = try viewer(id, of: name)
        guard let index = eventStreams[id]?.firstIndex(where: { $0.id == events }) else {
            throw Self.unknownEventStream
        }
        eventStreams[id]?.remove(at: index).queue.close(forgetting: true)
        if eventStreams[id]?.isEmpty == true { eventStreams[id] = nil }
    }

    /// A session has ended, and its streams of events with it.
    func closeEvents(of session: Session) {
        for open in eventStreams.removeValue(forKey: session.id) ?? [] { open.queue.close() }
    }

    // MARK: News

    /// Tells all viewers of a stream.
    func tell(_ event: ViewerEvent, viewersOf name: StreamName) {
        guard !eventStreams.isEmpty else { return }
        for id in streams[name]?.viewers.keys ?? [:].keys {
            for open in eventStreams[id] ?? [] { open.queue.post(event) }
        }
    }

    /// Tells everybody that this gateway is going away.
    func tellReconnect() {
        for (id, opened) in eventStreams {
            guard let session = sessions[id] else { continue }
            for open in opened { open.queue.post(reconnect(session: id, stream: session.stream)) }
        }
    }

    /// Viewers of one stream spread over the gateways that stay.
    private func reconnect(session: String, stream: StreamName) -> ViewerEvent {
        .reconnect(url: destination(for: session).map { "\($0)/whep/\(stream)" })
    }

    /// Tells each viewer what has changed about layers and viewers since it was last told.
    func tellNews() async {
        guard !eventStreams.isEmpty else { return }
        var figures: [TrackID: MediaReport.Track] = [:]
        if eventStreams.keys.contains(where: hasChoice) {
            for track in await plane.report().lazy.flatMap(\.tracks) where track.isOwner { figures[track.id] = track }
        }
        var viewers: [StreamName: Int] = [:]
        for session in sessions.values where session.kind == .viewer && session.isConnected {
            viewers[session.stream, default: 0] += 1
        }
        let now = clock.now
        for id in Array(eventStreams.keys) {
            guard let session = sessions[id], let stream = streams[session.stream] else { continue }
            let layers = layers(of: session, in: stream, figures: figures)
            for index in eventStreams[id]?.indices ?? 0..<0 {
                eventStreams[id]?[index].tell(viewers: viewers[session.stream] ?? 0, layers: layers, at: now)
            }
        }
    }

    /// Whether there is something to choose from in a viewer's session.
    private func hasChoice(session id: String) -> Bool {
        guard let session = sessions[id], let stream = streams[session.stream] else { return false }
        return session.pictures.contains { stream.track(of: $0, for: session)?.hasChoice == true }
    }

    private func layers(
        of session: Session,
        in stream: LiveStream,
        figures: [TrackID: MediaReport.Track]
    ) -> [Int: [ViewerEvent.Layer]] {
        var result: [Int: [ViewerEvent.Layer]] = [:]
        for picture in session.pictures {
            guard let track = stream.track(of: picture, for: session), track.hasChoice else { continue }
            result[picture.section] =
                track.layers.map {
                    ViewerEvent.Layer(
                        name: $0.name, bitrate: Int(figures[$0.id]?.bitsPerSecond ?? 0), width: $0.width,
                        height: $0.height)
                }
                + track.steps.enumerated().map { index, step in
                    ViewerEvent.Layer(
                        name: step.name, bitrate: figures[track.id]?.bitrate(ofStep: index) ?? 0, width: step.width,
                        height: step.height, spatial: step.spatial, temporal: step.temporal)
                }
        }
        return result
    }

    private static let unknownEventStream = GatewayRefusal(
        .unknownEventStream,
        "There is no such stream of events. It may have ended with its session; open a new one."
    )
    private static let tooManyEventStreams = GatewayRefusal(
        .tooManyEventStreams,
        "This session has \(EventStream.maximumPerSession) streams of events already. Close one of them (DELETE)."
    )
}

import ICE
import Logging
import Media
import MediaIO
import Primitives
import Telemetry

/// Sessions and streams: how they begin, change and end.
extension Gateway {
    // MARK: Sessions

    func makeSession(
        _ kind: SessionKind,
        stream: StreamName,
        worker: Int,
        remote: ICECredentials?
    ) -> Session {
        let session = Session(
            id: RandomID.make(),
            kind: kind,
            peer: plane.makePeerID(),
            worker: worker,
            stream: stream,
            entityTag: "\"\(RandomID.make())\"",
            remotes: remote.map { [$0] } ?? []
        )
        sessions[session.id] = session
        sessionsByPeer[session.peer] = session.id
        plane.addLoad(1, worker: worker)
        return session
    }

    func forget(_ session: Session) {
        guard sessions.removeValue(forKey: session.id) != nil else { return }
        sessionsByPeer[session.peer] = nil
        plane.addLoad(-1, worker: session.worker)
        switch session.kind {
        case .viewer:
            streams[session.stream]?.viewers[session.id] = nil
            if let stream = streams[session.stream], stream.viewers.isEmpty,
                case .frames(let ingest, _, _) = stream.publisher
            {
                ingest.setViewersPresent(false)
            }
            stopRelayIfUnused(session.stream, worker: session.worker)
        case .publisher:
            if case .session(let current, _) = streams[session.stream]?.publisher, current.id == session.id {
                publisherLeft(session.stream)
            }
        }
    }

    // MARK: Streams

    func makeStream(_ name: StreamName, owner: Int) {
        streams[name] = LiveStream(
            name: name,
            owner: owner,
            startedAt: clock.now,
            startedAtWallClock: WallClock.secondsSince1970()
        )
    }

    func begin(_ publisher: LiveStream.Publisher, on name: StreamName) {
        streams[name]?.publisher = publisher
        streams[name]?.graceEnds = nil
        streams[name]?.warnings = []
        streams[name]?.isReordered = false
        streams[name]?.startedAt = clock.now
        streams[name]?.startedAtWallClock = WallClock.secondsSince1970()
    }

    /// Makes the stream's tracks those described.
    ///
    /// A track whose codec stays the same stays the same track, so that its
    /// viewers go on; viewers of a track that has to go are ended and join anew.
    func settleTracks(
        _ descriptions: [TrackDescription],
        stream name: StreamName,
        owner: Int
    ) -> [LiveStream.Track] {
        if streams[name] == nil { makeStream(name, owner: owner) }
        guard let stream = streams[name] else { return [] }
        var old = stream.tracks
        var tracks: [LiveStream.Track] = []
        for description in descriptions {
            if let index = old.firstIndex(where: { Self.isContinuation($0.description, description) }) {
                var track = old.remove(at: index)
                track.description = description
                tracks.append(track)
            } else {
                let track = LiveStream.Track(id: plane.makeTrackID(), description: description)
                plane.post(.addTrack(.init(id: track.id, codec: description.codec, owner: owner)), to: owner)
                tracks.append(track)
            }
        }
        let isChanged = !stream.tracks.isEmpty && (!old.isEmpty || tracks.count != stream.tracks.count)
        for track in old { removeTrack(track.id, from: stream) }
        streams[name]?.tracks = tracks
        if isChanged { endViewers(of: name) }
        return tracks
    }

    static func isContinuation(_ old: TrackDescription, _ new: TrackDescription) -> Bool {
        old.codec == new.codec && old.channels == new.channels
    }

    func removeTrack(_ id: TrackID, from stream: LiveStream) {
        plane.post(.removeTrack(id), to: stream.owner)
        for worker in stream.relays { plane.post(.removeTrack(id), to: worker) }
    }

    func endViewers(of name: StreamName) {
        guard let stream = streams[name] else { return }
        for session in stream.viewers.values {
            plane.post(.removePeer(session.peer, .requested), to: session.worker)
            forget(session)
        }
    }

    /// The publisher has gone; viewers stay for the grace period.
    func publisherLeft(_ name: StreamName) {
        guard let stream = streams[name] else { return }
        for track in stream.tracks { plane.post(.endSource(track.id), to: stream.owner) }
        streams[name]?.publisher = nil
        streams[name]?.graceEnds = clock.now.advanced(by: policy.grace)
        logger.info("stream unpublished", metadata: [LogKeys.stream: "\(name)"])
    }

    func remove(_ name: StreamName) {
        dismissPublisher(of: name)
        endViewers(of: name)
        guard let stream = streams.removeValue(forKey: name) else { return }
        for track in stream.tracks { removeTrack(track.id, from: stream) }
    }
}

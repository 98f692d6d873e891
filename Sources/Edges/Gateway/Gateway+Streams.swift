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
        remote: ICECredentials?,
        id: String = RandomID.make(),
        entityTag: String = "\"\(RandomID.make())\""
    ) -> Session {
        let session = Session(
            id: id,
            kind: kind,
            peer: plane.makePeerID(),
            worker: worker,
            stream: stream,
            entityTag: entityTag,
            remotes: remote.map { [$0] } ?? [],
            startedAt: WallClock.secondsSince1970()
        )
        sessions[session.id] = session
        sessionsByPeer[session.peer] = session.id
        plane.addLoad(1, worker: worker)
        return session
    }

    func forget(_ session: Session) {
        guard sessions.removeValue(forKey: session.id) != nil else { return }
        linkWaiters.removeValue(forKey: session.id)?.resume(returning: false)
        sessionsByPeer[session.peer] = nil
        plane.addLoad(-1, worker: session.worker)
        switch session.kind {
        case .viewer:
            closeEvents(of: session)
            streams[session.stream]?.viewers[session.id] = nil
            if let stream = streams[session.stream], stream.viewers.isEmpty, !isWatchedInRoom(session.stream),
                case .frames(let ingest, _, _) = stream.publisher
            {
                ingest.setViewersPresent(false)
            }
            settleTranscodes(of: session.stream)
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

    func begin(_ publisher: LiveStream.Publisher, on name: StreamName, epoch: UInt64 = 0, record: Bool?) {
        streams[name]?.publisher = publisher
        streams[name]?.epoch = epoch
        streams[name]?.record = record
        if streams[name]?.graceEnds != nil { tell(.active, viewersOf: name) }
        streams[name]?.graceEnds = nil
        streams[name]?.keptKeyFrame = nil
        streams[name]?.warnings = []
        streams[name]?.monitor = IngestMonitor()
        streams[name]?.isReordered = false
        streams[name]?.startedAt = clock.now
        streams[name]?.startedAtWallClock = WallClock.secondsSince1970()
        settleTap(of: name)
        guard streams[name]?.isLinked == false else { return }
        streams[name]?.isAnnounced = true
        announce(.published(name))
    }

    /// Makes the stream's tracks those described, and for each of them the layers that are named.
    ///
    /// A track whose codec and number of layers stay the same stays the same track, so that its
    /// viewers go on; viewers of a track that has to go are ended and join anew.
    func settleTracks(
        _ descriptions: [TrackDescription],
        layers: [[String]] = [],
        stream name: StreamName,
        owner: Int
    ) -> [LiveStream.Track] {
        if streams[name] == nil { makeStream(name, owner: owner) }
        guard let stream = streams[name] else { return [] }
        var old = stream.tracks
        var tracks: [LiveStream.Track] = []
        for (position, description) in descriptions.enumerated() {
            let names = layers.indices.contains(position) ? layers[position] : []
            if let index = old.firstIndex(where: {
                Self.isContinuation($0.description, description) && $0.layers.count == names.count
            }) {
                var track = old.remove(at: index)
                track.description = description
                for (layer, name) in names.enumerated() { track.layers[layer].name = name }
                tracks.append(track)
            } else {
                tracks.append(makeTrack(description, layers: names, owner: owner))
            }
        }
        let isChanged = !stream.tracks.isEmpty && (!old.isEmpty || tracks.count != stream.tracks.count)
        for track in old { removeTrack(track, from: stream) }
        streams[name]?.tracks = tracks
        if isChanged {
            endViewers(of: name)
            // Its renditions stand beside a picture that is no more.
            if streams[name]?.picture?.id != stream.picture?.id { endTranscode(.ladder, of: name) }
        }
        return tracks
    }

    static func isContinuation(_ old: TrackDescription, _ new: TrackDescription) -> Bool {
        old.codec == new.codec && old.channels == new.channels
    }

    func makeTrack(_ description: TrackDescription, layers: [String], owner: Int) -> LiveStream.Track {
        let ids = (0..<max(layers.count, 1)).map { _ in plane.makeTrackID() }
        for id in ids { plane.post(.addTrack(.init(id: id, codec: description.codec, owner: owner)), to: owner) }
        return LiveStream.Track(
            id: ids[0],
            description: description,
            layers: zip(ids, layers).map { LiveStream.Layer(id: $0, name: $1) }
        )
    }

    func removeTrack(_ track: LiveStream.Track, from stream: LiveStream) {
        for id in track.ids {
            plane.post(.removeTrack(id), to: stream.owner)
            for worker in stream.relays { plane.post(.removeTrack(id), to: worker) }
        }
    }

    func endViewers(of name: StreamName, where isConcerned: (Session) -> Bool = { _ in true }) {
        guard let stream = streams[name] else { return }
        for session in stream.viewers.values where isConcerned(session) {
            plane.post(.removePeer(session.peer, .requested), to: session.worker)
            forget(session)
        }
    }

    /// The publisher has gone; viewers stay for the grace period.
    func publisherLeft(_ name: StreamName) {
        guard let stream = streams[name] else { return }
        for id in stream.tracks.flatMap(\.ids) { plane.post(.endSource(id), to: stream.owner) }
        streams[name]?.publisher = nil
        streams[name]?.graceEnds = clock.now.advanced(by: policy.grace)
        endFrames(of: name)
        tell(.inactive, viewersOf: name)
        logger.info("stream unpublished", metadata: [LogKeys.stream: "\(name)"])
    }

    func remove(_ name: StreamName) {
        dismissPublisher(of: name)
        endViewers(of: name)
        for form in Array(streams[name]?.transcodes.keys ?? [:].keys) { endTranscode(form, of: name) }
        guard let stream = streams.removeValue(forKey: name) else { return }
        for track in stream.tracks { removeTrack(track, from: stream) }
        stream.lane.close()
        stream.layerSlot.lanes?.close()
        announce(.removed(name))
    }
}

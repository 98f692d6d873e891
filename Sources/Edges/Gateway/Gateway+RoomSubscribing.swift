import ICE
import Media
import MediaIO
package import Primitives
import WebRTC

/// What participants of rooms are sent.
extension Gateway {
    /// How a participant is told that there is an offer; one that it may not have got is told again.
    package func attach(_ member: RoomMember, connection: UInt64, wake: @escaping @Sendable () -> Void) async {
        _ = roomWorker(of: member)
        roomMedia[member.room]?.wakers[member.participant] = (connection, wake)
        guard roomMedia[member.room]?.subscribers[member.participant]?.offer != nil else { return }
        roomMedia[member.room]?.subscribers[member.participant]?.isDelivered = false
        wake()
    }

    /// The offer that a participant has not been given yet; `nil` when there is none.
    package func nextOffer(of member: RoomMember, connection: UInt64) async -> RoomOffer? {
        guard let room = roomMedia[member.room], room.wakers[member.participant]?.connection == connection,
            let subscriber = room.subscribers[member.participant], !subscriber.isDelivered
        else { return nil }
        roomMedia[member.room]?.subscribers[member.participant]?.isDelivered = true
        return subscriber.offer
    }

    /// Wants these tracks too; `nil` for all that there are and will be.
    package func subscribe(_ member: RoomMember, to keys: Set<RoomTrackKey>?) async throws(GatewayRefusal) {
        guard !isDraining else { throw Self.draining }
        let worker = roomWorker(of: member)
        var subscriber =
            roomMedia[member.room]?.subscribers[member.participant]
            ?? {
                let local = localDescription(worker: worker)
                return RoomMedia.Subscriber(local: local, negotiation: .init(firstSSRC: local.firstSSRC))
            }()
        if let keys {
            guard subscriber.wanted.union(keys).count <= RoomMedia.maximumWanted else { throw Self.tooManyTracks }
            for key in keys where trackInRoom(key, of: member) == nil { throw Self.unknownTrack }
            subscriber.wanted.formUnion(keys)
        } else {
            subscriber.wantsAll = true
        }
        guard subscriber.peer != nil || sessions.count + roomPeers.count < policy.maximumSessions else {
            throw Self.overloaded
        }
        roomMedia[member.room]?.subscribers[member.participant] = subscriber
        settle(member)
    }

    /// No longer wants these tracks; `nil` for any.
    package func unsubscribe(_ member: RoomMember, from keys: Set<RoomTrackKey>?) async {
        if let keys {
            roomMedia[member.room]?.subscribers[member.participant]?.wanted.subtract(keys)
            for key in keys { roomMedia[member.room]?.subscribers[member.participant]?.layers[key] = nil }
        } else {
            roomMedia[member.room]?.subscribers[member.participant]?.wantsAll = false
            roomMedia[member.room]?.subscribers[member.participant]?.wanted = []
            roomMedia[member.room]?.subscribers[member.participant]?.layers = [:]
        }
        settle(member)
    }

    /// Takes a participant's answer to the last offer.
    package func answer(_ member: RoomMember, offer number: UInt64, sdp: [UInt8]) async throws(GatewayRefusal) {
        guard let room = roomMedia[member.room], var subscriber = room.subscribers[member.participant],
            subscriber.offer?.number == number, subscriber.negotiation.isPending
        else { throw GatewayRefusal(.outdatedOffer, "This is not the last offer, or it has been answered.") }
        let answer: SubscriptionNegotiation<RoomMedia.SentTrack>.Answer
        do throws(OfferError) {
            answer = try subscriber.negotiation.read(answer: sdp)
        } catch {
            throw GatewayRefusal(.unsuitableAnswer, error.detail)
        }
        subscriber.offer = nil
        subscriber.agreed = Dictionary(answer.senders.map { ($0.key, $0.sender) }) { first, _ in first }
        if let peer = subscriber.peer {
            if subscriber.isRestarting {
                plane.post(
                    .restartICE(
                        peer, local: subscriber.local.credentials, remote: answer.transport.credentials),
                    to: room.worker)
            }
        } else if !answer.senders.isEmpty {
            let peer = plane.makePeerID()
            subscriber.peer = peer
            roomPeers[peer] = member
            plane.addLoad(1, worker: room.worker)
            let bindings = startSending(&subscriber, of: member)
            plane.post(
                .addViewer(
                    PeerSpecification(
                        id: peer, local: subscriber.local.credentials, remote: answer.transport.credentials,
                        role: answer.transport.role, fingerprints: answer.transport.fingerprints), bindings),
                to: room.worker)
            limitLayers(of: subscriber, in: member)
        }
        subscriber.isRestarting = false
        roomMedia[member.room]?.subscribers[member.participant] = subscriber
        settle(member)
    }

    /// Has the next offer bear new ICE credentials.
    package func restartSubscription(_ member: RoomMember) async throws(GatewayRefusal) {
        guard roomMedia[member.room]?.subscribers[member.participant] != nil else { throw Self.unknownTrack }
        roomMedia[member.room]?.subscribers[member.participant]?.wantsRestart = true
        settle(member)
    }

    /// Sends a participant no more of a picture than this.
    package func limit(
        _ key: RoomTrackKey, to layer: RoomLayer, for member: RoomMember
    ) async throws(GatewayRefusal) {
        guard let track = trackInRoom(key, of: member),
            let subscriber = roomMedia[member.room]?.subscribers[member.participant],
            subscriber.layers[key] != nil || subscriber.layers.count < RoomMedia.maximumWanted
        else { throw Self.unknownTrack }
        if case .named(let name) = layer, !track.layers.contains(where: { $0.name == name }) {
            throw GatewayRefusal(.unknownLayer, "The picture has no layer of this name.")
        }
        roomMedia[member.room]?.subscribers[member.participant]?.layers[key] = layer
        if let subscriber = roomMedia[member.room]?.subscribers[member.participant] {
            limitLayers(of: subscriber, in: member)
        }
        settle(member)
    }

    /// A participant is gone, and its media with it.
    package func leaveRoom(_ member: RoomMember) async {
        endPublication(of: member)
        if let subscriber = roomMedia[member.room]?.subscribers.removeValue(forKey: member.participant),
            let peer = subscriber.peer, let worker = roomMedia[member.room]?.worker
        {
            forgetRoomPeer(peer, worker: worker)
        }
        roomMedia[member.room]?.wakers[member.participant] = nil
        if roomMedia[member.room]?.isEmpty == true { roomMedia[member.room] = nil } else { settleRoom(member.room) }
        if let stream = member.stream { settleViewersPresent(stream) }
    }

    /// Participants whose publishing transport ended by itself since the last call.
    package func takeLostPublications() async -> [RoomMember] {
        defer { lostPublications = [] }
        return lostPublications
    }

    // MARK: Settling

    /// Sees to it that everybody in a room is sent what it wants.
    func settleRoom(_ name: String) {
        for participant in Array(roomMedia[name]?.subscribers.keys ?? [:].keys) {
            settle(RoomMember(room: name, participant: participant, stream: streamSeen(in: name)))
        }
    }

    /// Looks for streams that have begun, changed or ended.
    package func settleRooms() async { for name in Array(roomMedia.keys) { settleRoom(name) } }

    private func settle(_ member: RoomMember) {
        guard let room = roomMedia[member.room], var subscriber = room.subscribers[member.participant] else { return }
        let all = wantedTracks(of: subscriber, for: member)
        let current = Set(all.map(\.key))
        for (sent, ssrc) in subscriber.sent where !current.contains(sent) {
            if let peer = subscriber.peer { plane.post(.unsubscribe(peer, [ssrc]), to: room.worker) }
            subscriber.sent[sent] = nil
            subscriber.agreed[sent] = nil
            subscriber.stopped.insert(sent)
        }
        if let peer = subscriber.peer {
            let bindings = startSending(&subscriber, of: member)
            if !bindings.isEmpty {
                plane.post(.subscribe(peer, bindings), to: room.worker)
                limitLayers(of: subscriber, in: member)
            }
        }
        let tracks = all.filter { !subscriber.stopped.contains($0.key) }
        if !subscriber.negotiation.isPending,
            subscriber.wantsRestart || subscriber.negotiation.needsOffer(for: tracks)
        {
            if subscriber.wantsRestart, subscriber.peer != nil {
                subscriber.local.credentials = plane.makeCredentials(worker: room.worker)
                subscriber.isRestarting = true
            }
            subscriber.wantsRestart = false
            let offer = subscriber.negotiation.offer(tracks, local: subscriber.local)
            // What comes again from now on has another section, or at least other SSRCs.
            subscriber.stopped = []
            subscriber.offer = RoomOffer(
                number: offer.number, sdp: offer.sdp, sections: offer.sections.map { ($0.mid, $0.key.key) })
            subscriber.isDelivered = false
            room.wakers[member.participant]?.wake()
        }
        roomMedia[member.room]?.subscribers[member.participant] = subscriber
        if let stream = member.stream { settleViewersPresent(stream) }
    }

    /// Has what is agreed and not sent yet sent from now on.
    private func startSending(_ subscriber: inout RoomMedia.Subscriber, of member: RoomMember) -> [PlaybackBinding] {
        let current = Set(wantedTracks(of: subscriber, for: member).map(\.key))
        var bindings: [PlaybackBinding] = []
        for (sent, sender) in subscriber.agreed.sorted(by: { $0.value.section < $1.value.section })
        where subscriber.sent[sent] == nil && current.contains(sent) && !subscriber.stopped.contains(sent) {
            guard let track = trackInRoom(sent.key, of: member) else { continue }
            if sent.key.participant == Self.streamParticipant, let stream = member.stream,
                let worker = roomMedia[member.room]?.worker
            {
                relayIfNeeded(stream, to: worker)
            }
            subscriber.sent[sent] = sender.ssrc
            bindings.append(PlaybackBinding(track: track.id, sender: sender, layers: track.layers.map(\.id)))
        }
        return bindings
    }

    private func limitLayers(of subscriber: RoomMedia.Subscriber, in member: RoomMember) {
        guard let peer = subscriber.peer, let worker = roomMedia[member.room]?.worker else { return }
        for (key, layer) in subscriber.layers {
            guard let track = trackInRoom(key, of: member), track.hasChoice else { continue }
            let chosen: TrackID?
            switch layer {
            case .best, .off: chosen = nil
            case .named(let name): chosen = track.layers.first { $0.name == name }?.id
            case .height(let height):
                let sorted = track.layers.filter { $0.height != nil }.sorted { $0.height ?? 0 < $1.height ?? 0 }
                chosen = (sorted.first { $0.height ?? 0 >= height } ?? sorted.last)?.id
            }
            plane.post(
                .limitLayer(peer, of: track.id, to: chosen.map { LayerWish(track: $0) }), to: worker)
        }
    }

    // MARK: Looking

    private func wantedTracks(
        of subscriber: RoomMedia.Subscriber, for member: RoomMember
    ) -> [SubscriptionNegotiation<RoomMedia.SentTrack>.Track] {
        let keys = subscriber.wantsAll ? subscriber.wanted.union(tracksOfOthers(for: member)) : subscriber.wanted
        return keys.filter { subscriber.layers[$0] != .off }
            .sorted { ($0.participant, $0.track) < ($1.participant, $1.track) }
            .compactMap { key in
                trackInRoom(key, of: member).map {
                    .init(
                        key: RoomMedia.SentTrack(key: key, id: $0.id), description: $0.description,
                        name: "\(key.participant) \(key.track)")
                }
            }
    }

    private func tracksOfOthers(for member: RoomMember) -> Set<RoomTrackKey> {
        var keys: Set<RoomTrackKey> = []
        for (participant, publication) in roomMedia[member.room]?.publications ?? [:]
        where participant != member.participant {
            for track in publication.tracks.compactMap({ $0 }) {
                keys.insert(RoomTrackKey(participant: participant, track: track.name))
            }
        }
        for track in member.stream.map({ roomTracks(of: $0) }) ?? [] {
            keys.insert(RoomTrackKey(participant: Self.streamParticipant, track: track.name))
        }
        return keys
    }

    private func trackInRoom(_ key: RoomTrackKey, of member: RoomMember) -> LiveStream.Track? {
        if key.participant == Self.streamParticipant {
            return member.stream.map({ roomTracks(of: $0) })?.first { $0.name == key.track }?.track
        }
        guard let publication = roomMedia[member.room]?.publications[key.participant] else { return nil }
        for case let track? in publication.tracks where track.name == key.track { return track.live }
        return nil
    }

    // MARK: Streams

    /// Who a stream is in its room.
    package static let streamParticipant = "stream"

    /// The tracks of a stream by their names in its room: the first of each kind, and further ones by number.
    func roomTracks(of name: StreamName) -> [(name: String, track: LiveStream.Track)] {
        guard let stream = streams[name], stream.publisher != nil, isDecided(stream) else { return [] }
        var counts: [MediaKind: Int] = [:]
        return stream.tracks.compactMap { track in
            let kind = track.description.kind
            // Browsers cannot play pictures that change places.
            guard kind != .video || !stream.isReordered else { return nil }
            counts[kind, default: 0] += 1
            let count = counts[kind] ?? 1
            return (count == 1 ? kind.rawValue : "\(kind.rawValue)\(count)", track)
        }
    }

    /// What a stream is shown with in its room.
    package func tracksInRoom(of name: StreamName) async -> [(name: String, isVideo: Bool)] {
        roomTracks(of: name).map { ($0.name, $0.track.description.kind == .video) }
    }

    private func streamSeen(in room: String) -> StreamName? {
        let parts = room.split(separator: "/", maxSplits: 1)
        return parts.count == 2 && parts[0] == "default" ? StreamName(parts[1]) : nil
    }

    /// Whether somebody in its room is sent something of a stream.
    func isWatchedInRoom(_ name: StreamName) -> Bool {
        guard !roomMedia.isEmpty, let room = roomMedia["default/\(name)"] else { return false }
        return room.subscribers.values.contains {
            $0.sent.keys.contains { $0.key.participant == Self.streamParticipant }
        }
    }

    private func settleViewersPresent(_ name: StreamName) {
        guard let stream = streams[name] else { return }
        let isWatched = isWatchedInRoom(name)
        if !isWatched { for worker in stream.relays { stopRelayIfUnused(name, worker: worker) } }
        guard stream.viewers.isEmpty, case .frames(let ingest, _, _) = stream.publisher else { return }
        ingest.setViewersPresent(isWatched)
    }
}

import ICE
import Media
import MediaIO
import Primitives
import WebRTC

/// What participants of rooms send.
extension Gateway {
    /// Accepts a participant's offer: its first, or one that replaces what came before.
    ///
    /// - Parameters:
    ///   - member: Who publishes.
    ///   - bytes: The offer.
    ///   - names: The names of tracks by their sections' `a=mid`; the `mid` itself where there is none.
    /// - Returns: The answer, and all that is published from now on.
    /// - Throws: ``GatewayRefusal``; what was published before goes on then.
    package func publish(
        _ member: RoomMember, offer bytes: [UInt8], names: [String: String]
    ) async throws(GatewayRefusal) -> RoomPublished {
        guard !isDraining else { throw Self.draining }
        let offer = try parse(bytes)
        var known = roomMedia[member.room]?.publications[member.participant]
        if let publication = known, publication.fingerprints != offer.fingerprints { known = nil }
        let worker = roomWorker(of: member)
        var local = known?.local ?? localDescription(worker: worker)
        let restarts = known.map { $0.remote != offer.credentials } ?? false
        if restarts { local.credentials = plane.makeCredentials(worker: worker) }
        let answer: IngestAnswer
        do throws(OfferError) {
            answer = try offer.ingestAnswer(local: local, keepingSilent: true)
        } catch {
            throw refusal(for: error)
        }
        let named = answer.tracks.map { (name: names[$0.mid] ?? $0.mid, negotiated: $0) }
        guard named.count <= RoomMedia.maximumPublished else { throw Self.tooManyTracks }
        guard Set(named.map(\.name)).count == named.count else {
            throw GatewayRefusal(.malformedOffer, "Two tracks have the same name.")
        }
        guard known != nil || sessions.count + roomPeers.count < policy.maximumSessions else { throw Self.overloaded }
        // Nothing below is refused.
        if known == nil { endPublication(of: member) }
        var publication =
            known
            ?? RoomMedia.Publication(
                peer: plane.makePeerID(), local: local, remote: offer.credentials, fingerprints: offer.fingerprints)
        let bindings = settle(named, in: &publication, worker: worker)
        if known == nil {
            let specification = PeerSpecification(
                id: publication.peer, local: local.credentials, remote: offer.credentials, role: answer.role,
                fingerprints: offer.fingerprints)
            plane.post(.addPublisher(specification, bindings.map(\.binding)), to: worker)
            plane.addLoad(1, worker: worker)
            roomPeers[publication.peer] = member
        } else {
            for (section, binding) in bindings {
                plane.post(.bind(publication.peer, section: section, binding), to: worker)
            }
            if restarts {
                plane.post(
                    .restartICE(publication.peer, local: local.credentials, remote: offer.credentials), to: worker)
            }
        }
        publication.local = local
        publication.remote = offer.credentials
        roomMedia[member.room]?.publications[member.participant] = publication
        settleRoom(member.room)
        return RoomPublished(
            sdp: answer.sdp,
            tracks: publication.tracks.compactMap { track in
                track.map {
                    RoomPublished.Track(
                        mid: $0.mid, name: $0.name, isVideo: $0.live.description.kind == .video, isMuted: $0.isMuted)
                }
            })
    }

    /// Makes a publication's tracks those of an offer.
    ///
    /// - Returns: What the media plane has to be told of, by the number of the binding.
    private func settle(
        _ named: [(name: String, negotiated: IngestTrack)], in publication: inout RoomMedia.Publication, worker: Int
    ) -> [(section: Int, binding: IngestBinding)] {
        for (index, track) in publication.tracks.enumerated() {
            guard let track else { continue }
            if let new = named.first(where: { $0.negotiated.mid == track.mid && $0.name == track.name }),
                Self.isContinuation(track.live.description, new.negotiated.description),
                track.live.layers.count == new.negotiated.rids.count
            {
                continue
            }
            for id in track.live.ids { plane.post(.removeTrack(id), to: worker) }
            publication.tracks[index] = nil
        }
        var bindings: [(section: Int, binding: IngestBinding)] = []
        for (name, negotiated) in named
        where !publication.tracks.contains(where: { $0?.mid == negotiated.mid && $0?.name == name }) {
            let live = makeTrack(negotiated.description, layers: negotiated.rids, owner: worker)
            let track = RoomMedia.Track(mid: negotiated.mid, name: name, live: live)
            let section = publication.tracks.firstIndex { $0 == nil } ?? publication.tracks.count
            if section == publication.tracks.count {
                publication.tracks.append(track)
            } else {
                publication.tracks[section] = track
            }
            bindings.append(
                (section, IngestBinding(track: live.id, negotiated: negotiated, layers: live.layers.map(\.id))))
        }
        return bindings
    }

    /// Ends what a participant sends.
    package func unpublish(_ member: RoomMember) async {
        endPublication(of: member)
        settleRoom(member.room)
    }

    /// Lets nothing of a track through, or everything again.
    package func setMuted(_ isMuted: Bool, track name: String, of member: RoomMember) async throws(GatewayRefusal) {
        guard let room = roomMedia[member.room], let publication = room.publications[member.participant],
            let index = publication.tracks.firstIndex(where: { $0?.name == name }),
            let track = publication.tracks[index]
        else { throw Self.unknownTrack }
        for id in track.live.ids { plane.post(.setMuted(id, isMuted), to: room.worker) }
        roomMedia[member.room]?.publications[member.participant]?.tracks[index]?.isMuted = isMuted
    }

    func endPublication(of member: RoomMember) {
        guard let room = roomMedia[member.room],
            let publication = roomMedia[member.room]?.publications.removeValue(forKey: member.participant)
        else { return }
        for id in publication.tracks.compactMap({ $0?.live.ids }).joined() {
            plane.post(.removeTrack(id), to: room.worker)
        }
        forgetRoomPeer(publication.peer, worker: room.worker)
    }

    func forgetRoomPeer(_ peer: PeerID, worker: Int) {
        guard roomPeers.removeValue(forKey: peer) != nil else { return }
        plane.addLoad(-1, worker: worker)
        plane.post(.removePeer(peer, .requested), to: worker)
    }

    /// The worker of a room, which is chosen when somebody first needs it.
    func roomWorker(of member: RoomMember) -> Int {
        if let room = roomMedia[member.room] { return room.worker }
        let worker = member.stream.flatMap { streams[$0]?.owner } ?? plane.leastLoadedWorker()
        roomMedia[member.room] = RoomMedia(worker: worker)
        return worker
    }

    static let unknownTrack = GatewayRefusal(.unknownTrack, "There is no such track.")
    static let tooManyTracks = GatewayRefusal(
        .tooManyTracks,
        "These are more tracks than \(RoomMedia.maximumPublished) to publish or \(RoomMedia.maximumWanted) to be sent.")

    // MARK: What the media plane tells

    /// - Returns: Whether the event was about a session of a room.
    func handleForRooms(_ event: MediaEvent) -> Bool {
        switch event {
        case .connected(let peer): return roomPeers[peer] != nil
        case .formatChanged(let peer, let section, let negotiated):
            guard let member = roomPeers[peer] else { return false }
            changeFormat(of: member, section: section, to: negotiated)
            return true
        case .pictureSizeChanged(let id, let size): return note(width: size.width, height: size.height, ofRoomTrack: id)
        case .ended(let peer, _):
            guard let member = roomPeers.removeValue(forKey: peer) else { return false }
            lose(peer, of: member)
            return true
        case .trackStarted, .keyFrameRequested, .parameterSetChanged, .layersChanged: return false
        }
    }

    private func note(width: Int, height: Int, ofRoomTrack id: TrackID) -> Bool {
        for (name, room) in roomMedia {
            for (participant, publication) in room.publications {
                for (index, track) in publication.tracks.enumerated() {
                    guard let layer = track?.live.layers.firstIndex(where: { $0.id == id }) else { continue }
                    roomMedia[name]?.publications[participant]?.tracks[index]?.live.layers[layer].width = width
                    roomMedia[name]?.publications[participant]?.tracks[index]?.live.layers[layer].height = height
                    return true
                }
            }
        }
        return false
    }

    private func changeFormat(of member: RoomMember, section: Int, to negotiated: IngestTrack) {
        guard let room = roomMedia[member.room], let publication = room.publications[member.participant],
            publication.tracks.indices.contains(section), let track = publication.tracks[section]
        else { return }
        for id in track.live.ids { plane.post(.removeTrack(id), to: room.worker) }
        let live = makeTrack(negotiated.description, layers: negotiated.rids, owner: room.worker)
        roomMedia[member.room]?.publications[member.participant]?.tracks[section]?.live = live
        let binding = IngestBinding(track: live.id, negotiated: negotiated, layers: live.layers.map(\.id))
        plane.post(.rebind(publication.peer, section: section, binding), to: room.worker)
        settleRoom(member.room)
    }

    /// A transport has ended by itself.
    private func lose(_ peer: PeerID, of member: RoomMember) {
        guard let room = roomMedia[member.room] else { return }
        plane.addLoad(-1, worker: room.worker)
        if room.publications[member.participant]?.peer == peer {
            endPublication(of: member)
            lostPublications.append(member)
            settleRoom(member.room)
        } else if room.subscribers[member.participant]?.peer == peer {
            roomMedia[member.room]?.subscribers[member.participant] = nil
        }
    }
}

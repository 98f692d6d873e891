package import Gateway
import Primitives
package import Rooms
import ServiceLifecycle
import Signaling

/// Stands between what participants say about media, the rooms that tell the others, and the gateway that carries it.
package actor RoomMediaDesk: Service, CustomStringConvertible {
    /// A participant, where it is and what it may do.
    package struct Participant: Hashable, Sendable {
        package var id: ParticipantID
        package var room: RoomName
        package var role: RoomRole

        package init(id: ParticipantID, room: RoomName, role: RoomRole) {
            self.id = id
            self.room = room
            self.role = role
        }

        var member: RoomMember {
            RoomMember(
                room: "\(room.namespace)/\(room.name)", participant: id.description,
                stream: room.namespace == .standard ? room.name : nil)
        }
    }

    private struct Entry {
        var member: RoomMember
        var tracks: [RoomTrack] = []
    }

    private let gateway: Gateway
    private let store: any RoomStore
    /// Those who have sent or wanted something, until they have left.
    private var entries: [ParticipantID: Entry] = [:]

    package nonisolated var description: String { "media of rooms" }

    /// How often it is looked for participants who have left, and for streams that have changed.
    private static let housekeepingInterval = Duration.milliseconds(250)

    package init(gateway: Gateway, store: any RoomStore) {
        self.gateway = gateway
        self.store = store
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.housekeepingInterval)
                await self.keepHouse()
            }
        }
    }

    /// Ends the media of those who have left their rooms, and takes back what is no longer published.
    package func keepHouse() async {
        for (id, entry) in entries {
            guard await !store.contains(id) else { continue }
            entries[id] = nil
            await gateway.leaveRoom(entry.member)
        }
        for member in await gateway.takeLostPublications() {
            guard let id = ParticipantID(member.participant), entries[id] != nil else { continue }
            entries[id]?.tracks = []
            try? await store.setTracks([], of: id)
        }
        for stream in await store.announcedStreams() {
            let tracks = await gateway.tracksInRoom(of: stream).compactMap { track in
                TrackName(track.name).map { RoomTrack(name: $0, kind: track.isVideo ? .video : .audio) }
            }
            await store.setStreamTracks(tracks, of: stream)
        }
        await gateway.settleRooms()
    }

    // MARK: Connections

    /// A participant has a connection, which is to be told of offers.
    func attach(_ participant: Participant, connection: UInt64, wake: @escaping @Sendable () -> Void) async {
        if entries[participant.id] == nil { entries[participant.id] = Entry(member: participant.member) }
        await gateway.attach(participant.member, connection: connection, wake: wake)
    }

    /// The offer that a participant has not been given yet; `nil` when there is none.
    func nextOffer(of participant: Participant, connection: UInt64) async -> ServerMessage? {
        guard let offer = await gateway.nextOffer(of: participant.member, connection: connection) else { return nil }
        let sections = offer.sections.compactMap { section -> ServerMessage.SubscribedSection? in
            guard let id = ParticipantID(section.track.participant), let name = TrackName(section.track.track) else {
                return nil
            }
            return .init(mid: section.mid, track: TrackReference(participant: id, track: name))
        }
        return .subscriptionOffer(.init(number: offer.number, sdp: offer.sdp, tracks: sections))
    }

    // MARK: Requests

    /// Does what a participant asks for.
    ///
    /// - Returns: The answer; `nil` for `ok`.
    func perform(
        _ request: MediaRequest, of participant: Participant, id: UInt64?
    ) async throws(SignalingError) -> ServerMessage? {
        let member = participant.member
        do throws(GatewayRefusal) {
            switch request {
            case .publish(let sdp, let sections):
                return .published(id: id, sdp: try await publish(sdp, sections, by: participant))
            case .unpublish:
                await gateway.unpublish(member)
                try await show([], of: participant.id)
            case .subscribe(let selection): try await gateway.subscribe(member, to: Self.keys(selection))
            case .unsubscribe(let selection): await gateway.unsubscribe(member, from: Self.keys(selection))
            case .answer(let offer, let sdp):
                try await gateway.answer(member, offer: offer, sdp: Array(sdp.utf8))
            case .restart: try await gateway.restartSubscription(member)
            case .setMuted(let isMuted, let track):
                try await gateway.setMuted(isMuted, track: track.description, of: member)
                var tracks = entries[participant.id]?.tracks ?? []
                for index in tracks.indices where tracks[index].name == track { tracks[index].isMuted = isMuted }
                try await show(tracks, of: participant.id)
            case .layer(let reference, let choice):
                try await gateway.limit(Self.key(reference), to: Self.layer(choice), for: member)
            }
        } catch {
            throw Self.error(error)
        }
        return nil
    }

    private func publish(
        _ sdp: String, _ sections: [MediaRequest.PublishedSection], by participant: Participant
    ) async throws(GatewayRefusal) -> String {
        guard participant.role >= .publisher else { throw Self.notAllowed }
        let named = Dictionary(sections.map { ($0.mid, $0) }) { first, _ in first }
        let published = try await gateway.publish(
            participant.member, offer: Array(sdp.utf8), names: named.mapValues(\.track.description))
        let tracks = published.tracks.compactMap { track in
            TrackName(track.name).map {
                RoomTrack(
                    name: $0, kind: track.isVideo ? .video : .audio, source: named[track.mid]?.source ?? .other,
                    metadata: named[track.mid]?.metadata ?? "{}", isMuted: track.isMuted)
            }
        }
        do {
            try await show(tracks, of: participant.id)
        } catch {
            await gateway.unpublish(participant.member)
            try? await show([], of: participant.id)
            throw error
        }
        return published.sdp
    }

    private func show(_ tracks: [RoomTrack], of id: ParticipantID) async throws(GatewayRefusal) {
        do throws(RoomRefusal) {
            try await store.setTracks(tracks, of: id)
        } catch {
            throw GatewayRefusal(.tooManyTracks, SignalingError(error).message)
        }
        entries[id]?.tracks = tracks
    }

    // MARK: Words

    private static func key(_ reference: TrackReference) -> RoomTrackKey {
        RoomTrackKey(participant: reference.participant.description, track: reference.track.description)
    }

    private static func keys(_ selection: MediaRequest.TrackSelection) -> Set<RoomTrackKey>? {
        switch selection {
        case .all: nil
        case .tracks(let tracks): Set(tracks.map(key))
        }
    }

    private static func layer(_ choice: MediaRequest.LayerChoice) -> RoomLayer {
        switch choice {
        case .best: .best
        case .named(let name): .named(name)
        case .height(let height): .height(height)
        case .off: .off
        }
    }

    private static let notAllowed = GatewayRefusal(.roleNotAllowed, "Sending tracks is for publishers.")

    private static func error(_ refusal: GatewayRefusal) -> SignalingError {
        let code: SignalingError.Code =
            switch refusal.code {
            case .unknownTrack, .unknownLayer: .unknownTrack
            case .tooManyTracks: .tooManyTracks
            case .outdatedOffer: .offerOutdated
            case .roleNotAllowed: .roleNotAllowed
            case .draining, .overloaded: .draining
            default: .unsuitableDescription
            }
        return SignalingError(code, refusal.message)
    }
}

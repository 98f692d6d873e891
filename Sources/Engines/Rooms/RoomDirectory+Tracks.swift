package import Primitives

/// What participants publish.
extension RoomDirectory {
    /// A participant sends these tracks and no others; those with a name that is there already are the same tracks.
    ///
    /// - Throws: ``RoomRefusal`` when there are too many, or they say too much.
    package mutating func setTracks(_ tracks: [RoomTrack], of id: ParticipantID) throws(RoomRefusal) {
        guard let member = members[id], member.farewell == nil else { throw .unknownParticipant }
        guard tracks.count <= limits.tracksPerParticipant else { throw .tooManyTracks }
        guard tracks.allSatisfy({ $0.metadata.utf8.count <= limits.metadataBytes }) else { throw .metadataTooLarge }
        members[id]?.participant.tracks = tracks
        tellChange(from: member.participant.tracks, to: tracks, of: id, in: member.room)
    }

    /// A stream has these tracks; beyond ``RoomLimits/tracksPerParticipant`` the last are not shown.
    package mutating func setStreamTracks(_ tracks: [RoomTrack], of stream: StreamName) {
        let room = RoomName(name: stream)
        guard let shown = rooms[room]?.stream?.tracks else { return }
        let tracks = Array(tracks.prefix(limits.tracksPerParticipant))
        rooms[room]?.stream?.tracks = tracks
        tellChange(from: shown, to: tracks, of: .stream, in: room)
    }

    /// Whether a participant is in its room.
    package func contains(_ id: ParticipantID) -> Bool { members[id].map { $0.farewell == nil } ?? false }

    private mutating func tellChange(
        from old: [RoomTrack], to new: [RoomTrack], of id: ParticipantID, in room: RoomName
    ) {
        let origin = id == .stream ? nil : id
        for track in old where !new.contains(where: { $0.name == track.name }) {
            tell(.trackUnpublished(id, track.name), in: room, from: origin)
        }
        for track in new {
            let before = old.first { $0.name == track.name }
            if before == nil {
                tell(.trackPublished(id, track), in: room, from: origin)
            } else if before != track {
                tell(.trackUpdated(id, track), in: room, from: origin)
            }
        }
    }
}

package import Primitives

/// What participants do to each other.
extension RoomDirectory {
    /// A participant tells all others something, or one of them.
    ///
    /// - Throws: ``RoomRefusal`` when it is too long, comes too soon, or there is nobody of that name in the room.
    package mutating func send(
        _ content: MessageContent, from id: ParticipantID, to recipient: ParticipantID? = nil, at now: Instant
    ) throws(RoomRefusal) {
        let sender = try present(id)
        guard content.byteCount <= limits.messageBytes else { throw .messageTooLarge }
        if let recipient { _ = try colleague(recipient, of: sender) }
        try takeTalk(content.byteCount, of: id, at: now)
        tell(
            .message(from: id, isPrivate: recipient != nil, content), in: sender.room, from: id, to: recipient)
    }

    /// A participant says something else about itself.
    ///
    /// - Parameters:
    ///   - id: The participant.
    ///   - metadata: An object as JSON text, which the caller has checked.
    ///   - now: The time.
    /// - Throws: ``RoomRefusal`` when it is too long or comes too soon.
    package mutating func update(
        _ id: ParticipantID, metadata: String, at now: Instant
    ) throws(RoomRefusal) {
        let member = try present(id)
        guard metadata.utf8.count <= limits.metadataBytes else { throw .metadataTooLarge }
        try takeTalk(metadata.utf8.count, of: id, at: now)
        members[id]?.participant.metadata = metadata
        if let changed = members[id]?.participant { tell(.updated(changed), in: member.room, from: id) }
    }

    /// A moderator sends another participant away.
    package mutating func kick(
        _ id: ParticipantID, by moderator: ParticipantID, reason: String?, at now: Instant
    ) throws(RoomRefusal) {
        let member = try present(moderator)
        guard member.participant.role >= .moderator else { throw .roleNotAllowed }
        guard reason?.utf8.count ?? 0 <= limits.reasonBytes else { throw .reasonTooLong }
        _ = try colleague(id, of: member)
        dismiss(id, .kicked, reason: reason, at: now)
    }

    /// A moderator sends everybody away, itself included.
    package mutating func close(
        by moderator: ParticipantID, reason: String?, at now: Instant
    ) throws(RoomRefusal) {
        let member = try present(moderator)
        guard member.participant.role >= .moderator else { throw .roleNotAllowed }
        try close(member.room, reason: reason, at: now)
    }

    // MARK: From outside the room

    /// Sends a participant away on behalf of the gateway.
    package mutating func remove(
        _ id: ParticipantID, from room: RoomName, departure: Departure = .kicked, reason: String?, at now: Instant
    ) throws(RoomRefusal) {
        guard rooms[room] != nil else { throw .unknownRoom }
        guard let member = members[id], member.farewell == nil, member.room == room else { throw .unknownParticipant }
        guard reason?.utf8.count ?? 0 <= limits.reasonBytes else { throw .reasonTooLong }
        dismiss(id, departure, reason: reason, at: now)
    }

    /// Sends everybody away; a stream goes on, and its room with it.
    package mutating func close(
        _ room: RoomName, reason: String?, at now: Instant
    ) throws(RoomRefusal) {
        guard let members = rooms[room]?.members else { throw .unknownRoom }
        guard reason?.utf8.count ?? 0 <= limits.reasonBytes else { throw .reasonTooLong }
        for id in members { dismiss(id, .roomClosed, reason: reason, at: now) }
    }

    // MARK: Streams

    /// Shows a stream in the room of its name, as a participant; once more for one that is there brings it back.
    ///
    /// - Parameters:
    ///   - stream: Its name.
    ///   - source: How it came, such as `whip` or `rtmp`; for people.
    /// - Returns: Whether it is shown. Beyond ``RoomLimits/rooms`` it is not, and nothing else is wrong with it.
    @discardableResult
    package mutating func announce(_ stream: StreamName, source: String) -> Bool {
        let room = RoomName(name: stream)
        if rooms[room]?.stream != nil {
            setStreamPresence(.here, of: stream)
            return true
        }
        guard rooms[room] != nil || rooms.count < limits.rooms else { return false }
        let participant = Participant(id: .stream, kind: .stream, role: .publisher, name: source)
        rooms[room, default: Room()].stream = participant
        tell(.joined(participant), in: room)
        return true
    }

    /// Nobody publishes a stream at the moment, or somebody does again.
    package mutating func setStreamPresence(_ presence: Presence, of stream: StreamName) {
        let room = RoomName(name: stream)
        guard let shown = rooms[room]?.stream, shown.presence != presence else { return }
        rooms[room]?.stream?.presence = presence
        tell(.presence(.stream, presence), in: room)
    }

    /// A stream is over.
    package mutating func withdraw(_ stream: StreamName) {
        let room = RoomName(name: stream)
        guard rooms[room]?.stream != nil else { return }
        rooms[room]?.stream = nil
        tell(.left(.stream, .ended), in: room)
        removeIfEmpty(room)
    }

    // MARK: Looking

    /// How a room stands; `nil` when nobody is in it.
    package func snapshot(of name: RoomName) -> RoomSnapshot? {
        guard let room = rooms[name] else { return nil }
        let clients = room.members.compactMap { members[$0] }.sorted { $0.arrival < $1.arrival }
        return RoomSnapshot(
            room: name, event: room.log.last,
            participants: (room.stream.map { [$0] } ?? []) + clients.map(\.participant))
    }

    /// All rooms by namespace and name, each with the number of its participants, the stream's included.
    package var summaries: [(room: RoomName, participants: Int)] {
        rooms.map { ($0.key, $0.value.members.count + ($0.value.stream == nil ? 0 : 1)) }
            .sorted {
                ($0.0.namespace.description, $0.0.name.description) < (
                    $1.0.namespace.description, $1.0.name.description
                )
            }
    }

    /// Rooms, and clients in them.
    package var counts: (rooms: Int, participants: Int) {
        (rooms.count, rooms.values.reduce(0) { $0 + $1.members.count })
    }

    /// The room of a session's place; `nil` when there is no such session.
    package func room(ofSession session: Secret) -> RoomName? {
        sessions[session].flatMap { members[$0]?.room }
    }

    /// The streams that are shown.
    package var announcedStreams: Set<StreamName> {
        Set(rooms.lazy.filter { $0.value.stream != nil }.map(\.key.name))
    }

    // MARK: Rules

    /// A participant that is in its room.
    private func present(_ id: ParticipantID) throws(RoomRefusal) -> Member {
        guard let member = members[id], member.farewell == nil else { throw .unknownParticipant }
        return member
    }

    /// Another participant of the same room; streams cannot be spoken to.
    private func colleague(_ id: ParticipantID, of member: Member) throws(RoomRefusal) -> Member {
        guard let other = members[id], other.farewell == nil, other.room == member.room else {
            throw .unknownParticipant
        }
        return other
    }

    private mutating func takeTalk(_ byteCount: Int, of id: ParticipantID, at now: Instant) throws(RoomRefusal) {
        guard members[id]?.talk.take(byteCount, limits, at: now) == true else { throw .rateLimited }
    }
}

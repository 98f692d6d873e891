package import Primitives

/// All rooms of a gateway: who is in them, what happened, and who has still to be told.
///
/// A participant has no queue. Its room remembers the last events once for everybody, and the participant holds the number
/// of the last one it was given: ``next(for:)`` finds the next one when its connection can take one. Who reads too slowly,
/// or was away for too long, is told the state anew. So memory follows from ``RoomLimits``, whatever participants do.
///
/// Outputs name participants for whom there is something new; each stands in the queue once.
package struct RoomDirectory: Engine, ~Copyable {
    /// A participant for whom ``next(for:)`` has something.
    package typealias Output = ParticipantID

    package let limits: RoomLimits
    var members: [ParticipantID: Member] = [:]
    var sessions: [Secret: ParticipantID] = [:]
    var rooms: [RoomName: Room] = [:]
    private var arrivals: UInt64 = 0
    private var connections: UInt64 = 0
    /// When a place or a farewell ends; an entry of one who came back stays until then.
    private var timers: [ParticipantID: Instant] = [:]
    private var outputs: [ParticipantID] = []
    private var takenOutputs = 0

    package init(limits: RoomLimits = RoomLimits()) {
        self.limits = limits
    }

    // MARK: Coming and going

    /// What somebody who wants to come in says.
    package struct Request: Sendable {
        package var room: RoomName
        package var role: RoomRole
        /// Opaque; see ``resume(_:holder:after:)``.
        package var holder: String
        package var name: String?
        /// An object as JSON text, which the caller has checked.
        package var metadata: String

        package init(room: RoomName, role: RoomRole, holder: String, name: String? = nil, metadata: String = "{}") {
            self.room = room
            self.role = role
            self.holder = holder
            self.name = name
            self.metadata = metadata
        }
    }

    /// A participant's place.
    package struct Place: Sendable, Equatable {
        package var participant: ParticipantID
        /// Which of its connections this is; a later one ends the earlier.
        package var connection: UInt64
        /// With this, and as the same holder, it comes back.
        package var session: Secret
        /// How things stand as it comes, before the events that follow; `nil` for one that has come back.
        package var snapshot: RoomSnapshot?
    }

    /// Lets somebody in, and tells the others.
    ///
    /// - Throws: ``RoomRefusal`` where a limit is reached.
    package mutating func join(
        _ request: Request, at now: Instant, using generator: inout some RandomNumberGenerator
    ) throws(RoomRefusal) -> Place {
        guard request.name?.utf8.count ?? 0 <= limits.displayNameBytes else { throw .displayNameTooLong }
        guard request.metadata.utf8.count <= limits.metadataBytes else { throw .metadataTooLarge }
        guard members.count < limits.participants else { throw .tooManyParticipants }
        guard rooms[request.room] != nil || rooms.count < limits.rooms else { throw .tooManyRooms }
        guard rooms[request.room]?.members.count ?? 0 < limits.participantsPerRoom else { throw .roomFull }
        var id = ParticipantID(using: &generator)
        while members[id] != nil { id = ParticipantID(using: &generator) }
        let session = Secret(hexadecimal(generator.next()) + hexadecimal(generator.next()))
        let participant = Participant(
            id: id, role: request.role, name: request.name, metadata: request.metadata)
        arrivals += 1
        connections += 1
        rooms[request.room, default: Room()].members.insert(id)
        tell(.joined(participant), in: request.room, from: id)
        members[id] = Member(
            participant: participant, room: request.room, arrival: arrivals, session: session, holder: request.holder,
            cursor: rooms[request.room]?.log.last ?? 0, connection: connections, talk: TalkLimit(limits, at: now))
        sessions[session] = id
        return Place(
            participant: id, connection: connections, session: session, snapshot: snapshot(of: request.room))
    }

    /// Takes a participant out, and tells the others; nothing happens for one who is gone already.
    package mutating func leave(_ id: ParticipantID, _ departure: Departure = .left) {
        guard let member = members[id], member.farewell == nil else { return }
        forget(member)
        rooms[member.room]?.members.remove(id)
        tell(.left(id, departure), in: member.room, from: id)
        removeIfEmpty(member.room)
    }

    /// Takes a participant out who is to be told.
    mutating func dismiss(_ id: ParticipantID, _ departure: Departure, reason: String?, at now: Instant) {
        guard let member = members[id], member.farewell == nil else { return }
        let end = now + limits.resumeWindow
        members[id]?.farewell = Member.Farewell(departure: departure, reason: reason, forgottenAt: end)
        timers[id] = end
        rooms[member.room]?.members.remove(id)
        tell(.left(id, departure), in: member.room, from: id)
        wake(id)
        removeIfEmpty(member.room)
    }

    private mutating func forget(_ member: Member) {
        members[member.participant.id] = nil
        sessions[member.session] = nil
        timers[member.participant.id] = nil
    }

    // MARK: Connections

    /// A connection is gone: its participant keeps its place for ``RoomLimits/resumeWindow``.
    ///
    /// Nothing happens when it is not the last one of its participant.
    package mutating func disconnect(_ id: ParticipantID, connection: UInt64, at now: Instant) {
        guard let member = members[id], member.connection == connection else { return }
        let end = now + limits.resumeWindow
        members[id]?.connection = nil
        members[id]?.isWoken = false
        members[id]?.awayUntil = end
        timers[id] = end
        guard member.farewell == nil else { return }
        members[id]?.participant.presence = .away
        tell(.presence(id, .away), in: member.room, from: id)
    }

    /// A participant comes back, and is given what it has missed.
    ///
    /// - Parameters:
    ///   - session: What it was given when it came.
    ///   - holder: Who it is now.
    ///   - event: The number of the last event it has seen. One that the room does not remember, or has never
    ///     had, brings a new snapshot.
    /// - Returns: The place it had, with another connection.
    /// - Throws: ``RoomRefusal/unknownSession``, also for a session of somebody else.
    package mutating func resume(
        _ session: Secret, holder: String, after event: UInt64
    ) throws(RoomRefusal) -> Place {
        guard let id = sessions[session], let member = members[id], member.holder == holder else {
            throw .unknownSession
        }
        connections += 1
        members[id]?.connection = connections
        members[id]?.isWoken = false
        members[id]?.awayUntil = nil
        if let log = rooms[member.room]?.log, event <= log.last, event + 1 >= log.first {
            members[id]?.cursor = event
        } else {
            members[id]?.needsSnapshot = true
        }
        if member.farewell == nil, member.participant.presence == .away {
            members[id]?.participant.presence = .here
            tell(.presence(id, .here), in: member.room, from: id)
        }
        wake(id)
        return Place(participant: id, connection: connections, session: session, snapshot: nil)
    }

    /// Whether a connection is still the one of its participant.
    package func isCurrent(_ connection: UInt64, of id: ParticipantID) -> Bool {
        members[id]?.connection == connection
    }

    /// What a participant is to be told next; `nil` when it knows everything.
    ///
    /// Call it when the participant's connection can take something, until it gives `nil`. After ``RoomDelivery/ended(_:reason:)`` it is gone.
    package mutating func next(for id: ParticipantID) -> RoomDelivery? {
        guard let member = members[id] else { return nil }
        if let farewell = member.farewell {
            forget(member)
            return .ended(farewell.departure, reason: farewell.reason)
        }
        guard let log = rooms[member.room]?.log else { return nil }
        if member.needsSnapshot || member.cursor + 1 < log.first {
            members[id]?.needsSnapshot = false
            members[id]?.cursor = log.last
            return snapshot(of: member.room).map { .resync($0) }
        }
        if let (number, event) = log.next(after: member.cursor, for: id) {
            members[id]?.cursor = number
            return .event(number: number, event)
        }
        members[id]?.cursor = log.last
        members[id]?.isWoken = false
        return nil
    }

    // MARK: Time and outputs

    package var deadline: Instant? { timers.values.min() }

    package mutating func advance(to now: Instant) {
        let due = timers.filter { $0.value <= now }
        for id in due.keys {
            timers[id] = nil
            guard let member = members[id] else { continue }
            if let farewell = member.farewell {
                if farewell.forgottenAt <= now { forget(member) }
            } else if let end = member.awayUntil, end <= now {
                leave(id, .lost)
            }
        }
    }

    package mutating func nextOutput() -> ParticipantID? {
        guard takenOutputs < outputs.count else {
            outputs.removeAll(keepingCapacity: true)
            takenOutputs = 0
            return nil
        }
        defer { takenOutputs += 1 }
        return outputs[takenOutputs]
    }

    // MARK: Telling

    /// Remembers an event, and wakes those whom it concerns.
    mutating func tell(
        _ event: RoomEvent, in room: RoomName, from origin: ParticipantID? = nil, to recipient: ParticipantID? = nil
    ) {
        guard rooms[room] != nil else { return }
        let entry = EventLog.Entry(event: event, recipient: recipient, origin: origin)
        rooms[room]?.log.append(entry, limits: limits)
        if let recipient {
            wake(recipient)
        } else {
            for id in rooms[room]?.members ?? [] where id != origin { wake(id) }
        }
    }

    private mutating func wake(_ id: ParticipantID) {
        guard members[id]?.isWoken == false, members[id]?.connection != nil else { return }
        members[id]?.isWoken = true
        outputs.append(id)
    }

    mutating func removeIfEmpty(_ room: RoomName) {
        if rooms[room]?.isEmpty == true { rooms[room] = nil }
    }
}

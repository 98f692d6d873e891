import Auth
package import Primitives
package import Rooms

/// The rooms of this gateway alone, in memory.
package actor MemoryRoomStore: RoomStore {
    package nonisolated let resumeWindow: Interval
    private var directory: Driven<RoomDirectory>
    private var generator = SystemRandomNumberGenerator()
    /// How those are woken who are connected.
    private var wakers: [ParticipantID: (connection: UInt64, wake: @Sendable () -> Void)] = [:]
    private let clock: @Sendable () -> Instant

    /// How often places are looked at whose time may be over.
    private static let housekeepingInterval = Duration.milliseconds(250)

    package init(limits: RoomLimits = RoomLimits(), clock: @escaping @Sendable () -> Instant = { MonotonicClock.now() })
    {
        resumeWindow = limits.resumeWindow
        directory = Driven(RoomDirectory(limits: limits))
        self.clock = clock
    }

    /// Gives up places whose time is over, until cancelled.
    package func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.housekeepingInterval)
            keepHouse()
        }
    }

    /// Gives up places whose time is over.
    package func keepHouse() {
        let now = clock()
        guard let deadline = directory.deadline, deadline <= now else { return }
        apply { $0.advance(to: now) }
    }

    @discardableResult
    private func apply<Result, Failure: Error>(
        _ change: (inout RoomDirectory) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try directory.apply(change) { wakers[$0]?.wake() }
    }

    // MARK: Participants

    package func join(
        _ request: RoomDirectory.Request, wake: @escaping @Sendable () -> Void
    ) throws(RoomRefusal) -> RoomDirectory.Place {
        let now = clock()
        let place = try apply { (directory: inout RoomDirectory) throws(RoomRefusal) in
            try directory.join(request, at: now, using: &generator)
        }
        wakers[place.participant] = (place.connection, wake)
        return place
    }

    package func room(ofSession session: Secret) -> RoomName? { apply { $0.room(ofSession: session) } }

    package func resume(
        _ session: Secret, holder: String, after event: UInt64, wake: @escaping @Sendable () -> Void
    ) throws(RoomRefusal) -> RoomDirectory.Place {
        let place = try apply { (directory: inout RoomDirectory) throws(RoomRefusal) in
            try directory.resume(session, holder: holder, after: event)
        }
        // An earlier connection is woken too, and finds that it is no longer the one.
        wakers[place.participant]?.wake()
        wakers[place.participant] = (place.connection, wake)
        wake()
        return place
    }

    package func disconnect(_ participant: ParticipantID, connection: UInt64) {
        let now = clock()
        if wakers[participant]?.connection == connection { wakers[participant] = nil }
        apply { $0.disconnect(participant, connection: connection, at: now) }
    }

    package func leave(_ participant: ParticipantID, _ departure: Departure) {
        wakers[participant] = nil
        apply { $0.leave(participant, departure) }
    }

    package func next(for participant: ParticipantID, connection: UInt64) -> RoomDelivery? {
        apply { $0.isCurrent(connection, of: participant) ? $0.next(for: participant) : nil }
    }

    package func isCurrent(_ connection: UInt64, of participant: ParticipantID) -> Bool {
        apply { $0.isCurrent(connection, of: participant) }
    }

    package func send(
        _ content: MessageContent, from participant: ParticipantID, to recipient: ParticipantID?
    ) throws(RoomRefusal) {
        let now = clock()
        try apply { (directory: inout RoomDirectory) throws(RoomRefusal) in
            try directory.send(content, from: participant, to: recipient, at: now)
        }
    }

    package func update(_ participant: ParticipantID, metadata: String) throws(RoomRefusal) {
        let now = clock()
        try apply { (directory: inout RoomDirectory) throws(RoomRefusal) in
            try directory.update(participant, metadata: metadata, at: now)
        }
    }

    package func kick(
        _ participant: ParticipantID, by moderator: ParticipantID, reason: String?
    ) throws(RoomRefusal) {
        let now = clock()
        try apply { (directory: inout RoomDirectory) throws(RoomRefusal) in
            try directory.kick(participant, by: moderator, reason: reason, at: now)
        }
    }

    package func close(by moderator: ParticipantID, reason: String?) throws(RoomRefusal) {
        let now = clock()
        try apply { (directory: inout RoomDirectory) throws(RoomRefusal) in
            try directory.close(by: moderator, reason: reason, at: now)
        }
    }

    package func setTracks(_ tracks: [RoomTrack], of participant: ParticipantID) throws(RoomRefusal) {
        try apply { (directory: inout RoomDirectory) throws(RoomRefusal) in
            try directory.setTracks(tracks, of: participant)
        }
    }

    package func contains(_ participant: ParticipantID) -> Bool { apply { $0.contains(participant) } }

    // MARK: From outside

    package func remove(
        _ participant: ParticipantID, from room: RoomName, reason: String?
    ) throws(RoomRefusal) {
        let now = clock()
        try apply { (directory: inout RoomDirectory) throws(RoomRefusal) in
            try directory.remove(participant, from: room, reason: reason, at: now)
        }
    }

    package func close(_ room: RoomName, reason: String?) throws(RoomRefusal) {
        let now = clock()
        try apply { (directory: inout RoomDirectory) throws(RoomRefusal) in
            try directory.close(room, reason: reason, at: now)
        }
    }

    package func rooms() -> [(room: RoomName, participants: Int)] { apply { $0.summaries } }

    package func snapshot(of room: RoomName) -> RoomSnapshot? { apply { $0.snapshot(of: room) } }

    package func counts() -> (rooms: Int, participants: Int) { apply { $0.counts } }

    // MARK: Streams

    package func announce(_ stream: StreamName, source: String) {
        apply { _ = $0.announce(stream, source: source) }
    }

    package func setStreamPresence(_ presence: Presence, of stream: StreamName) {
        apply { $0.setStreamPresence(presence, of: stream) }
    }

    package func setStreamTracks(_ tracks: [RoomTrack], of stream: StreamName) {
        apply { $0.setStreamTracks(tracks, of: stream) }
    }

    package func withdraw(_ stream: StreamName) {
        apply { $0.withdraw(stream) }
    }

    package func announcedStreams() -> Set<StreamName> { apply { $0.announcedStreams } }
}

package import Primitives

/// Where rooms are kept, as whoever speaks with participants sees it.
///
/// Calls for a participant that is gone are refused or do nothing: it can be sent away at any time. What the calls do is described at
/// ``RoomDirectory``.
package protocol RoomStore: Sendable {
    /// How long a place is kept whose connection is gone.
    var resumeWindow: Interval { get }

    /// Lets somebody in, and calls `wake` whenever ``next(for:connection:)`` has something: on any thread, and it must not wait.
    func join(
        _ request: RoomDirectory.Request, wake: @escaping @Sendable () -> Void
    ) async throws(RoomRefusal) -> RoomDirectory.Place
    /// The room of a session's place; `nil` when there is no such session.
    func room(ofSession session: Secret) async -> RoomName?
    func resume(
        _ session: Secret, holder: String, after event: UInt64, wake: @escaping @Sendable () -> Void
    ) async throws(RoomRefusal) -> RoomDirectory.Place
    func disconnect(_ participant: ParticipantID, connection: UInt64) async
    func leave(_ participant: ParticipantID, _ departure: Departure) async
    /// What a participant is to be told next; `nil` when it knows everything, or its place has another connection.
    func next(for participant: ParticipantID, connection: UInt64) async -> RoomDelivery?
    /// Whether a place has this connection and no later one.
    func isCurrent(_ connection: UInt64, of participant: ParticipantID) async -> Bool

    func send(
        _ content: MessageContent, from participant: ParticipantID, to recipient: ParticipantID?
    ) async throws(RoomRefusal)
    func update(_ participant: ParticipantID, metadata: String) async throws(RoomRefusal)
    func kick(_ participant: ParticipantID, by moderator: ParticipantID, reason: String?) async throws(RoomRefusal)
    func close(by moderator: ParticipantID, reason: String?) async throws(RoomRefusal)
    func setTracks(_ tracks: [RoomTrack], of participant: ParticipantID) async throws(RoomRefusal)
    /// Whether a participant is in its room.
    func contains(_ participant: ParticipantID) async -> Bool

    func remove(_ participant: ParticipantID, from room: RoomName, reason: String?) async throws(RoomRefusal)
    func close(_ room: RoomName, reason: String?) async throws(RoomRefusal)
    func rooms() async -> [(room: RoomName, participants: Int)]
    func snapshot(of room: RoomName) async -> RoomSnapshot?
    func counts() async -> (rooms: Int, participants: Int)

    func announce(_ stream: StreamName, source: String) async
    func setStreamPresence(_ presence: Presence, of stream: StreamName) async
    func setStreamTracks(_ tracks: [RoomTrack], of stream: StreamName) async
    func withdraw(_ stream: StreamName) async
    /// The streams that are shown.
    func announcedStreams() async -> Set<StreamName>
}

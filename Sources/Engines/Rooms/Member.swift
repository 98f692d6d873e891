import Primitives

/// A participant with what only the gateway knows about it.
struct Member {
    /// How it is told that it is gone.
    struct Farewell {
        var departure: Departure
        var reason: String?
        /// When it is forgotten that somebody was to be told.
        var forgottenAt: Instant
    }

    var participant: Participant
    let room: RoomName
    /// What tells places in the order of arrival.
    let arrival: UInt64
    let session: Secret
    /// Whoever comes back must be the same holder of a credential.
    let holder: String
    /// The last event that it was given.
    var cursor: UInt64
    var needsSnapshot = false
    /// Its connection, of which later ones have higher numbers; `nil` while it has none.
    var connection: UInt64?
    /// When its place is given up, while it has no connection.
    var awayUntil: Instant?
    var talk: TalkLimit
    var farewell: Farewell?
    /// Whether the driver knows already that there is something for it.
    var isWoken = false
}

/// A room and who is in it.
struct Room {
    var members: Set<ParticipantID> = []
    var stream: Participant?
    var log = EventLog()

    var isEmpty: Bool { members.isEmpty && stream == nil }
}

import Primitives

/// Names a participant within the gateway; chosen by the gateway, never a secret.
package struct ParticipantID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// What stands for a stream in the room of its name.
    package static let stream = ParticipantID(description: "stream")
    /// Longer texts name nobody.
    package static let maximumLength = 32

    /// - Returns: `nil` for what cannot be a participant's name.
    package init?(_ text: some StringProtocol) {
        guard (1...Self.maximumLength).contains(text.utf8.count), StreamName(text) != nil else { return nil }
        description = String(text)
    }

    private init(description: String) {
        self.description = description
    }

    init(using generator: inout some RandomNumberGenerator) {
        description = "p" + hexadecimal(generator.next() as UInt64)
    }
}

/// Sixteen digits.
func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
}

/// What a participant may do; each may do what those before it may.
package enum RoomRole: String, Sendable, CaseIterable, Comparable {
    /// Is seen, sees, and exchanges messages.
    case subscriber
    /// Also has the right to publish.
    case publisher
    /// Also sends others away and closes the room.
    case moderator

    package static func < (left: RoomRole, right: RoomRole) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

package enum Presence: String, Sendable, CaseIterable {
    case here
    /// Its connection is gone, and it may still come back.
    case away
}

/// A participant as the others see it.
package struct Participant: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case client
        /// A publisher by WHIP or RTMP, which knows of no room.
        case stream
    }

    package var id: ParticipantID
    package var kind: Kind
    package var role: RoomRole
    /// For people; `nil` when it gave none.
    package var name: String?
    /// JSON text that whoever made it has checked; an object.
    package var metadata: String
    package var presence: Presence
    /// What it sends, in the order in which it came.
    package var tracks: [RoomTrack] = []

    package init(
        id: ParticipantID, kind: Kind = .client, role: RoomRole, name: String? = nil, metadata: String = "{}",
        presence: Presence = .here
    ) {
        self.id = id
        self.kind = kind
        self.role = role
        self.name = name
        self.metadata = metadata
        self.presence = presence
    }
}

/// What one participant tells others.
package enum MessageContent: Sendable, Equatable {
    case text(String)
    case binary([UInt8])

    package var byteCount: Int {
        switch self {
        case .text(let text): text.utf8.count
        case .binary(let bytes): bytes.count
        }
    }
}

/// Why somebody is no longer in a room.
package enum Departure: String, Sendable, CaseIterable {
    /// It said so.
    case left
    /// Its connection was lost and it did not come back in time.
    case lost
    case kicked
    case roomClosed = "room-closed"
    /// Its credential has expired or been taken back.
    case credential
    /// The stream has ended.
    case ended
}

/// Something that happened in a room.
package enum RoomEvent: Sendable, Equatable {
    case joined(Participant)
    case left(ParticipantID, Departure)
    /// What a participant says about itself has changed.
    case updated(Participant)
    case presence(ParticipantID, Presence)
    case message(from: ParticipantID, isPrivate: Bool, MessageContent)
    case trackPublished(ParticipantID, RoomTrack)
    case trackUnpublished(ParticipantID, TrackName)
    /// It has been muted or unmuted, or is described otherwise.
    case trackUpdated(ParticipantID, RoomTrack)

    /// About what it takes to remember it.
    var byteCount: Int {
        switch self {
        case .joined(let participant), .updated(let participant):
            128 + participant.metadata.utf8.count + (participant.name?.utf8.count ?? 0)
                + participant.tracks.reduce(0) { $0 + $1.byteCount }
        case .trackPublished(_, let track), .trackUpdated(_, let track): 64 + track.byteCount
        case .left, .presence, .trackUnpublished: 64
        case .message(_, _, let content): 64 + content.byteCount
        }
    }
}

/// Everything that a room is at one moment.
package struct RoomSnapshot: Sendable, Equatable {
    package var room: RoomName
    /// The number of the last event that is in it; 0 before the first.
    package var event: UInt64
    /// The stream's, if there is one, and then in the order in which they came.
    package var participants: [Participant]

    package init(room: RoomName, event: UInt64, participants: [Participant]) {
        self.room = room
        self.event = event
        self.participants = participants
    }
}

/// What a participant is to be told next.
package enum RoomDelivery: Sendable, Equatable {
    case event(number: UInt64, RoomEvent)
    /// It has missed more than the room remembers: this is how things stand.
    case resync(RoomSnapshot)
    /// It is not in the room any more, and is told nothing else.
    case ended(Departure, reason: String?)
}

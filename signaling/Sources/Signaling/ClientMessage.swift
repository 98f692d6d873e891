package import Primitives
package import Rooms

/// What a client says.
package enum ClientMessage: Sendable, Equatable {
    /// Must be the first message.
    case authenticate(Authentication)
    case join(Join)
    case leave
    /// Says something else about itself; an object as JSON text.
    case update(metadata: String)
    case send(to: ParticipantID?, text: String)
    case kick(ParticipantID, reason: String?)
    case close(reason: String?)
    /// Asks how things stand.
    case snapshot
    case media(MediaRequest)
    /// Shows that the client lives, where it cannot send a ping of WebSocket.
    case ping

    package struct Authentication: Sendable, Equatable {
        /// `nil` where none is needed.
        package var token: Secret?
        package var resume: Resume?

        package init(token: Secret? = nil, resume: Resume? = nil) {
            self.token = token
            self.resume = resume
        }
    }

    /// The place of an earlier connection.
    package struct Resume: Sendable, Equatable {
        package var session: Secret
        /// The last event that the client has seen.
        package var event: UInt64

        package init(session: Secret, event: UInt64) {
            self.session = session
            self.event = event
        }
    }

    package struct Join: Sendable, Equatable {
        package var room: RoomName
        package var name: String?
        /// An object as JSON text.
        package var metadata: String

        package init(room: RoomName, name: String? = nil, metadata: String = "{}") {
            self.room = room
            self.name = name
            self.metadata = metadata
        }
    }

    /// The word in `type`.
    package enum Kind: String, Sendable, CaseIterable {
        case authenticate, join, leave, update, send, kick, close, snapshot, ping
        case publish, unpublish, subscribe, unsubscribe, mute, unmute, layer
        case subscriptionAnswer = "subscription-answer"
        case subscriptionRestart = "subscription-restart"
    }
}

/// A message, and the number that its answer is to bear.
package struct ClientRequest: Sendable, Equatable {
    /// 0 to 2^53 - 1, which every JSON reader keeps; `nil` when the client does not care.
    package var id: UInt64?
    package var message: ClientMessage

    package init(id: UInt64? = nil, message: ClientMessage) {
        self.id = id
        self.message = message
    }
}

/// Why a message was not taken, with its number as far as it could be read.
package struct RejectedMessage: Error, Sendable, Equatable {
    package var id: UInt64?
    package var error: SignalingError

    package init(id: UInt64? = nil, error: SignalingError) {
        self.id = id
        self.error = error
    }
}

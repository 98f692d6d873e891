package import Rooms

/// What went wrong, as a client is told it: a code that does not change, what happened, and what to do about it.
package struct SignalingError: Error, Sendable, Equatable {
    package enum Code: String, Sendable, CaseIterable {
        case malformedMessage = "malformed-message"
        case messageTooLarge = "message-too-large"
        case unknownType = "unknown-type"
        case badField = "bad-field"
        case notAuthenticated = "not-authenticated"
        case alreadyAuthenticated = "already-authenticated"
        case authenticationTimeout = "authentication-timeout"
        case credentialRefused = "credential-refused"
        case sessionUnknown = "session-unknown"
        case notJoined = "not-joined"
        case alreadyJoined = "already-joined"
        case tooManyRooms = "too-many-rooms"
        case tooManyParticipants = "too-many-participants"
        case roomFull = "room-full"
        case unknownRoom = "unknown-room"
        case unknownParticipant = "unknown-participant"
        case roleNotAllowed = "role-not-allowed"
        case unsuitableDescription = "unsuitable-description"
        case unknownTrack = "unknown-track"
        case tooManyTracks = "too-many-tracks"
        case offerOutdated = "offer-outdated"
        case rateLimited = "rate-limited"
        case draining = "draining"
    }

    package var code: Code
    /// What happened; never a credential.
    package var message: String
    /// What to do about it.
    package var cure: String

    package init(_ code: Code, _ message: String, cure: String? = nil) {
        self.code = code
        self.message = message
        self.cure = cure ?? code.cure
    }
}

extension SignalingError.Code {
    /// What helps in general.
    package var cure: String {
        switch self {
        case .malformedMessage: "Send one JSON object in a text frame, as signaling/PROTOCOL.md describes it."
        case .messageTooLarge: "Send less at once, or put what is large elsewhere and send its address."
        case .unknownType: "Use a type of martlet.v1."
        case .badField: "Correct the field that the message names."
        case .notAuthenticated: "Send authenticate first."
        case .alreadyAuthenticated: "Open another connection for another credential."
        case .authenticationTimeout: "Send authenticate as soon as the connection is open."
        case .credentialRefused: "Get another token from whoever runs the gateway, and connect again."
        case .sessionUnknown: "Join again: the place was given up, or the token is another one."
        case .notJoined: "Send join first."
        case .alreadyJoined: "Leave first, or open another connection: each is in one room."
        case .tooManyRooms, .tooManyParticipants: "Try again later, or use another gateway."
        case .roomFull: "Use another room, or wait until somebody leaves."
        case .unknownRoom: "Nobody is in the room; join it to make it."
        case .unknownParticipant: "Use the id of a participant who is a client in this room and has not left."
        case .roleNotAllowed: "Use a token that allows it for this room: publish to send tracks, admin to moderate."
        case .unsuitableDescription:
            "Send the description as the browser made it, after correcting what the message names."
        case .unknownTrack: "Use a name from the tracks of a participant in this room."
        case .tooManyTracks: "Publish or subscribe to fewer tracks at once."
        case .offerOutdated: "Answer the last offer that came."
        case .rateLimited: "Wait a second, and send less often."
        case .draining: "Connect to another gateway, or to this one after its restart."
        }
    }
}

extension SignalingError {
    /// A message that cannot be read.
    init(_ problem: JSONProblem) {
        switch problem {
        case .malformed(let offset): self.init(.malformedMessage, "The text is no JSON from byte \(offset) on.")
        case .tooDeep:
            self.init(.malformedMessage, "Arrays and objects are more than \(JSONReader.maximumDepth) deep.")
        case .tooManyValues:
            self.init(.malformedMessage, "There are more than \(JSONReader.maximumValues) values.")
        case .repeatedName: self.init(.malformedMessage, "An object has a member twice.")
        }
    }

    package init(_ refusal: RoomRefusal) {
        switch refusal {
        case .tooManyRooms: self.init(.tooManyRooms, "The gateway has as many rooms as it may have.")
        case .roomFull: self.init(.roomFull, "The room is full.")
        case .tooManyParticipants:
            self.init(.tooManyParticipants, "The gateway has as many participants as it may have.")
        case .tooManyTracks: self.init(.tooManyTracks, "These are more tracks than a participant may publish.")
        case .displayNameTooLong: self.init(.badField, "name is too long.")
        case .metadataTooLarge: self.init(.badField, "metadata is too large.")
        case .messageTooLarge: self.init(.messageTooLarge, "The message is larger than messages may be.")
        case .reasonTooLong: self.init(.badField, "reason is too long.")
        case .unknownRoom: self.init(.unknownRoom, "There is no such room.")
        case .unknownParticipant: self.init(.unknownParticipant, "There is no such participant in the room.")
        case .roleNotAllowed: self.init(.roleNotAllowed, "This is for moderators.")
        case .rateLimited: self.init(.rateLimited, "These are too many messages.")
        case .unknownSession: self.init(.sessionUnknown, "There is no such session.")
        }
    }
}

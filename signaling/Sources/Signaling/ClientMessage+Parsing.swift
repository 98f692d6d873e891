import Primitives
import Rooms

extension ClientRequest {
    /// Bytes of a text message; what it tells others is bounded by ``RoomLimits/messageBytes``.
    package static let maximumSize = 64 << 10
    /// Tokens are a few hundred bytes.
    static let maximumTokenLength = 8 << 10
    /// What every reader of JSON keeps (RFC 8259 section 6).
    static let maximumInteger: UInt64 = (1 << 53) - 1

    /// Reads a text message, passing over members that are not known.
    ///
    /// - Throws: ``RejectedMessage``, with words for the client.
    package init(parsing bytes: Span<UInt8>) throws(RejectedMessage) {
        guard bytes.count <= Self.maximumSize else {
            throw RejectedMessage(
                error: SignalingError(.messageTooLarge, "A text message may have \(Self.maximumSize) bytes."))
        }
        let value: JSONValue
        do throws(JSONProblem) {
            value = try JSONReader.read(bytes)
        } catch {
            throw RejectedMessage(error: SignalingError(error))
        }
        guard case .object = value else {
            throw RejectedMessage(error: SignalingError(.malformedMessage, "The message is no object."))
        }
        let fields = Fields(value)
        let id: UInt64?
        do throws(SignalingError) {
            id = try fields.integer("id")
        } catch {
            throw RejectedMessage(error: error)
        }
        do throws(SignalingError) {
            self.init(id: id, message: try ClientMessage(fields))
        } catch {
            throw RejectedMessage(id: id, error: error)
        }
    }
}

extension ClientMessage {
    fileprivate init(_ fields: Fields) throws(SignalingError) {
        let type = try fields.required("type", fields.string("type"))
        guard let kind = Kind(rawValue: type) else {
            throw SignalingError(.unknownType, "There is no such type of message.")
        }
        switch kind {
        case .authenticate:
            self = .authenticate(
                Authentication(
                    token: try fields.secret("token"),
                    resume: try fields.object("resume").map(Resume.init(fields:))))
        case .join: self = .join(try Join(fields))
        case .leave: self = .leave
        case .update: self = .update(metadata: try fields.required("metadata", fields.objectText("metadata")))
        case .send:
            self = .send(
                to: try fields.participant("to"), text: try fields.required("text", fields.string("text")))
        case .kick:
            self = .kick(
                try fields.required("participant", fields.participant("participant")),
                reason: try fields.string("reason"))
        case .close: self = .close(reason: try fields.string("reason"))
        case .snapshot: self = .snapshot
        case .ping: self = .ping
        default: self = .media(try MediaRequest(kind, fields))
        }
    }
}

extension ClientMessage.Resume {
    fileprivate init(fields: Fields) throws(SignalingError) {
        self.init(
            session: try fields.required("session", fields.secret("session")),
            event: try fields.required("event", fields.integer("event")))
    }
}

extension ClientMessage.Join {
    fileprivate init(_ fields: Fields) throws(SignalingError) {
        guard let name = StreamName(try fields.required("room", fields.string("room"))) else {
            throw SignalingError(
                .badField, "room is 1 to 128 of A-Z a-z 0-9 . _ - and does not begin with a dot.")
        }
        var room = RoomName(name: name)
        if let text = try fields.string("namespace") {
            guard let namespace = Namespace(text) else {
                throw SignalingError(
                    .badField, "namespace is 1 to \(Namespace.maximumLength) of A-Z a-z 0-9 _ -.")
            }
            room.namespace = namespace
        }
        self.init(
            room: room, name: try fields.string("name"), metadata: try fields.objectText("metadata") ?? "{}")
    }
}

/// The members of a message, with errors that name them.
///
/// A member that is `null` counts as one that is not there.
struct Fields {
    private let value: JSONValue

    init(_ value: JSONValue) {
        self.value = value
    }

    private func member(_ name: String) -> JSONValue? {
        let member = value[name]
        return member == .null ? nil : member
    }

    func required<Value>(_ name: String, _ value: Value?) throws(SignalingError) -> Value {
        guard let value else { throw SignalingError(.badField, "\(name) is missing.") }
        return value
    }

    func string(_ name: String) throws(SignalingError) -> String? {
        guard let member = member(name) else { return nil }
        guard case .string(let text) = member else { throw SignalingError(.badField, "\(name) is no string.") }
        return text
    }

    func secret(_ name: String) throws(SignalingError) -> Secret? {
        guard let text = try string(name) else { return nil }
        guard text.utf8.count <= ClientRequest.maximumTokenLength else {
            throw SignalingError(.badField, "\(name) is too long.")
        }
        return Secret(text)
    }

    func integer(_ name: String) throws(SignalingError) -> UInt64? {
        guard let member = member(name) else { return nil }
        guard case .number(let digits) = member, let number = UInt64(digits), number <= ClientRequest.maximumInteger
        else { throw SignalingError(.badField, "\(name) is no whole number from 0 to 2^53 - 1.") }
        return number
    }

    func participant(_ name: String) throws(SignalingError) -> ParticipantID? {
        guard let text = try string(name) else { return nil }
        guard let id = ParticipantID(text) else {
            throw SignalingError(.badField, "\(name) is no id of a participant.")
        }
        return id
    }

    func object(_ name: String) throws(SignalingError) -> Fields? {
        guard let member = member(name) else { return nil }
        guard case .object = member else { throw SignalingError(.badField, "\(name) is no object.") }
        return Fields(member)
    }

    func flag(_ name: String) throws(SignalingError) -> Bool {
        guard let member = member(name) else { return false }
        guard case .bool(let flag) = member else {
            throw SignalingError(.badField, "\(name) is neither true nor false.")
        }
        return flag
    }

    func track(_ name: String) throws(SignalingError) -> TrackName {
        guard let track = TrackName(try required(name, string(name))) else {
            throw SignalingError(.badField, "\(name) is no name of a track.")
        }
        return track
    }

    /// The objects of an array; none where there is no array.
    func objects(_ name: String, atMost maximum: Int) throws(SignalingError) -> [Fields] {
        guard let member = member(name) else { return [] }
        guard case .array(let values) = member, values.count <= maximum else {
            throw SignalingError(.badField, "\(name) is no array of at most \(maximum) objects.")
        }
        var result: [Fields] = []
        for value in values {
            guard case .object = value else { throw SignalingError(.badField, "\(name) holds what is no object.") }
            result.append(Fields(value))
        }
        return result
    }

    /// An object as JSON text.
    func objectText(_ name: String) throws(SignalingError) -> String? {
        try object(name)?.value.text
    }
}

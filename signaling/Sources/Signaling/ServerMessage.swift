import Primitives
package import Rooms

/// What the gateway says.
package enum ServerMessage: Sendable, Equatable {
    /// The client is who it says it is; and in its old place, if it asked for that.
    case welcome(id: UInt64?, Welcome)
    /// The client is in the room.
    case joined(id: UInt64?, Joined)
    case ok(id: UInt64?)
    case snapshot(id: UInt64?, RoomSnapshot)
    case error(id: UInt64?, SignalingError)
    case pong(id: UInt64?)
    case event(number: UInt64, RoomEvent)
    /// The answer to what the client publishes.
    case published(id: UInt64?, sdp: String)
    case subscriptionOffer(SubscriptionOffer)
    /// The client has missed something; this is how things stand.
    case resync(RoomSnapshot)
    /// The client is no longer in the room.
    case ended(Departure, reason: String?)
    /// The gateway goes away; at this address is one that stays.
    case migrate(url: String?)

    package struct Welcome: Sendable, Equatable {
        /// Seconds within which the gateway must hear something.
        package var heartbeatSeconds: Int
        /// Seconds for which a place is kept.
        package var resumeSeconds: Int
        /// The place that the client has again.
        package var resumed: ResumedPlace?

        package init(heartbeatSeconds: Int, resumeSeconds: Int, resumed: ResumedPlace? = nil) {
            self.heartbeatSeconds = heartbeatSeconds
            self.resumeSeconds = resumeSeconds
            self.resumed = resumed
        }
    }

    package struct ResumedPlace: Sendable, Equatable {
        package var room: RoomName
        package var participant: ParticipantID

        package init(room: RoomName, participant: ParticipantID) {
            self.room = room
            self.participant = participant
        }
    }

    package struct Joined: Sendable, Equatable {
        package var participant: ParticipantID
        /// What brings the client back into its place: a secret.
        package var session: String
        package var snapshot: RoomSnapshot

        package init(participant: ParticipantID, session: String, snapshot: RoomSnapshot) {
            self.participant = participant
            self.session = session
            self.snapshot = snapshot
        }
    }

    /// What the gateway offers to send.
    package struct SubscriptionOffer: Sendable, Equatable {
        package var number: UInt64
        package var sdp: String
        package var tracks: [SubscribedSection]

        package init(number: UInt64, sdp: String, tracks: [SubscribedSection]) {
            self.number = number
            self.sdp = sdp
            self.tracks = tracks
        }
    }

    /// A media section, and what it carries.
    package struct SubscribedSection: Sendable, Equatable {
        package var mid: String
        package var track: TrackReference

        package init(mid: String, track: TrackReference) {
            self.mid = mid
            self.track = track
        }
    }

    /// The word in `type`.
    package enum Kind: String, Sendable, CaseIterable {
        case welcome, joined, ok, snapshot, error, pong, resync, ended, migrate, message, published
        case subscriptionOffer = "subscription-offer"
        case trackPublished = "track-published"
        case trackUnpublished = "track-unpublished"
        case trackUpdated = "track-updated"
        case participantJoined = "participant-joined"
        case participantLeft = "participant-left"
        case participantUpdated = "participant-updated"
        case participantPresence = "participant-presence"
    }

    package init(_ delivery: RoomDelivery) {
        switch delivery {
        case .event(let number, let event): self = .event(number: number, event)
        case .resync(let snapshot): self = .resync(snapshot)
        case .ended(let departure, let reason): self = .ended(departure, reason: reason)
        }
    }
}

extension ServerMessage {
    /// A message as it goes over the wire.
    package enum Frame: Sendable, Equatable {
        case text(String)
        case binary([UInt8])
    }

    package var frame: Frame {
        if case .event(let number, .message(let sender, let isPrivate, .binary(let payload))) = self {
            return .binary(
                BinaryMessage.bytes(event: number, from: sender, isPrivate: isPrivate, payload: payload))
        }
        return .text(text)
    }

    /// The message as JSON; all but binary ones.
    private var text: String {
        switch self {
        case .welcome(let id, let welcome):
            var object = ObjectText(.welcome, id: id)
            object.add("version", Self.version)
            object.add("heartbeat_seconds", UInt64(clamping: welcome.heartbeatSeconds))
            object.add("resume_seconds", UInt64(clamping: welcome.resumeSeconds))
            object.add("resumed", welcome.resumed != nil)
            if let place = welcome.resumed {
                object.add("namespace", place.room.namespace.description)
                object.add("room", place.room.name.description)
                object.add("participant", place.participant.description)
            }
            return object.text
        case .joined(let id, let joined):
            var object = ObjectText(.joined, id: id)
            object.add("participant", joined.participant.description)
            object.add("session", joined.session)
            object.add(joined.snapshot)
            return object.text
        case .ok(let id): return ObjectText(.ok, id: id).text
        case .pong(let id): return ObjectText(.pong, id: id).text
        case .snapshot(let id, let snapshot):
            var object = ObjectText(.snapshot, id: id)
            object.add(snapshot)
            return object.text
        case .error(let id, let error):
            var object = ObjectText(.error, id: id)
            object.add("code", error.code.rawValue)
            object.add("message", error.message)
            object.add("cure", error.cure)
            return object.text
        case .event(let number, let event): return Self.text(of: event, number: number)
        case .published(let id, let sdp):
            var object = ObjectText(.published, id: id)
            object.add("sdp", sdp)
            return object.text
        case .subscriptionOffer(let offer):
            var object = ObjectText(.subscriptionOffer)
            object.add("offer", offer.number)
            object.add("sdp", offer.sdp)
            let tracks = offer.tracks.map { section in
                var object = ObjectText()
                object.add("mid", section.mid)
                object.add("participant", section.track.participant.description)
                object.add("track", section.track.track.description)
                return object.text
            }
            object.add(raw: "tracks", "[\(tracks.joined(separator: ","))]")
            return object.text
        case .resync(let snapshot):
            var object = ObjectText(.resync)
            object.add(snapshot)
            return object.text
        case .ended(let departure, let reason):
            var object = ObjectText(.ended)
            object.add("cause", departure.rawValue)
            if let reason { object.add("reason", reason) }
            return object.text
        case .migrate(let url):
            var object = ObjectText(.migrate)
            if let url { object.add("url", url) }
            return object.text
        }
    }

    /// The subprotocol of WebSocket that these messages are.
    package static let version = "martlet.v1"

    private static func text(of event: RoomEvent, number: UInt64) -> String {
        var object: ObjectText
        switch event {
        case .joined(let participant):
            object = ObjectText(.participantJoined, event: number)
            object.add(raw: "participant", ObjectText(participant).text)
        case .left(let id, let departure):
            object = ObjectText(.participantLeft, event: number)
            object.add("participant", id.description)
            object.add("cause", departure.rawValue)
        case .updated(let participant):
            object = ObjectText(.participantUpdated, event: number)
            object.add(raw: "participant", ObjectText(participant).text)
        case .presence(let id, let presence):
            object = ObjectText(.participantPresence, event: number)
            object.add("participant", id.description)
            object.add("presence", presence.rawValue)
        case .message(let sender, let isPrivate, let content):
            object = ObjectText(.message, event: number)
            object.add("from", sender.description)
            object.add("private", isPrivate)
            if case .text(let text) = content { object.add("text", text) }
        case .trackPublished(let id, let track), .trackUpdated(let id, let track):
            var isNew = false
            if case .trackPublished = event { isNew = true }
            object = ObjectText(isNew ? .trackPublished : .trackUpdated, event: number)
            object.add("participant", id.description)
            object.add(raw: "track", ObjectText(track).text)
        case .trackUnpublished(let id, let name):
            object = ObjectText(.trackUnpublished, event: number)
            object.add("participant", id.description)
            object.add("track", name.description)
        }
        return object.text
    }
}

/// A JSON object under construction.
private struct ObjectText {
    private var members = ""

    var text: String { "{\(members)}" }

    init() {}

    init(_ kind: ServerMessage.Kind, id: UInt64? = nil, event: UInt64? = nil) {
        add("type", kind.rawValue)
        if let id { add("id", id) }
        if let event { add("event", event) }
    }

    init(_ participant: Participant) {
        add("id", participant.id.description)
        add("kind", participant.kind.rawValue)
        add("role", participant.role.rawValue)
        if let name = participant.name { add("name", name) }
        add(raw: "metadata", participant.metadata)
        add("presence", participant.presence.rawValue)
        add(raw: "tracks", "[\(participant.tracks.map { ObjectText($0).text }.joined(separator: ","))]")
    }

    init(_ track: RoomTrack) {
        add("track", track.name.description)
        add("kind", track.kind.rawValue)
        add("source", track.source.rawValue)
        add(raw: "metadata", track.metadata)
        add("muted", track.isMuted)
    }

    mutating func add(_ name: String, _ value: String) { add(raw: name, JSONValue.quote(value)) }
    mutating func add(_ name: String, _ value: UInt64) { add(raw: name, "\(value)") }
    mutating func add(_ name: String, _ value: Bool) { add(raw: name, value ? "true" : "false") }

    mutating func add(_ snapshot: RoomSnapshot) {
        add("namespace", snapshot.room.namespace.description)
        add("room", snapshot.room.name.description)
        add("event", snapshot.event)
        let participants = snapshot.participants.map { ObjectText($0).text }
        add(raw: "participants", "[\(participants.joined(separator: ","))]")
    }

    /// Adds what is JSON text already.
    mutating func add(raw name: String, _ value: String) {
        if !members.isEmpty { members += "," }
        members += "\"\(name)\":\(value)"
    }
}

package import Rooms

/// A track of a participant.
package struct TrackReference: Hashable, Sendable {
    package var participant: ParticipantID
    package var track: TrackName

    package init(participant: ParticipantID, track: TrackName) {
        self.participant = participant
        self.track = track
    }
}

/// What a client wants to send, and to be sent.
package enum MediaRequest: Sendable, Equatable {
    case publish(sdp: String, tracks: [PublishedSection])
    case unpublish
    case subscribe(TrackSelection)
    case unsubscribe(TrackSelection)
    case answer(offer: UInt64, sdp: String)
    /// Asks for an offer with new ICE credentials.
    case restart
    case setMuted(Bool, TrackName)
    case layer(TrackReference, LayerChoice)

    /// A media section of an offer, and what it is.
    package struct PublishedSection: Sendable, Equatable {
        package var mid: String
        package var track: TrackName
        package var source: RoomTrack.Source
        /// An object as JSON text.
        package var metadata: String

        package init(mid: String, track: TrackName, source: RoomTrack.Source = .other, metadata: String = "{}") {
            self.mid = mid
            self.track = track
            self.source = source
            self.metadata = metadata
        }
    }

    package enum TrackSelection: Sendable, Equatable {
        /// What the others send, and what they will send.
        case all
        case tracks([TrackReference])
    }

    /// How much of a picture is wanted at most.
    package enum LayerChoice: Sendable, Equatable {
        case best
        case named(String)
        case height(Int)
        case off
    }

    /// Tracks in one message, and sections of an offer of ours.
    package static let maximumTracks = 64
    /// Sections that are described in one message.
    static let maximumPublished = 8
    /// A message has room for the rest.
    static let maximumDescription = 60 << 10
}

extension MediaRequest {
    init(_ kind: ClientMessage.Kind, _ fields: Fields) throws(SignalingError) {
        switch kind {
        case .publish:
            var tracks: [PublishedSection] = []
            for entry in try fields.objects("tracks", atMost: Self.maximumPublished) {
                tracks.append(try PublishedSection(entry))
            }
            self = .publish(sdp: try Self.description(fields), tracks: tracks)
        case .unpublish: self = .unpublish
        case .subscribe: self = .subscribe(try TrackSelection(fields))
        case .unsubscribe: self = .unsubscribe(try TrackSelection(fields))
        case .subscriptionAnswer:
            self = .answer(
                offer: try fields.required("offer", fields.integer("offer")), sdp: try Self.description(fields))
        case .subscriptionRestart: self = .restart
        case .mute: self = .setMuted(true, try fields.track("track"))
        case .unmute: self = .setMuted(false, try fields.track("track"))
        case .layer: self = .layer(try TrackReference(fields), try LayerChoice(fields))
        case .authenticate, .join, .leave, .update, .send, .kick, .close, .snapshot, .ping:
            throw SignalingError(.unknownType, "This is not about media.")
        }
    }

    private static func description(_ fields: Fields) throws(SignalingError) -> String {
        let text = try fields.required("sdp", fields.string("sdp"))
        guard text.utf8.count <= maximumDescription else { throw SignalingError(.badField, "sdp is too long.") }
        return text
    }
}

extension MediaRequest.PublishedSection {
    fileprivate init(_ fields: Fields) throws(SignalingError) {
        let word = try fields.string("source") ?? RoomTrack.Source.other.rawValue
        guard let source = RoomTrack.Source(rawValue: word) else {
            let known = RoomTrack.Source.allCases.map(\.rawValue).joined(separator: ", ")
            throw SignalingError(.badField, "source is none of \(known).")
        }
        self.init(
            mid: try fields.required("mid", fields.string("mid")), track: try fields.track("track"), source: source,
            metadata: try fields.objectText("metadata") ?? "{}")
    }
}

extension MediaRequest.TrackSelection {
    fileprivate init(_ fields: Fields) throws(SignalingError) {
        if try fields.flag("all") {
            self = .all
            return
        }
        var tracks: [TrackReference] = []
        for entry in try fields.objects("tracks", atMost: MediaRequest.maximumTracks) {
            tracks.append(try TrackReference(entry))
        }
        guard !tracks.isEmpty else { throw SignalingError(.badField, "tracks is missing.") }
        self = .tracks(tracks)
    }
}

extension MediaRequest.LayerChoice {
    fileprivate init(_ fields: Fields) throws(SignalingError) {
        if try fields.flag("off") {
            self = .off
        } else if let rid = try fields.string("rid") {
            self = .named(rid)
        } else if let height = try fields.integer("height") {
            self = .height(Int(min(height, 65_535)))
        } else {
            self = .best
        }
    }
}

extension TrackReference {
    fileprivate init(_ fields: Fields) throws(SignalingError) {
        self.init(
            participant: try fields.required("participant", fields.participant("participant")),
            track: try fields.track("track"))
    }
}

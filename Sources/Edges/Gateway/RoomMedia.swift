import DTLS
import ICE
import Media
import MediaIO
package import Primitives
import WebRTC

/// A participant of a room, as far as its media is concerned.
package struct RoomMember: Hashable, Sendable {
    /// The room's name with its namespace.
    package var room: String
    package var participant: String
    /// The stream that is seen in this room; `nil` where no stream can be.
    package var stream: StreamName?

    package init(room: String, participant: String, stream: StreamName?) {
        self.room = room
        self.participant = participant
        self.stream = stream
    }
}

/// A track of a participant of a room.
package struct RoomTrackKey: Hashable, Sendable {
    package var participant: String
    package var track: String

    package init(participant: String, track: String) {
        self.participant = participant
        self.track = track
    }
}

/// What a participant publishes, as it was agreed.
package struct RoomPublished: Sendable {
    package struct Track: Sendable {
        package var mid: String
        package var name: String
        package var isVideo: Bool
        package var isMuted: Bool
    }

    package var sdp: String
    package var tracks: [Track]
}

/// An offer to a participant, and what its sections carry.
package struct RoomOffer: Sendable {
    package var number: UInt64
    package var sdp: String
    package var sections: [(mid: String, track: RoomTrackKey)]
}

/// How much of a picture a participant wants at most.
package enum RoomLayer: Sendable, Equatable {
    case best
    case named(String)
    case height(Int)
    case off
}

/// The media of a room's participants.
///
/// All of a room is on one worker, so that nothing of it is copied.
struct RoomMedia {
    /// What a subscriber is sent, with the number of the track on the media plane: the same name may come to mean another.
    struct SentTrack: Hashable {
        var key: RoomTrackKey
        var id: TrackID
    }

    struct Publication {
        var peer: PeerID
        var local: LocalDescription
        var remote: ICECredentials
        var fingerprints: [Fingerprint]
        /// By the number of the binding on the media plane; `nil` for one that has ended.
        var tracks: [Track?] = []
    }

    struct Track {
        var mid: String
        var name: String
        var live: LiveStream.Track
        var isMuted = false
    }

    struct Subscriber {
        var local: LocalDescription
        var negotiation: SubscriptionNegotiation<SentTrack>
        /// `nil` before the first answer that takes something.
        var peer: PeerID?
        var wantsAll = false
        var wanted: Set<RoomTrackKey> = []
        var layers: [RoomTrackKey: RoomLayer] = [:]
        /// What the last answer takes.
        var agreed: [SentTrack: PlaybackSender] = [:]
        /// What is sent, by SSRC.
        var sent: [SentTrack: UInt32] = [:]
        /// What has ended since the last offer: an SSRC does not begin again, for its nonces would (RFC 7714 §9).
        var stopped: Set<SentTrack> = []
        var offer: RoomOffer?
        var isDelivered = false
        var wantsRestart = false
        /// The offer under way has new ICE credentials.
        var isRestarting = false
    }

    /// Tracks that a participant publishes at most.
    static let maximumPublished = 8
    /// Tracks that a participant can ask for by name.
    static let maximumWanted = 64

    let worker: Int
    var publications: [String: Publication] = [:]
    var subscribers: [String: Subscriber] = [:]
    /// How participants are told that there is an offer.
    var wakers: [String: (connection: UInt64, wake: @Sendable () -> Void)] = [:]

    var isEmpty: Bool { publications.isEmpty && subscribers.isEmpty && wakers.isEmpty }
}

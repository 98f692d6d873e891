import ICE
import MediaIO
package import Primitives

/// Which half of WHIP/WHEP a session belongs to.
package enum SessionKind: String, Sendable, Hashable {
    case publisher
    case viewer
}

/// Who publishes, as far as takeovers are concerned.
package enum PublisherIdentity: Hashable, Sendable {
    /// Anonymous, from this machine.
    case loopback
    /// Anonymous, from anywhere.
    case anonymous
    /// A key or token, by a digest of what identifies it; never the secret itself.
    case credential(String)
    /// Another gateway, by its name: who publishes here takes the stream over from it.
    case node(String)
}

/// What a client gets for an offer that was accepted.
package struct SessionAnswer: Sendable {
    package var sessionID: String
    package var sdp: String
    /// A strong entity tag, quotes included.
    package var entityTag: String
    /// Whether a viewer may choose among layers.
    package var hasLayers: Bool
    /// Until when ``sdp`` may be answered, in seconds since 1970, where it is an offer of ours; `nil` when it is an answer.
    package var offerEnds: Int64?

    package init(
        sessionID: String, sdp: String, entityTag: String, hasLayers: Bool = false, offerEnds: Int64? = nil
    ) {
        self.sessionID = sessionID
        self.sdp = sdp
        self.entityTag = entityTag
        self.hasLayers = hasLayers
        self.offerEnds = offerEnds
    }
}

/// How a session stands, as far as requests to it are concerned.
package struct SessionState: Sendable, Equatable {
    /// What `If-Match` must name, quotes included.
    package var entityTag: String
    /// The gateway has made an offer, and the session begins with the answer.
    package var awaitsAnswer: Bool

    package init(entityTag: String, awaitsAnswer: Bool = false) {
        self.entityTag = entityTag
        self.awaitsAnswer = awaitsAnswer
    }
}

/// What a client gets that has restarted ICE.
package struct SessionRestart: Sendable {
    /// Our new credentials and candidates, as `application/trickle-ice-sdpfrag`.
    package var fragment: String
    /// The session's new entity tag, quotes included.
    package var entityTag: String

    package init(fragment: String, entityTag: String) {
        self.fragment = fragment
        self.entityTag = entityTag
    }
}

/// A WebRTC session of a stream.
struct Session: Sendable {
    /// A picture as a viewer gets it.
    struct Picture {
        /// Its media section in the viewer's offer.
        var section: Int
        /// Its track; with simulcast, that of one layer.
        var track: TrackID
    }

    let id: String
    let kind: SessionKind
    let peer: PeerID
    let worker: Int
    let stream: StreamName
    var entityTag: String
    /// The client's credentials: those of its offer or of a restart, and those of the latest restart.
    var remotes: [ICECredentials]
    /// Seconds since 1970.
    let startedAt: Double
    var isConnected = false
    /// What a viewer may choose layers of, where there are any.
    var pictures: [Picture] = []
    /// What a viewer is shown in place of the publisher's picture, or beside it.
    var form: TranscodeForm?
    /// The other end is a gateway: as a viewer it takes everything, as a publisher we have connected to it.
    var isNodeLink = false
}

/// How a publisher that is already there is treated.
package enum TakeoverPolicy: String, Sendable {
    /// The same credential replaces at once; anybody else once the publisher has been silent for two seconds.
    case auto
    case replace
    case reject
}

/// What happens to pictures that are shown in another order than they are decoded, which browsers cannot play.
package enum ReorderingPolicy: String, Sendable {
    /// Those that nothing depends on are left out where that is enough; otherwise the same as ``transcode``.
    case auto
    /// Those that nothing depends on are left out, whether that is enough or not.
    case drop
    /// None is left out, and the picture is encoded anew for viewers by WebRTC.
    case transcode
    /// None is left out.
    case keep

    /// Whether pictures may be encoded anew to bring them into order.
    var mayTranscode: Bool { self == .auto || self == .transcode }
    /// Whether parameter sets stay as they are.
    var keepsOrder: Bool { self == .keep || self == .transcode }
}

/// How the gateway behaves, as configured.
package struct GatewayPolicy: Sendable {
    package var takeover: TakeoverPolicy
    package var reordering: ReorderingPolicy
    package var transcoding: TranscodingPolicy
    /// How long viewers are kept when a publisher has gone.
    package var grace: Duration
    /// How long viewers of a stream may hold pictures back; `nil` is as short as lip sync allows.
    package var playoutDelay: @Sendable (StreamName) -> ClosedRange<Duration>?
    /// Sessions at most; beyond that new ones are refused.
    package var maximumSessions: Int
    /// Streams at most.
    package var maximumStreams: Int

    package init(
        takeover: TakeoverPolicy = .auto,
        reordering: ReorderingPolicy = .auto,
        transcoding: TranscodingPolicy = TranscodingPolicy(),
        grace: Duration = .seconds(15),
        maximumSessions: Int = 10_000,
        maximumStreams: Int = 1_000,
        playoutDelay: @escaping @Sendable (StreamName) -> ClosedRange<Duration>? = { _ in nil }
    ) {
        self.takeover = takeover
        self.reordering = reordering
        self.transcoding = transcoding
        self.grace = grace
        self.playoutDelay = playoutDelay
        self.maximumSessions = maximumSessions
        self.maximumStreams = maximumStreams
    }
}

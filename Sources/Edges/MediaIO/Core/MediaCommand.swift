package import DTLS
package import ICE
package import Media
package import Primitives
package import RTP
package import SFU
package import WebRTC

/// A WebRTC session's number, unique within the process.
package typealias PeerID = UInt64
/// A track's number, unique within the process; the same on every worker that carries the track.
package typealias TrackID = UInt32

/// What a media worker needs to know of a track.
package struct TrackSpecification: Sendable {
    package var id: TrackID
    package var codec: Codec
    /// The worker where the track's publisher is.
    package var owner: Int

    package init(id: TrackID, codec: Codec, owner: Int) {
        self.id = id
        self.codec = codec
        self.owner = owner
    }
}

/// The transport half of a new WebRTC session.
package struct PeerSpecification: Sendable {
    package var id: PeerID
    package var local: ICECredentials
    package var remote: ICECredentials?
    package var role: DTLSRole
    package var fingerprints: [Fingerprint]
    /// Whether the other end is a gateway, which as a viewer is sent everything at once.
    package var isNodeLink: Bool

    package init(
        id: PeerID,
        local: ICECredentials,
        remote: ICECredentials?,
        role: DTLSRole,
        fingerprints: [Fingerprint],
        isNodeLink: Bool = false
    ) {
        self.id = id
        self.local = local
        self.remote = remote
        self.role = role
        self.fingerprints = fingerprints
        self.isNodeLink = isNodeLink
    }
}

/// How another gateway is reached that we make the connectivity checks to.
package struct LinkRoute: Sendable {
    /// The number of our socket for it, ``LinkRoute/firstNumber`` or more; see ``TransportAddress/connection``.
    package var number: UInt32
    /// Its candidates.
    package var candidates: [ICECandidate]

    package init(number: UInt32, candidates: [ICECandidate]) {
        self.number = number
        self.candidates = candidates
    }

    /// Numbers from here on are those of links, all below those of TCP connections.
    package static let firstNumber: UInt32 = 1 << 31
}

/// Which track a publisher's media section feeds.
package struct IngestBinding: Sendable {
    /// The track; of several layers the first.
    package var track: TrackID
    package var negotiated: IngestTrack
    /// The tracks of simulcast layers, in the order of ``IngestTrack/rids``; empty without simulcast.
    package var layers: [TrackID]

    package init(track: TrackID, negotiated: IngestTrack, layers: [TrackID] = []) {
        self.track = track
        self.negotiated = negotiated
        self.layers = layers
    }
}

/// Which track a viewer's media section shows.
package struct PlaybackBinding: Sendable {
    package var track: TrackID
    package var sender: PlaybackSender
    /// The tracks that are layers of the same picture, `track` among them; empty where there is only one.
    package var layers: [TrackID]
    /// How long the viewer may hold pictures back; `nil` is as short as lip sync allows.
    package var playoutDelay: PlayoutDelay?

    package init(
        track: TrackID, sender: PlaybackSender, layers: [TrackID] = [], playoutDelay: PlayoutDelay? = nil
    ) {
        self.track = track
        self.sender = sender
        self.layers = layers
        self.playoutDelay = playoutDelay
    }
}

/// The highest layer of a picture that a viewer wants.
package struct LayerWish: Equatable, Sendable {
    /// `nil` for the best that the viewer's path carries.
    package var track: TrackID?
    /// How much of a track, where it has layers inside.
    package var limit: LayerLimit

    package init(track: TrackID?, limit: LayerLimit = .none) {
        self.track = track
        self.limit = limit
    }
}

/// The layers inside a stream.
package struct StreamLayers: Equatable, Sendable {
    /// What viewers can be sent of it, from the least to everything; empty where there is nothing to choose from.
    package var steps: [LayerLimit]
    /// How many there are of each kind, at least 1.
    package var spatialCount: Int
    package var temporalCount: Int
    /// Of each spatial layer from the lowest up; empty where the stream does not say.
    package var sizes: [PictureSize]

    package init(steps: [LayerLimit] = [], spatialCount: Int = 1, temporalCount: Int = 1, sizes: [PictureSize] = []) {
        self.steps = steps
        self.spatialCount = spatialCount
        self.temporalCount = temporalCount
        self.sizes = sizes
    }
}

/// How a sender report's clock stands: this RTP timestamp was captured at this time.
package struct ClockReference: Sendable {
    package var timestamp: UInt32
    package var ntpTime: NTPTime

    package init(timestamp: UInt32, ntpTime: NTPTime) {
        self.timestamp = timestamp
        self.ntpTime = ntpTime
    }
}

/// What the world may ask of a media worker, through its mailbox.
package enum MediaCommand: Sendable {
    case addTrack(TrackSpecification)
    case removeTrack(TrackID)
    case addPublisher(PeerSpecification, [IngestBinding])
    case addViewer(PeerSpecification, [PlaybackBinding])
    /// A publisher that is another gateway: we connect to it.
    case addLink(PeerSpecification, [IngestBinding], LinkRoute)
    case removePeer(PeerID, PeerEnd)
    /// A publisher's media section, one that it has or the next, feeds these tracks from now on.
    case bind(PeerID, section: Int, IngestBinding)
    /// A viewer is sent these too.
    case subscribe(PeerID, [PlaybackBinding])
    /// A viewer is no longer sent what has these SSRCs.
    case unsubscribe(PeerID, [UInt32])
    /// Lets nothing of a session's track in, or everything again from its next key frame on.
    case setMuted(TrackID, Bool)
    /// New credentials of both sides, for an ICE restart; those in use stay valid until the new ones are used.
    case restartICE(PeerID, local: ICECredentials, remote: ICECredentials)
    /// Answers ``MediaEvent/formatChanged(_:section:_:)``: the section now feeds this track.
    case rebind(PeerID, section: Int, IngestBinding)
    /// Answers from the handshake thread, in order.
    case handshake(PeerID, HandshakeOutput)
    /// Packets from a packetizer (RTMP, demo), with the clock when it was set anew.
    case burst(TrackID, PacketBurst, ClockReference?)
    /// The publisher of a track has gone; the next packet begins a new source.
    case endSource(TrackID)
    /// Copies a track to another worker from now on, beginning with its group of pictures.
    case startRelay(TrackID, worker: Int)
    case stopRelay(TrackID, worker: Int)
    /// A copy of a track's newest packets, from its owner.
    case relayed(RelayedPackets)
    /// Copies the packets of these tracks for the frame lane from now on, beginning with the group of pictures.
    case startTap(TapID, [TrackID])
    /// Ends a tap; one that another has followed is left alone.
    case stopTap(TapID, [TrackID])
    case requestKeyFrame(TrackID)
    /// A viewer wants no higher layer of the picture that the track belongs to than this; `nil` is the best.
    case limitLayer(PeerID, of: TrackID, to: LayerWish?)
    /// Datagrams that arrived at a worker that does not own their session.
    case datagrams(ForeignDatagrams)
    /// Datagrams from this address belong to that worker: its owner has authenticated them.
    case learn(TransportAddress, worker: Int)
    case forget(TransportAddress)
    case report(MediaReportRequest)
    case reportViewers(ViewerReportRequest)
    case trimMemory
}

/// Why a session ended.
package enum PeerEnd: Equatable, Sendable {
    /// DELETE, or the stream went away.
    case requested
    /// DTLS close_notify.
    case closed
    /// No ICE check ever came for it: the client cannot reach us, or never tried.
    case noChecks
    /// Checks came, but none authenticated, or the client settled on none of the pairs that worked.
    case noPair
    /// A pair worked, and then 30 s of silence.
    case consentExpired
    /// A pair was chosen, but no DTLS handshake was made over it within the time allowed.
    case handshakeTimeout
    case handshakeFailed(DTLSError)
    case shutdown
}

/// What a media worker tells the control plane: rare things, never packets.
package enum MediaEvent: Sendable {
    case connected(PeerID)
    case ended(PeerID, PeerEnd)
    /// The first packet of a track's current source has been let in.
    case trackStarted(TrackID)
    /// A publisher sends one of the other codecs its answer allowed. Its packets are held until
    /// ``MediaCommand/rebind(_:section:_:)``.
    case formatChanged(PeerID, section: Int, IngestTrack)
    /// A viewer cannot go on without a key frame of this track, whose packets come from a packetizer.
    case keyFrameRequested(TrackID)
    /// A session sends another H.264 sequence parameter set than before: the NAL unit with its header.
    case parameterSetChanged(TrackID, [UInt8])
    /// A session sends VP8 or VP9 of another size than before.
    case pictureSizeChanged(TrackID, PictureSize)
    /// A track turned out to have layers inside, or none any more.
    case layersChanged(TrackID, StreamLayers)
}

/// What the handshake thread must do.
package enum HandshakeInput: Sendable {
    /// A session's transport is usable: begin, and as client send the first flight.
    case start(PeerID, DTLSRole, [Fingerprint])
    case datagram(PeerID, [UInt8])
    /// Sends close_notify to the address, if there is one, and forgets the session.
    case close(PeerID, TransportAddress?)
}

/// What the handshake thread asks of the worker.
package enum HandshakeOutput: Sendable {
    case datagrams([[UInt8]])
    /// Install the keys, then send the last flight.
    case connected(DTLSKeys, lastFlight: [[UInt8]])
    case failed(DTLSError, [[UInt8]])
    case closed
    /// The last words of a session that the worker has forgotten already.
    case farewell([[UInt8]], to: TransportAddress)
}

/// Datagrams passed from the worker that received them to the one that owns their session.
package struct ForeignDatagrams: Sendable {
    package struct Entry: Sendable {
        var offset: Int
        var length: Int
        var source: TransportAddress
    }
    /// The worker that received them.
    var from: Int
    var bytes: [UInt8] = []
    var entries: [Entry] = []
}

/// Packets of one burst on their way to another worker: one copy for all its viewers.
package struct RelayedPackets: Sendable {
    struct Entry: Sendable {
        var sequence: Int64
        var timestamp: Int64
        var length: Int32
        var marker: Bool
        var startsKeyFrame: Bool
        var layer = PacketLayer.base
    }
    var track: TrackID
    var clock: ClockReference?
    var captureDelay = Interval.zero
    var bitsPerSecond: Double
    var answersKeyFrameRequests: Bool
    var entries: [Entry]
    var payloads: [UInt8]
    /// Of those packets whose layer says that they have one, one after the other, as logs keep them.
    var descriptors: [UInt8] = []
    var arrival: Instant
}

/// A request for figures, answered once.
package struct MediaReportRequest: Sendable {
    let answer: @Sendable (MediaReport) -> Void

    package init(answer: @escaping @Sendable (MediaReport) -> Void) {
        self.answer = answer
    }
}

import Media
import MediaIO
import Primitives

/// One stream on this node: its tracks, who publishes it and who watches.
struct LiveStream {
    /// A track and its number on the media plane.
    struct Track {
        var id: TrackID
        var description: TrackDescription
        /// The simulcast layers in the publisher's order, the first of them ``id``; empty without simulcast.
        var layers: [Layer] = []
        /// What viewers can be sent of a stream with layers inside, from the least to everything; empty for others.
        var steps: [LayerStep] = []
        /// How many layers of each kind the stream has inside.
        var stepCounts = StreamLayers()
        var width: Int?
        var height: Int?
        /// The answer allowed several codecs, and no packet has shown yet which one it is.
        var isUndecided = false
        /// The publisher says that it makes key frames when asked.
        var answersKeyFrameRequests = false
        /// Bits per second that a session's offer names for it.
        var declaredBitrate: Int?

        /// All tracks of the media plane that this one is made of.
        var ids: [TrackID] { layers.isEmpty ? [id] : layers.map(\.id) }
        /// Whether a viewer may choose what it is sent.
        var hasChoice: Bool { !layers.isEmpty || !steps.isEmpty }
    }

    /// One encoding of a picture that its publisher sends several times.
    struct Layer {
        var id: TrackID
        var name: String
        var width: Int?
        var height: Int?
    }

    /// Who feeds the tracks.
    enum Publisher {
        case session(Session, PublisherIdentity)
        case frames(FrameIngest, PublisherIdentity, source: String)

        var identity: PublisherIdentity {
            switch self {
            case .session(_, let identity), .frames(_, let identity, _): identity
            }
        }

        var source: String {
            switch self {
            case .session(let session, _): session.isNodeLink ? "node" : "whip"
            case .frames(_, _, let source): source
            }
        }
    }

    let name: StreamName
    /// The worker where the stream is published, for its whole life.
    let owner: Int
    /// Its frames for whoever reads them.
    let lane = FrameLane()
    /// Where they come from while a session publishes and somebody reads.
    var tap: TapSpecification?
    /// The frames of its layers while services read them, and how many do.
    let layerSlot = LayerSlot()
    var layerReaders = 0
    var tracks: [Track] = []
    var publisher: Publisher?
    /// Under which its publisher claimed it among gateways; 0 where nobody asks.
    var epoch: UInt64 = 0
    var startedAt: ContinuousClock.Instant
    /// Seconds since 1970.
    var startedAtWallClock: Double
    /// When the stream ends if nobody publishes it again.
    var graceEnds: ContinuousClock.Instant?
    var viewers: [String: Session] = [:]
    /// Its picture in other forms.
    var transcodes: [TranscodeForm: Transcode] = [:]
    /// A key frame that was read for a snapshot, of a stream that nobody else reads.
    var keptKeyFrame: (keyFrame: KeyFrame, since: ContinuousClock.Instant)?
    /// Reads the next key frame for all who wait for one.
    var keyFrameSearch: Task<KeyFrame?, Never>?
    /// Workers other than the owner that carry the tracks.
    var relays: Set<Int> = []
    var warnings: [IngestWarning] = []
    /// What is watched all the time of the present publisher.
    var monitor = IngestMonitor()
    /// Bits per second that a session's offer names for all tracks together.
    var declaredBitrate: Int?
    /// What its publisher's credential says about recordings; see ``SessionTerms/record``.
    var record: Bool?
    /// Whether those who follow streams were told of its publisher; they are not told of what is pulled from another gateway.
    var isAnnounced = false
    /// Pictures change places between decoding and display, and not disposably: browsers cannot play this.
    var isReordered = false

    static let maximumWarnings = 16

    /// Whether it is pulled from another gateway.
    var isLinked: Bool {
        if case .session(let session, _) = publisher { session.isNodeLink } else { false }
    }

    mutating func warn(_ warning: IngestWarning) {
        var warning = warning
        warning.since = warnings.first { $0.code == warning.code }?.since ?? warning.since
        warnings.removeAll { $0.code == warning.code }
        if warnings.count < Self.maximumWarnings { warnings.append(warning) }
    }
}

import CongestionControl
import DTLS
import ICE
import Primitives
import RTP
import SFU
import SRTP
import WebRTC

/// One WebRTC session on its worker: transport state, and what it publishes or watches.
struct Peer: ~Copyable {
    /// A publisher's SSRC and the track it feeds.
    struct Source {
        var ssrc: UInt32
        var track: Int
        var binding: Int
        /// Which of the binding's layers it feeds; 0 without simulcast.
        var layer = 0
        var isRetransmission: Bool
        /// The id of its dependency descriptors; `nil` when it sends none.
        var descriptorExtension: UInt8?
        var statistics: ReceptionStatistics
        var sequences = SequenceUnwrapper()
        /// Asks for what is lost; `nil` for retransmissions, and where the publisher does not answer.
        var repair: NACKGenerator?
        /// The media time of the newest frame, and the highest sequence number before it.
        var frameTimestamp: UInt32 = 0
        var lastSequenceBeforeFrame: Int64 = .min
    }

    /// A viewer's forwarder: the track's slot and the position among its forwarders.
    struct Subscription {
        var track: Int
        var position: Int
        var binding: PlaybackBinding
        /// Slots of the picture's layers, from the lowest to the highest bitrate; only the track itself without
        /// simulcast, and empty for sound.
        var layers: [Int] = []
        var selector: LayerSelector?
        /// The slot of the highest layer that the viewer asked for, one of ``layers``; `nil` for the best.
        var wish: Int?
        /// The highest layers inside that stream, and those below it, that the viewer asked for.
        var wishedLimit = LayerLimit.none
        /// What was chosen last; `nil` before the first choice.
        var step: Step?
        /// Since when the viewer has waited to be sent a higher layer of its stream.
        var risingSince: Instant?
        /// The layer to go over to at its next key frame.
        var target: Int?
        /// How packets were called that went out before the last switches, for those that get lost.
        var past: [(track: TrackID, forwarder: Forwarder)] = []

        /// Switches that are remembered; retransmission reaches back a second.
        static let maximumPast = 3
    }

    /// Something that a viewer can be sent of a picture: a track, and how much of it.
    struct Step: Equatable {
        var track: Int
        var limit = LayerLimit.none
    }

    /// A decrypted packet that waits.
    struct HeldPacket {
        var section: Int
        var ssrc: UInt32
        var bytes: [UInt8]
    }

    /// In place of a track's slot: the track has gone.
    static let noTrack = -1
    /// In place of a track's slot: the control plane is about to name one.
    static let awaitedTrack = -2
    /// Packets held at most: the answer takes a millisecond, a key frame has a few dozen packets.
    static let maximumHeld = 256

    enum Role {
        case publisher
        case viewer
    }

    /// SSRCs that a publisher may use at most; simulcast with RTX needs seven, and a participant of a room has several tracks.
    static let maximumSources = 32

    let id: PeerID
    let role: Role
    let dtlsRole: DTLSRole
    let fingerprints: [Fingerprint]
    let createdAt: Instant
    var ice: ICELiteAgent
    /// What connects to another gateway; `nil` for sessions that are connected to.
    var agent: ICEAgent?
    /// The number of the socket of ``agent``; 0 without one.
    var linkNumber: UInt32 = 0
    /// Packets that came before the keys, as the first of a link do: with them comes its key frame.
    var early: [[UInt8]] = []
    /// Where datagrams go: the selected pair's remote address.
    var address: TransportAddress?
    /// Addresses under which the worker's table knows this peer.
    var knownAddresses: [TransportAddress] = []
    var handshakeStarted = false
    /// When a pair was first selected, and when the keys came; for the join histograms.
    var selectedAt: Instant?
    var connectedAt: Instant?
    var sender: SRTPSender?
    var receiver: SRTPReceiver?
    var rtcpOverhead = 0

    var bindings: [IngestBinding] = []
    var bindingTracks: [Int] = []
    /// For each binding the slots of its layers, in the order of the names; empty without simulcast.
    var bindingLayers: [[Int]] = []
    var sources: [Source] = []
    /// Packets of a section that has changed its codec, until the control plane says where they go.
    var held: [HeldPacket] = []
    var subscriptions: [Subscription] = []
    var feedback: TransportFeedbackGenerator
    /// The publisher's clock against ours, from the sender reports of all its tracks.
    var clockOffset = ClockOffset()
    var transportCCExtension: UInt8?
    /// What a publisher that understands only REMB is told; `nil` for others.
    var uplinkLimit: UplinkLimit?
    var lastPacketAt: Instant?
    /// Cumulative loss that a viewer has reported, by our SSRC.
    var reportedLoss: [UInt32: Int] = [:]
    var retransmissionCredit = Peer.retransmissionBurst
    var recentlyRepeated = RepeatFilter()
    /// The payload type for sound that repeats earlier frames; 0 where the viewer does not take it.
    var redPayloadType: UInt8 = 0
    var redundancy = RedundancyControl()
    /// To a viewer and back, from its receiver reports.
    var roundTrip: Interval?
    /// What a viewer's path carries; `nil` for publishers.
    var bandwidth: BandwidthEstimator?
    var pacer = Pacer()
    /// When the first packet of media went to a viewer.
    var mediaBegunAt: Instant?
    /// Whether the viewer is on the pacer's list.
    var isQueued = false
    /// The SSRC of our own reports to a publisher.
    let reportSSRC: UInt32

    /// The slot of the track that a layer of a binding feeds, or ``noTrack`` or ``awaitedTrack``.
    func track(ofBinding binding: Int, layer: Int) -> Int {
        let track = bindingTracks[binding]
        guard track >= 0, bindingLayers[binding].indices.contains(layer) else { return track }
        return bindingLayers[binding][layer]
    }

    /// Takes a measured round trip: what is longer than the last may be a report that was held up.
    mutating func note(roundTrip sample: Interval) {
        roundTrip = roundTrip.map { sample < $0 ? sample : $0 + (sample - $0) / 8 } ?? sample
    }

    /// Retransmitted packets that a viewer may ask for at once, and per second.
    static let retransmissionBurst = 256
    static let retransmissionsPerSecond = 1024

    init(_ specification: PeerSpecification, role: Role, reportSSRC: UInt32, at now: Instant) {
        id = specification.id
        self.role = role
        dtlsRole = specification.role
        fingerprints = specification.fingerprints
        createdAt = now
        ice = ICELiteAgent(local: specification.local, remote: specification.remote, createdAt: now)
        self.reportSSRC = reportSSRC
        feedback = TransportFeedbackGenerator(senderSSRC: reportSSRC)
    }
}

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
        var isRetransmission: Bool
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

    /// SSRCs that a publisher may use at most; simulcast with RTX needs seven.
    static let maximumSources = 16

    let id: PeerID
    let role: Role
    let dtlsRole: DTLSRole
    let fingerprints: [Fingerprint]
    let createdAt: Instant
    var ice: ICELiteAgent
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
    var sources: [Source] = []
    /// Packets of a section that has changed its codec, until the control plane says where they go.
    var held: [HeldPacket] = []
    var subscriptions: [Subscription] = []
    var feedback: TransportFeedbackGenerator
    /// The publisher's clock against ours, from the sender reports of all its tracks.
    var clockOffset = ClockOffset()
    var transportCCExtension: UInt8?
    var lastPacketAt: Instant?
    /// Cumulative loss that a viewer has reported, by our SSRC.
    var reportedLoss: [UInt32: Int] = [:]
    var retransmissionCredit = Peer.retransmissionBurst
    /// The SSRC of our own reports to a publisher.
    let reportSSRC: UInt32

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

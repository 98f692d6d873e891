package import DTLS
package import ICE
package import Media
package import Primitives
import RTP
import SFU
import SRTP
package import WebRTC

/// Why a session is over.
package enum ClientEnd: Equatable, Sendable {
    /// ``ClientSession/close(at:)``.
    case requested
    /// The server ended it (DTLS close_notify).
    case closedByServer
    /// No address of the server answered.
    case unreachable
    /// The server has not answered for 30 s (RFC 7675).
    case silent
    case handshakeFailed(DTLSError)
}

/// One WebRTC session of a client of ours: it publishes to a WHIP server, or watches at a WHEP server.
///
/// ```
///   offered --accept(answer:)--> connecting --path selected--> handshaking --keys--> connected
///                                    |                             |                    |
///                                    +-----------------------------+--------------------+--> ended
/// ```
///
/// The whole client but for sockets and signaling: ICE as a full agent, DTLS, SRTP, packets and frames. A session is one
/// value, and any number of them can share a thread. Datagrams go in by ``receive(_:on:from:at:)``, which decrypts in
/// place; what is to be done comes out of ``nextOutput()``.
///
/// The only clock that it reads is the one inside OpenSSL's retransmission timer; see ``DTLSEndpoint``.
package struct ClientSession: ~Copyable, Engine, Sendable {
    /// What a session is for.
    package enum Purpose: Sendable {
        /// Sends tracks, each in its one codec. AAC cannot travel by RTP and is left out.
        case publish([TrackDescription])
        /// Receives a picture and sound in codecs that are given in order of preference.
        case play([Codec])
    }

    package enum Event: Equatable, Sendable {
        /// The keys are there, and media may flow.
        case connected
        /// The server wants a key frame of this track, numbered as in the tracks to publish.
        case keyFrameRequested(track: Int)
        /// An ICE restart has found a path, and media goes there.
        case restarted
        /// Nothing follows.
        case ended(ClientEnd)
    }

    package enum Output: Sendable {
        /// Send the datagram from the socket bound to `path.local`.
        case transmit([UInt8], path: ICEAgent.Path)
        /// A frame that a decoder can show; its media time counts from the session's connection.
        case frame(EncodedFrame)
        case event(Event)
    }

    enum Phase {
        case offered
        case connecting
        case handshaking
        case connected
        case ended
    }

    /// A server that is to begin the handshake has as long as OpenSSL gives it the other way round.
    static let handshakeTimeout = Interval.seconds(30)
    static let reportInterval = Interval.seconds(1)
    /// The name under which our streams appear (RFC 7022).
    static let canonicalName = "martlet"

    package let offer: ClientOffer
    let local: ICECredentials
    let candidates: [TransportAddress]
    let context: DTLSContext
    /// Nanoseconds from our monotonic clock to Unix time.
    let wallClockOffset: Int64
    /// The SSRC of our reports when we send no media.
    let reportSSRC: UInt32
    var generator: any RandomNumberGenerator & Sendable
    var phase = Phase.offered
    var ice: ICEAgent?
    /// Where datagrams go, and when ``ice`` wants to be advanced: as it last said.
    var path: ICEAgent.Path?
    var iceDeadline: Instant?
    /// A restart has begun and not found a path yet.
    var isRestarting = false
    var dtls: DTLSEndpoint?
    var fingerprints: [Fingerprint] = []
    var role = DTLSRole.client
    var sender: SRTPSender?
    var receiver: SRTPReceiver?
    var incoming: [IncomingTrack] = []
    var outgoing: [OutgoingTrack] = []
    /// The server's clock against ours, from the sender reports of all its tracks.
    var clockOffset = ClockOffset()
    /// Our time at media time 0: of the first frame sent, or of the connection when watching.
    var epoch: Instant?
    var intraRequest: UInt8 = 0
    var nextReportAt: Instant?
    /// When the handshake is given up, or its timer has run out.
    var handshakeEndsAt: Instant?
    var handshakeTimerAt: Instant?
    var connectedAt: Instant?
    var securedAt: Instant?
    var ignoredDatagrams = 0
    private var outputs: [Output] = []
    private var taken = 0

    /// Makes a session and its offer; nothing is sent before ``accept(_:at:)``.
    ///
    /// - Parameters:
    ///   - purpose: What for.
    ///   - context: Our certificate.
    ///   - candidates: The addresses of our sockets, the best first.
    ///   - wallClockOffset: Nanoseconds from the monotonic clock to Unix time, for sender reports.
    ///   - generator: For credentials, SSRCs and sequence numbers: the system's, outside tests.
    package init(
        _ purpose: Purpose,
        context: DTLSContext,
        candidates: [TransportAddress],
        wallClockOffset: Int64,
        generator: any RandomNumberGenerator & Sendable
    ) {
        var generator = generator
        let credentials = Self.credentials(using: &generator)
        let description = LocalDescription(
            credentials: credentials,
            fingerprint: context.fingerprint,
            candidates: candidates,
            sessionID: .random(in: 1...UInt64(Int64.max), using: &generator),
            canonicalName: Self.canonicalName,
            firstSSRC: .random(in: 1...0xFFFF_FF00, using: &generator)
        )
        switch purpose {
        case .publish(let tracks): offer = .publishing(tracks, local: description)
        case .play(let codecs): offer = .playing(codecs: codecs, local: description)
        }
        local = credentials
        self.candidates = candidates
        self.context = context
        self.wallClockOffset = wallClockOffset
        reportSSRC = .random(in: 1...(.max), using: &generator)
        self.generator = generator
    }

    private static func credentials(using generator: inout any RandomNumberGenerator & Sendable) -> ICECredentials {
        func make(_ generator: inout some RandomNumberGenerator) -> ICECredentials {
            ICECredentials(using: &generator)
        }
        return make(&generator)
    }

    // MARK: - Getters

    package var hasEnded: Bool { phase == .ended }

    package var statistics: ClientStatistics {
        var statistics = ClientStatistics()
        statistics.connectedAt = connectedAt
        statistics.securedAt = securedAt
        statistics.incoming = incoming.map(\.statistics)
        statistics.outgoing = outgoing.map(\.statistics)
        statistics.ignoredDatagrams = ignoredDatagrams
        return statistics
    }

    package var deadline: Instant? {
        guard phase != .ended else { return nil }
        var deadlines = [iceDeadline, handshakeTimerAt, handshakeEndsAt, nextReportAt]
        for track in incoming { deadlines.append(track.deadline) }
        return deadlines.compactMap { $0 }.min()
    }

    // MARK: - Inputs

    /// Begins to connect, with what ``ClientOffer/read(answer:)`` made of the server's answer.
    package mutating func accept(_ answer: ClientAnswer, at now: Instant) {
        guard phase == .offered else { return }
        phase = .connecting
        role = answer.role
        fingerprints = answer.fingerprints
        for track in answer.tracks {
            if isPublisher, let ssrc = track.ssrc {
                outgoing.append(OutgoingTrack(track, ssrc: ssrc, using: &generator))
            } else {
                incoming.append(IncomingTrack(track))
            }
        }
        // The offerer controls, and a full agent always does where the other one is lite (RFC 8445 §6.1.1).
        ice = ICEAgent(
            role: answer.isCounterOffer && !answer.isLite ? .controlled : .controlling,
            local: local,
            remote: answer.credentials,
            remoteIsLite: answer.isLite,
            localCandidates: localCandidates,
            createdAt: now,
            generator: generator
        )
        for candidate in answer.candidates { ice?.addRemoteCandidate(candidate, at: now) }
        advance(to: now)
    }

    /// Ends the session in good order; send what comes out.
    package mutating func close(at now: Instant) {
        guard phase != .ended else { return }
        let sources = outgoing.map(\.ssrc)
        if !sources.isEmpty { sendRTCP([.goodbye(Goodbye(sources: sources))]) }
        dtls?.close()
        drainHandshake(at: now)
        end(.requested)
    }

    package mutating func advance(to now: Instant) {
        guard phase != .ended else { return }
        ice?.advance(to: now)
        drainICE(at: now)
        advanceHandshake(to: now)
        advanceMedia(to: now)
    }

    package mutating func nextOutput() -> Output? {
        guard taken < outputs.count else { return nil }
        defer {
            taken += 1
            if taken == outputs.count {
                outputs.removeAll(keepingCapacity: true)
                taken = 0
            }
        }
        return outputs[taken]
    }

    // MARK: - Within

    var isPublisher: Bool { offer.publishes }

    mutating func emit(_ output: Output) {
        outputs.append(output)
    }

    mutating func end(_ reason: ClientEnd) {
        guard phase != .ended else { return }
        for index in incoming.indices {
            for frame in incoming[index].release(since: ntp(at: epoch ?? .zero)) { emit(.frame(frame)) }
        }
        phase = .ended
        emit(.event(.ended(reason)))
    }

    func ntp(at now: Instant) -> NTPTime {
        NTPTime(unixNanoseconds: now.nanoseconds &+ wallClockOffset)
    }
}

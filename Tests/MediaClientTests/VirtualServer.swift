import DTLS
import ICE
import Media
import MediaClient
import Primitives
import RTP
import SRTP
import TestSupport
import WebRTC

/// A WHIP or WHEP server without a socket: ICE-lite, real DTLS and SRTP.
final class VirtualServer {
    struct ReceivedPacket {
        var header: RTPHeader
        var payload: [UInt8]
    }

    static let address = TransportAddress(ipv4: 0x7F00_0001, port: 8100)

    let answer: String
    /// Datagrams to send.
    var outgoing: [[UInt8]] = []
    private(set) var packets: [ReceivedPacket] = []
    private(set) var reports: [RTCPPacket] = []
    private(set) var isConnected = false
    private(set) var isClosed = false
    /// Whether NACKs are answered.
    var repairs = true
    private(set) var senders: [PlaybackSender] = []
    private(set) var publishedTracks: [IngestTrack] = []

    private let context: DTLSContext
    private var ice: ICELiteAgent
    private var dtls: DTLSEndpoint
    private var protector: SRTPSender?
    private var unprotector: SRTPReceiver?
    private var packetizers: [RTPPacketizer] = []
    private var sequences: [SequenceUnwrapper] = []
    private var histories: [SentPackets] = []
    private var nextRetransmission: UInt64 = 0

    /// Answers an offer; `tracks` is what is sent to a viewer.
    init(offer text: String, tracks: [TrackDescription]?) throws {
        var generator = SeededGenerator(seed: 77)
        context = try DTLSContext()
        let offer = try SessionOffer(parsing: Array(text.utf8))
        let credentials = ICECredentials(using: &generator)
        let local = LocalDescription(
            credentials: credentials, fingerprint: context.fingerprint, candidates: [Self.address], sessionID: 1,
            canonicalName: "server", firstSSRC: 5_000)
        let role: DTLSRole
        if let tracks {
            let playback = try offer.playbackAnswer(tracks: tracks, local: local)
            (answer, role, senders) = (playback.sdp, playback.role, playback.senders)
            for sender in senders {
                packetizers.append(
                    RTPPacketizer(
                        codec: tracks[sender.trackIndex].codec, payloadType: sender.payloadType, ssrc: sender.ssrc,
                        firstSequenceNumber: 65_500, maximumPayloadSize: 300))
                sequences.append(SequenceUnwrapper())
                histories.append(SentPackets())
            }
        } else {
            let ingest = try offer.ingestAnswer(local: local)
            (answer, role, publishedTracks) = (ingest.sdp, ingest.role, ingest.tracks)
        }
        ice = ICELiteAgent(local: credentials, remote: nil, createdAt: .zero)
        dtls = try DTLSEndpoint(context: context, role: role, expected: offer.fingerprints)
    }

    // MARK: - In

    func receive(_ datagram: [UInt8], from source: TransportAddress, at now: Instant) {
        switch DatagramKind(datagram.span) {
        case .stun:
            if case .respond(let response, _, _) = ice.receive(datagram.span, from: source, at: now) {
                outgoing.append(response)
            }
        case .dtls:
            dtls.receive(datagram.span)
            drain()
        case .rtp: receiveRTP(datagram)
        case .rtcp: receiveRTCP(datagram)
        case .other: break
        }
    }

    private func drain() {
        while let event = dtls.nextEvent() {
            switch event {
            case .connected(let keys):
                let profile: SRTPProfile = keys.profile == .aeadAES128GCM ? .aeadAES128GCM : .aes128CMSHA1_80
                protector = try? SRTPSender(profile: profile, key: keys.localKey, salt: keys.localSalt)
                unprotector = try? SRTPReceiver(profile: profile, key: keys.remoteKey, salt: keys.remoteSalt)
                isConnected = true
            case .failed: break
            case .closed: isClosed = true
            }
        }
        while let datagram = dtls.nextDatagram() { outgoing.append(datagram) }
    }

    private func receiveRTP(_ datagram: [UInt8]) {
        var bytes = datagram
        let length = try? bytes.withUnsafeMutableBytes { try unprotector?.unprotect($0) }
        guard let length, let header = try? RTPHeader(parsing: bytes.span.extracting(first: length)) else { return }
        packets.append(ReceivedPacket(header: header, payload: Array(bytes[header.payloadRange])))
    }

    private func receiveRTCP(_ datagram: [UInt8]) {
        var bytes = datagram
        let length = try? bytes.withUnsafeMutableBytes { try unprotector?.unprotectRTCP($0) }
        guard let length, let parsed = try? RTCPPacket.parseCompound(bytes.span.extracting(first: length)) else {
            return
        }
        reports += parsed
        guard repairs else { return }
        for case .genericNACK(let nack) in parsed { answer(nack) }
    }

    // MARK: - Out

    func close() {
        dtls.close()
        drain()
    }

    /// Sends a frame of the track at `index` among the senders.
    func send(_ frame: EncodedFrame, track index: Int, configuration: CodecConfiguration? = nil) throws {
        let timestamp = UInt32(truncatingIfNeeded: frame.presentationTime * Int64(frame.codec.clockRate) / 1_000_000)
        var burst = PacketBurst()
        try packetizers[index].packetize(frame, configuration: configuration, timestamp: timestamp, into: &burst)
        for entry in burst.entries {
            let bytes = Array(burst.bytes[Int(entry.offset)..<Int(entry.offset + entry.length)])
            let number = try RTPHeader(parsing: bytes.span).sequenceNumber
            let position = UInt64(sequences[index].unwrap(number))
            histories[index].store(bytes, index: position)
            send(bytes, ssrc: senders[index].ssrc, index: position)
        }
    }

    private func answer(_ nack: GenericNACK) {
        guard let index = senders.firstIndex(where: { $0.ssrc == nack.mediaSSRC }),
            let payloadType = senders[index].rtxPayloadType, let ssrc = senders[index].rtxSSRC
        else { return }
        for number in nack.lost {
            guard let packet = histories[index].packet(number),
                let header = try? RTPHeader(parsing: packet.bytes.span)
            else { continue }
            var bytes: [UInt8] = []
            RTPHeader.append(
                to: &bytes, payloadType: payloadType, marker: header.marker,
                sequenceNumber: UInt16(truncatingIfNeeded: nextRetransmission), timestamp: header.timestamp, ssrc: ssrc)
            bytes += [UInt8(number >> 8), UInt8(number & 255)] + packet.bytes[header.payloadRange]
            send(bytes, ssrc: ssrc, index: nextRetransmission)
            nextRetransmission += 1
        }
    }

    private func send(_ packet: [UInt8], ssrc: UInt32, index: UInt64) {
        var bytes = packet + [UInt8](repeating: 0, count: 16)
        let length = bytes.withUnsafeMutableBytes { buffer in
            protector?.protect(
                buffer.baseAddress!, headerLength: 12,
                payload: UnsafeRawBufferPointer(rebasing: buffer[12..<packet.count]), ssrc: ssrc, index: index)
        }
        if let length, length > 0 { outgoing.append(Array(bytes.prefix(length))) }
    }

    func send(_ packets: [RTCPPacket]) {
        var writer = ByteWriter()
        RTCPPacket.receiverReport(ReceiverReport(ssrc: 1)).write(to: &writer)
        for packet in packets { packet.write(to: &writer) }
        var bytes = writer.bytes + [UInt8](repeating: 0, count: 20)
        let length = bytes.withUnsafeMutableBytes { buffer in
            protector?.protectRTCP(buffer.baseAddress!, length: writer.count)
        }
        if let length, length > 0 { outgoing.append(Array(bytes.prefix(length))) }
    }

    var nacks: [GenericNACK] { reports.compactMap { if case .genericNACK(let nack) = $0 { nack } else { nil } } }
    var keyFrameRequests: Int {
        reports.count { if case .pictureLossIndication = $0 { true } else { false } }
    }
    var senderReports: [SenderReport] {
        reports.compactMap { if case .senderReport(let report) = $0 { report } else { nil } }
    }
    var reportBlocks: [ReportBlock] {
        reports.flatMap { packet -> [ReportBlock] in
            if case .receiverReport(let report) = packet { report.reportBlocks } else { [] }
        }
    }
    var saidGoodbye: Bool { reports.contains { if case .goodbye = $0 { true } else { false } } }
}

/// A session and its server on a path of 10 ms each way.
final class VirtualNetwork {
    static let clientAddress = TransportAddress(ipv4: 0x7F00_0001, port: 40_000)
    private static let latency = Interval.milliseconds(10)

    private var session: ClientSession
    private(set) var server: VirtualServer?
    private(set) var now = Instant.zero
    private(set) var frames: [EncodedFrame] = []
    private(set) var events: [ClientSession.Event] = []
    /// Whether media packets are lost on their way to the client.
    var losesMedia: () -> Bool = { false }
    var isCut = false
    private var inFlight: [(at: Instant, toServer: Bool, bytes: [UInt8])] = []

    init(_ purpose: ClientSession.Purpose, tracks: [TrackDescription]? = nil, hasServer: Bool = true) throws {
        session = ClientSession(
            purpose, context: try DTLSContext(), candidates: [Self.clientAddress],
            wallClockOffset: 1_790_000_000_000_000_000, generator: SeededGenerator(seed: 3))
        let server = try VirtualServer(offer: session.offer.sdp, tracks: tracks)
        if hasServer { self.server = server }
        session.accept(try session.offer.read(answer: Array(server.answer.utf8)), at: now)
        settle()
    }

    var statistics: ClientStatistics { session.statistics }
    var hasEnded: Bool { session.hasEnded }

    /// Moves time forward, stopping at each datagram and deadline.
    func run(for interval: Interval) {
        let end = now + interval
        while true {
            let arrival = inFlight.first?.at ?? .distantFuture
            let next = min(arrival, max(session.deadline ?? .distantFuture, now))
            guard next <= end else { break }
            now = next
            if arrival == next {
                let datagram = inFlight.removeFirst()
                deliver(datagram.bytes, toServer: datagram.toServer)
            }
            session.advance(to: now)
            settle()
        }
        now = end
    }

    /// Runs until the session is connected; a handshake takes a few round trips.
    func connect() {
        for _ in 0..<100 where !events.contains(.connected) { run(for: .milliseconds(20)) }
        // The last flight may still be on its way.
        run(for: .milliseconds(50))
    }

    func apply(_ change: (inout ClientSession, Instant) -> Void) {
        change(&session, now)
        settle()
    }

    func send(_ frame: EncodedFrame) {
        apply { $0.send(frame, at: $1) }
    }

    /// A datagram from anywhere.
    func inject(_ datagram: [UInt8]) {
        deliver(datagram, toServer: false)
        settle()
    }

    private func deliver(_ bytes: [UInt8], toServer: Bool) {
        if toServer {
            server?.receive(bytes, from: Self.clientAddress, at: now)
        } else {
            var bytes = bytes
            bytes.withUnsafeMutableBytes {
                session.receive($0, on: Self.clientAddress, from: VirtualServer.address, at: now)
            }
        }
    }

    func settle() {
        while let output = session.nextOutput() {
            switch output {
            case .transmit(let bytes, let path):
                precondition(path.local == Self.clientAddress)
                if !isCut { inFlight.append((now + Self.latency, true, bytes)) }
            case .frame(let frame): frames.append(frame)
            case .event(let event): events.append(event)
            }
        }
        for bytes in server?.outgoing ?? [] {
            let isMedia = DatagramKind(bytes.span) == .rtp
            if isCut || (isMedia && losesMedia()) { continue }
            inFlight.append((now + Self.latency, false, bytes))
        }
        server?.outgoing = []
    }
}

import DTLS
import ICE
import Media
import MediaIO
import Primitives
import RTP
import SRTP
import STUN
import TestSupport
import WebRTC

/// Takes what a worker sends, instead of a socket; can be told to be full.
final class VirtualSink: DatagramSink {
    var datagrams: [(bytes: [UInt8], to: TransportAddress)] = []
    /// Calls that the kernel would have had to do them.
    var messages = 0
    /// Datagrams that may still leave; `nil` for any number.
    var room: Int?

    func send(_ messages: UnsafeBufferPointer<OutgoingMessage>, arena: UnsafeRawPointer) -> SendProgress {
        for (index, message) in messages.enumerated() {
            var offset = 0
            self.messages += 1
            while offset < message.length {
                if let room {
                    if room == 0 { return SendProgress(messages: index, bytesOfNext: offset) }
                    self.room = room - 1
                }
                let length = min(message.segmentSize, message.length - offset)
                let bytes = UnsafeRawBufferPointer(start: arena + message.offset + offset, count: length)
                datagrams.append((Array(bytes), message.destination))
                offset += length
            }
        }
        return SendProgress(messages: messages.count)
    }

    func take() -> [(bytes: [UInt8], to: TransportAddress)] {
        defer { datagrams = [] }
        return datagrams
    }
}

/// A worker's core in virtual time, with the doors a test needs.
final class VirtualWorker {
    private var core: MediaCore
    private var batch: SendBatch
    let sink = VirtualSink()
    var now: Instant
    private(set) var events: [MediaEvent] = []
    private(set) var handshakes: [HandshakeInput] = []
    private(set) var messages: [MediaCore.Message] = []
    private var tapped: [TappedPackets] = []

    init(number: Int = 0, count: Int = 1, now: Instant = .zero) {
        self.now = now
        core = MediaCore(
            configuration: .init(worker: number),
            workerCount: count,
            wallClockOffset: 1_790_000_000_000_000_000,
            seed: UInt64(number) + 1,
            at: now
        )
        batch = SendBatch(sink: sink)
    }

    func perform(_ command: MediaCommand) {
        core.perform(command, at: now, into: &batch)
        settle()
    }

    func receive(_ datagram: [UInt8], from source: TransportAddress) {
        var bytes = datagram
        bytes.withUnsafeMutableBytes { core.receive($0, from: source, at: now, into: &batch) }
        core.flushForeign()
        settle()
    }

    /// Moves time forward, stopping wherever the core wants to be advanced.
    func run(until end: Instant) {
        while let deadline = core.deadline, deadline <= end {
            now = max(now, deadline)
            core.advance(to: now, into: &batch)
            settle()
        }
        now = end
    }

    /// The socket has room again.
    func resume() {
        if batch.resume() { core.resumeViewers(at: now, into: &batch) }
        settle()
    }

    /// A TCP connection has ended.
    func forgetPath(_ address: TransportAddress) {
        core.forgetPath(address)
        settle()
    }

    func isKnown(_ address: TransportAddress) -> Bool { core.isKnown(address) }
    var usernameCount: Int { core.usernameCount }
    var isBlocked: Bool { batch.isBlocked }

    func report() -> MediaReport {
        var result = MediaReport()
        withUnsafeMutablePointer(to: &result) { pointer in
            nonisolated(unsafe) let place = pointer
            core.perform(.report(MediaReportRequest { place.pointee = $0 }), at: now, into: &batch)
        }
        return result
    }

    func report(viewers: [PeerID]) -> [ViewerReport] {
        var result: [ViewerReport] = []
        withUnsafeMutablePointer(to: &result) { pointer in
            nonisolated(unsafe) let place = pointer
            let request = ViewerReportRequest(peers: viewers) { place.pointee = $0 }
            core.perform(.reportViewers(request), at: now, into: &batch)
        }
        return result
    }

    func takeMessages() -> [MediaCore.Message] {
        defer { messages = [] }
        return messages
    }

    /// What has been copied for readers of frames since the last call.
    func takeTapped() -> [TappedPackets] {
        defer { tapped = [] }
        return tapped
    }

    private func settle() {
        batch.flush()
        events += core.events
        handshakes += core.handshakes
        messages += core.messages
        tapped += core.tapped
        core.events = []
        core.handshakes = []
        core.messages = []
        core.tapped = []
    }
}

/// A client with real ICE credentials and SRTP keys; its DTLS handshake is scripted.
final class VirtualClient {
    let id: PeerID
    let address: TransportAddress
    let local: ICECredentials
    private let remote = ICECredentials(usernameFragment: "client", password: Secret("client-password-0123456789"))
    private var sender: SRTPSender
    private var receiver: SRTPReceiver
    private let keys: DTLSKeys
    private var transaction: UInt8 = 0

    init(id: PeerID, worker: Int = 0) throws {
        self.id = id
        address = TransportAddress(ipv4: 0x7F00_0001, port: UInt16(10_000 + id % 50_000))
        var generator = SeededGenerator(seed: id)
        let made = SessionUsername.make(worker: worker, using: &generator)
        local = ICECredentials(usernameFragment: made.usernameFragment, password: Secret(made.password))
        let byte = UInt8(truncatingIfNeeded: id)
        let ours = [UInt8](repeating: byte &+ 1, count: 16)
        let theirs = [UInt8](repeating: byte &+ 2, count: 16)
        let salt = [UInt8](repeating: 7, count: 12)
        keys = DTLSKeys(profile: .aeadAES128GCM, localKey: theirs, localSalt: salt, remoteKey: ours, remoteSalt: salt)
        sender = try SRTPSender(profile: .aeadAES128GCM, key: ours, salt: salt)
        receiver = try SRTPReceiver(profile: .aeadAES128GCM, key: theirs, salt: salt)
    }

    var specification: PeerSpecification {
        PeerSpecification(id: id, local: local, remote: remote, role: .server, fingerprints: [])
    }

    /// A check with the credentials of the offer, or with others.
    func bindingRequest(
        useCandidate: Bool = true,
        with credentials: ICECredentials? = nil,
        priority: UInt32 = 1
    ) -> [UInt8] {
        transaction &+= 1
        let local = credentials ?? local
        var attributes: [STUNAttribute] = [
            .username(Array("\(local.usernameFragment):\(remote.usernameFragment)".utf8)), .priority(priority),
            .iceControlling(1),
        ]
        if useCandidate { attributes.append(.useCandidate) }
        let message = STUNMessage(
            class: .request,
            transactionID: [UInt8](repeating: transaction, count: 12),
            attributes: attributes
        )
        return message.encoded(integrityKey: Array(local.password.revealed.utf8))
    }

    /// ICE, over the usual address or another one, and the scripted end of DTLS.
    func connect(to worker: VirtualWorker, from source: TransportAddress? = nil) {
        worker.receive(bindingRequest(), from: source ?? address)
        worker.perform(.handshake(id, .connected(keys, lastFlight: [])))
    }

    /// An RTP packet, protected.
    func packet(
        payloadType: UInt8,
        sequence: UInt32,
        timestamp: UInt32,
        ssrc: UInt32,
        marker: Bool,
        payload: [UInt8],
        extensions: [RTPHeaderExtensions.Element] = []
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        RTPHeader.append(
            to: &bytes,
            payloadType: payloadType,
            marker: marker,
            sequenceNumber: UInt16(truncatingIfNeeded: sequence),
            timestamp: timestamp,
            ssrc: ssrc,
            extensions: extensions
        )
        let headerLength = bytes.count
        bytes += [UInt8](repeating: 0, count: payload.count + 16)
        let length = bytes.withUnsafeMutableBytes { output in
            payload.withUnsafeBytes { payload in
                sender.protect(
                    output.baseAddress!,
                    headerLength: headerLength,
                    payload: payload,
                    ssrc: ssrc,
                    index: UInt64(sequence)
                )
            }
        }
        return Array(bytes.prefix(length))
    }

    func rtcp(_ packets: [RTCPPacket]) -> [UInt8] {
        var writer = ByteWriter()
        for packet in packets { packet.write(to: &writer) }
        var bytes = writer.bytes + [UInt8](repeating: 0, count: 32)
        let length = bytes.withUnsafeMutableBytes { sender.protectRTCP($0.baseAddress!, length: writer.count) }
        return Array(bytes.prefix(length))
    }

    /// Decrypts an RTP packet; `nil` for RTCP, STUN and what does not authenticate.
    func open(_ datagram: [UInt8]) -> (header: RTPHeader, payload: [UInt8])? {
        guard let packet = openWhole(datagram), let header = try? RTPHeader(parsing: packet.span) else { return nil }
        return (header, Array(packet[header.payloadRange]))
    }

    /// Decrypts an RTP packet, header and all.
    func openWhole(_ datagram: [UInt8]) -> [UInt8]? {
        guard datagram.count > 12, datagram[0] >> 6 == 2, !RTCPType.isRTCP(datagram.span) else { return nil }
        var bytes = datagram
        guard let length = bytes.withUnsafeMutableBytes({ try? receiver.unprotect($0) }) else { return nil }
        return Array(bytes.prefix(length))
    }

    /// Decrypts RTCP; empty for anything else.
    func openRTCP(_ datagram: [UInt8]) -> [RTCPPacket] {
        guard datagram.count > 8, datagram[0] >> 6 == 2, RTCPType.isRTCP(datagram.span) else { return [] }
        var bytes = datagram
        guard let length = bytes.withUnsafeMutableBytes({ try? receiver.unprotectRTCP($0) }) else { return [] }
        return (try? RTCPPacket.parseCompound(Array(bytes.prefix(length)).span)) ?? []
    }
}

/// A publisher of H.264 whose (otherwise senseless) payloads tell which packet they are.
final class VirtualCamera {
    static let payloadType: UInt8 = 102
    let client: VirtualClient
    let ssrc: UInt32
    var sequence: UInt32
    var timestamp: UInt32
    /// Counts packets across restarts, so that a viewer can tell what it got.
    var counter: UInt32

    init(
        client: VirtualClient,
        ssrc: UInt32 = 0x1111,
        sequence: UInt32 = 100,
        timestamp: UInt32 = 1000,
        counter: UInt32 = 0
    ) {
        self.client = client
        self.ssrc = ssrc
        self.sequence = sequence
        self.timestamp = timestamp
        self.counter = counter
    }

    static let rtxPayloadType: UInt8 = 103
    /// Ids of the extensions that name the layer of a packet, and of the one that it repairs.
    static let ridExtension: UInt8 = 10
    static let repairedRIDExtension: UInt8 = 11
    /// The layer's name; `nil` without simulcast.
    var rid: String?
    /// When the next frames were captured, by the camera's clock; `nil` says nothing.
    var capturedAt: NTPTime?
    static let captureTimeExtension: UInt8 = 7
    /// Stands in each payload behind the packet's number.
    var mark: UInt8 = 0xAB
    var rtxSSRC: UInt32 { ssrc + 1 }
    private var rtxSequence: UInt32 = 7000
    /// Parameter sets, each in a packet of its own in front of every key frame.
    var parameterSets: [[UInt8]] = []
    /// Whether requests for packets go unanswered.
    var forgetsPackets = false
    /// What was sent, by sequence number, to be sent again.
    private var sent: [UInt16: (timestamp: UInt32, marker: Bool, payload: [UInt8])] = [:]

    static func track(supportsPLI: Bool = true, supportsNACK: Bool = false, rtx: Bool = false) -> IngestTrack {
        IngestTrack(
            mid: "0",
            selected: IngestFormat(
                description: TrackDescription(codec: .h264),
                payloadType: payloadType,
                rtxPayloadType: rtx ? rtxPayloadType : nil,
                supportsNACK: supportsNACK,
                supportsPLI: supportsPLI
            )
        )
    }

    /// Sends packets again as a publisher with RTX does (RFC 4588); numbers that were never sent are passed over.
    func retransmit(_ numbers: [UInt16]) -> [[UInt8]] {
        numbers.compactMap { number in
            guard let packet = sent[number] else { return nil }
            defer { rtxSequence += 1 }
            return client.packet(
                payloadType: Self.rtxPayloadType,
                sequence: rtxSequence,
                timestamp: packet.timestamp,
                ssrc: rtxSSRC,
                marker: packet.marker,
                payload: [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)] + packet.payload,
                extensions: rid.map { [.init(id: Self.repairedRIDExtension, value: Array($0.utf8))] } ?? []
            )
        }
    }

    /// Sends packets again under their own SSRC and number, byte for byte; nothing when ``forgetsPackets``.
    func repeatPackets(_ numbers: [UInt16]) -> [[UInt8]] {
        numbers.compactMap { number in
            guard !forgetsPackets, let packet = sent[number] else { return nil }
            let ahead = UInt16(truncatingIfNeeded: sequence) &- number
            return client.packet(
                payloadType: Self.payloadType, sequence: sequence - UInt32(ahead), timestamp: packet.timestamp,
                ssrc: ssrc, marker: packet.marker, payload: packet.payload)
        }
    }

    /// A retransmission packet that holds nothing, as senders use to probe for bandwidth.
    func probe() -> [UInt8] {
        defer { rtxSequence += 1 }
        return client.packet(
            payloadType: Self.rtxPayloadType, sequence: rtxSequence, timestamp: timestamp, ssrc: rtxSSRC, marker: false,
            payload: [])
    }

    /// The datagrams of one frame; a key frame begins with an IDR slice.
    ///
    /// `extra` is how many bytes each packet has beyond `size`; 0 behind its end.
    func frame(
        isKeyFrame: Bool, packets: Int = 3, ticks: UInt32 = 3000, size: Int = 900, extra: [Int] = []
    ) -> [[UInt8]] {
        timestamp &+= ticks
        let sets = (isKeyFrame ? parameterSets : []).map { set in
            defer { sequence += 1 }
            return client.packet(
                payloadType: Self.payloadType, sequence: sequence, timestamp: timestamp, ssrc: ssrc, marker: false,
                payload: set, extensions: rid.map { [.init(id: Self.ridExtension, value: Array($0.utf8))] } ?? [])
        }
        return sets
            + (0..<packets).map { index in
                defer {
                    sequence += 1
                    counter += 1
                }
                let type: UInt8 = isKeyFrame ? 0x65 : 0x41
                let number = (0..<4).map { UInt8(truncatingIfNeeded: counter >> (24 - 8 * UInt32($0))) }
                let length = size + (index < extra.count ? extra[index] : 0)
                let payload = [type, 0x88] + number + [UInt8](repeating: mark, count: length)
                sent[UInt16(truncatingIfNeeded: sequence)] = (timestamp, index == packets - 1, payload)
                return client.packet(
                    payloadType: Self.payloadType,
                    sequence: sequence,
                    timestamp: timestamp,
                    ssrc: ssrc,
                    marker: index == packets - 1,
                    payload: payload,
                    extensions: (rid.map { [.init(id: Self.ridExtension, value: Array($0.utf8))] } ?? [])
                        + (capturedAt.map {
                            [AbsoluteCaptureTime(capturedAt: $0).element(id: Self.captureTimeExtension)]
                        } ?? [])
                )
            }
    }
}

/// What a viewer has received.
struct Received {
    var sequences: [UInt16] = []
    var timestamps: [UInt32] = []
    /// The camera's packet numbers.
    var counters: [UInt32] = []

    mutating func add(_ packet: (header: RTPHeader, payload: [UInt8])) {
        sequences.append(packet.header.sequenceNumber)
        timestamps.append(packet.header.timestamp)
        counters.append(packet.payload[2...5].reduce(0) { $0 << 8 | UInt32($1) })
    }

    /// Whether the sequence numbers count up without a gap.
    var isContinuous: Bool { zip(sequences, sequences.dropFirst()).allSatisfy { $1 == $0 &+ 1 } }
    /// Whether timestamps never go back.
    var isMonotonic: Bool { zip(timestamps, timestamps.dropFirst()).allSatisfy { Int32(bitPattern: $1 &- $0) >= 0 } }
}

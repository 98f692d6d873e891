package import Media
package import Primitives

/// A publisher's side of a connection.
///
/// ```
/// handshaking -> connecting -> creating stream -> requesting -> publishing
/// ```
package struct RTMPClientSession: Engine, ~Copyable {
    package enum Output: Equatable, Sendable {
        case send([UInt8])
        /// The server lets us in: configurations and frames may follow.
        case publishing
        /// The connection is over; close it.
        case closed(RTMPError)
    }

    private enum Phase: Equatable {
        case handshaking
        case connecting
        case creatingStream
        case requesting
        case publishing
        case closed
    }

    /// Transaction ids of the commands whose answers we wait for.
    private enum Transaction {
        static let connect = 1.0
        static let createStream = 4.0
    }

    private static let chunkSize: UInt32 = 60_000
    private static let commandChunks: UInt8 = 3
    private static let audioChunks: UInt8 = 4
    private static let videoChunks: UInt8 = 6

    private let url: RTMPURL
    private let limits: RTMPLimits
    private var phase = Phase.handshaking
    private var handshake: ClientHandshake
    private var reader: ChunkReader
    private var writer = ChunkWriter()
    private var acknowledger = Acknowledger()
    private var streamID: UInt32 = 0
    private var outputs: [Output] = []
    private var now: Instant
    private var phaseBeganAt: Instant

    /// - Parameters:
    ///   - url: Where to publish.
    ///   - now: When the connection was made.
    ///   - limits: What the server may make us hold, and how long it may take.
    ///   - generator: For the random bytes of the handshake, which protect nothing.
    package init(
        publishingTo url: RTMPURL,
        now: Instant,
        limits: RTMPLimits = RTMPLimits(),
        using generator: inout some RandomNumberGenerator
    ) {
        self.url = url
        self.limits = limits
        self.now = now
        phaseBeganAt = now
        handshake = ClientHandshake(random: randomHandshakeBytes(using: &generator))
        reader = ChunkReader(limits: limits)
        outputs = [.send(handshake.opening)]
    }

    // MARK: - Inputs

    package mutating func receive(_ bytes: Span<UInt8>, at now: Instant) {
        guard phase != .closed else { return }
        self.now = max(self.now, now)
        do { try process(bytes) } catch { fail(error) }
    }

    /// Announces a decoder's configuration; to be called before its first frame and when it changes.
    package mutating func configure(_ configuration: CodecConfiguration) {
        guard let record = configuration.sequenceHeader else { return }
        send(
            MediaTag(codec: configuration.codec, content: .configuration(record), isKeyFrame: true),
            timestamp: 0
        )
    }

    /// Sends a frame.
    ///
    /// Before ``Output/publishing`` it is dropped.
    package mutating func write(_ frame: EncodedFrame) {
        let reordering = (frame.presentationTime - frame.decodeTime) / 1_000
        send(
            MediaTag(
                codec: frame.codec,
                content: .frame(frame.payload),
                isKeyFrame: frame.isKeyFrame,
                compositionTime: Int32(clamping: min(max(reordering, -8_388_608), 8_388_607))
            ),
            timestamp: UInt32(truncatingIfNeeded: frame.decodeTime / 1_000)
        )
    }

    /// Ends the publication in good order.
    ///
    /// Send what comes out, then close the connection.
    package mutating func finish() {
        guard phase == .publishing else { return }
        send(Command(name: "FCUnpublish", transactionID: 0, values: [.null, .string(url.streamKey)]).message)
        send(Command(name: "deleteStream", transactionID: 0, values: [.null, .number(Double(streamID))]).message)
        phase = .closed
    }

    package mutating func advance(to now: Instant) {
        self.now = max(self.now, now)
        guard let deadline, self.now >= deadline else { return }
        fail(phase == .handshaking ? .handshakeTimedOut : .publishTimedOut)
    }

    package var deadline: Instant? {
        switch phase {
        case .handshaking: phaseBeganAt + limits.handshakeTimeout
        case .connecting, .creatingStream, .requesting: phaseBeganAt + limits.publishTimeout
        case .publishing, .closed: nil
        }
    }

    package mutating func nextOutput() -> Output? {
        outputs.isEmpty ? nil : outputs.removeFirst()
    }

    // MARK: - Sending

    private mutating func send(_ message: RTMPMessage, chunkStreamID: UInt8 = commandChunks) {
        var bytes = ByteWriter(capacity: message.payload.count + 64)
        writer.write(message, chunkStreamID: chunkStreamID, to: &bytes)
        outputs.append(.send(bytes.bytes))
    }

    private mutating func send(_ tag: MediaTag, timestamp: UInt32) {
        guard phase == .publishing else { return }
        var body = ByteWriter(capacity: 256)
        tag.write(to: &body)
        let isAudio = tag.codec.kind == .audio
        send(
            RTMPMessage(
                type: isAudio ? .audio : .video,
                streamID: streamID,
                timestamp: timestamp,
                payload: body.bytes
            ),
            chunkStreamID: isAudio ? Self.audioChunks : Self.videoChunks
        )
    }

    private mutating func fail(_ error: RTMPError) {
        guard phase != .closed else { return }
        phase = .closed
        outputs.append(.closed(error))
    }

    // MARK: - The server's answers

    private mutating func process(_ bytes: Span<UInt8>) throws(RTMPError) {
        var input = ByteReader(bytes)
        if phase == .handshaking {
            guard case .done(let c2) = try handshake.receive(&input) else { return }
            outputs.append(.send(c2))
            phase = .connecting
            phaseBeganAt = now
            send(.control(.setChunkSize, Self.chunkSize), chunkStreamID: 2)
            send(connectCommand.message)
        } else if let sequenceNumber = acknowledger.receive(bytes.count) {
            send(.control(.acknowledgement, sequenceNumber), chunkStreamID: 2)
        }
        for message in try reader.receive(input.readRemaining()) {
            guard phase != .closed else { return }
            switch message.type {
            case .commandAMF0, .commandAMF3:
                let command: Command
                do { command = try Command(message, limits: limits.amf) } catch { throw .malformed(error) }
                try handle(command)
            case .windowAcknowledgementSize: acknowledger.setWindow(try UInt32(controlPayload: message.payload))
            case .userControl: answerPing(message.payload)
            default: break
            }
        }
    }

    private mutating func answerPing(_ payload: [UInt8]) {
        var body = ByteReader(payload.span)
        guard let event = try? body.readInteger(as: UInt16.self), event == UserControlEvent.pingRequest.rawValue,
            let value = try? body.readInteger(as: UInt32.self)
        else { return }
        send(.userControl(.pingResponse, value), chunkStreamID: 2)
    }

    private var connectCommand: Command {
        Command(
            name: "connect",
            transactionID: Transaction.connect,
            values: [
                .object([
                    "app": .string(url.app), "type": .string("nonprivate"),
                    "flashVer": .string("FMLE/3.0 (compatible; Martlet)"), "tcUrl": .string(url.tcURL),
                    "fourCcList": .strictArray(
                        (FourCC.supported(.video) + FourCC.supported(.audio)).map { .string($0.name) }
                    ),
                ])
            ]
        )
    }

    private mutating func handle(_ command: Command) throws(RTMPError) {
        switch (command.name, command.transactionID) {
        case ("_result", Transaction.connect) where phase == .connecting:
            phase = .creatingStream
            let key: [AMF0Value] = [.null, .string(url.streamKey)]
            send(Command(name: "releaseStream", transactionID: 2, values: key).message)
            send(Command(name: "FCPublish", transactionID: 3, values: key).message)
            send(Command(name: "createStream", transactionID: Transaction.createStream, values: [.null]).message)
        case ("_result", Transaction.createStream) where phase == .creatingStream:
            guard let number = command.values.dropFirst().first?.number, let id = UInt32(exactly: number) else {
                throw .malformed(.invalid(field: "message stream id"))
            }
            streamID = id
            phase = .requesting
            let publish = Command(
                name: "publish",
                transactionID: 5,
                values: [.null, .string(url.streamKey), .string("live")]
            )
            send(publish.message(on: streamID))
        // Servers may not know `releaseStream` and `FCPublish`: only the two above must succeed.
        case ("_error", Transaction.connect), ("_error", Transaction.createStream): throw Self.refusal(command)
        case ("onStatus", _): try handleStatus(command)
        default: break
        }
    }

    private mutating func handleStatus(_ command: Command) throws(RTMPError) {
        let information = command.values.dropFirst().first?.members
        if information?["level"]?.string == "error" { throw Self.refusal(command) }
        guard information?["code"]?.string == RTMPStatusCode.publishStart, phase == .requesting else { return }
        phase = .publishing
        outputs.append(.publishing)
    }

    private static func refusal(_ command: Command) -> RTMPError {
        let information = command.values.dropFirst().first?.members
        return .refusedByPeer(
            code: information?["code"]?.string ?? "",
            description: information?["description"]?.string ?? ""
        )
    }
}

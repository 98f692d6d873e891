package import Media
package import Primitives

/// One connection of a publisher, from the first byte to the last.
///
/// ```
/// handshaking -> connected -> deciding -> publishing
///                    ^            |            |
///                    +------------+------------+   (refused: closed; unpublished: connected)
/// ```
///
/// After ``Output/publishRequested(_:)`` nothing more is looked into until ``acceptPublish()`` or
/// ``refusePublish(code:description:)``; what arrives meanwhile is kept, within a bound.
/// After ``Output/closed(_:)`` there are no further outputs: send what came before it, then close.
package struct RTMPServerSession: Engine, ~Copyable {
    package enum Output: Sendable {
        case send([UInt8])
        case publishRequested(PublishRequest)
        /// A decoder's configuration, before its first frame and whenever it changes.
        case configuration(CodecConfiguration)
        case frame(EncodedFrame)
        /// `onMetaData`: what the encoder says about itself; not to be relied upon.
        case metadata([String: AMF0Value])
        /// The publisher's timestamps jumped or went back before the next frame, whose time goes on all the same.
        case clockJump
        case warning(RTMPWarning)
        /// The publisher ended an accepted publication; the connection may publish again.
        case unpublished
        /// The connection is over: close it once everything before has been sent.
        case closed(RTMPError)
    }

    enum Phase: Equatable {
        case handshaking
        /// Open, with nothing published.
        case connected
        /// `publish` on message stream `streamID` awaits its answer.
        case deciding(streamID: UInt32)
        case publishing(streamID: UInt32)
        case closed
    }

    let limits: RTMPLimits
    var phase = Phase.handshaking
    /// The application and URL of `connect`; `nil` before it.
    var connection: (app: String, tcURL: String)?
    var lastStreamID: UInt32 = 0
    var media = PublishedMedia()
    /// Messages that wait for the decision about `publish`.
    var inbox: [RTMPMessage] = []
    var outbox = Outbox()
    var timers: SessionTimers
    private var handshake: ServerHandshake
    private var reader: ChunkReader
    private var acknowledger = Acknowledger()
    private var commandRate: RateLimit

    /// - Parameters:
    ///   - now: When the connection was accepted.
    ///   - limits: What the peer may make us hold, and how long it may take.
    ///   - generator: For the random bytes of the handshake, which protect nothing.
    package init(
        now: Instant,
        limits: RTMPLimits = RTMPLimits(),
        using generator: inout some RandomNumberGenerator
    ) {
        self.limits = limits
        timers = SessionTimers(now: now, limits: limits)
        handshake = ServerHandshake(random: randomHandshakeBytes(using: &generator))
        reader = ChunkReader(limits: limits)
        commandRate = RateLimit(perSecond: limits.maximumCommandsPerSecond)
    }

    package init(now: Instant, limits: RTMPLimits = RTMPLimits()) {
        var generator = SystemRandomNumberGenerator()
        self.init(now: now, limits: limits, using: &generator)
    }

    // MARK: - Inputs

    /// Takes bytes from the peer, in pieces of any size.
    package mutating func receive(_ bytes: Span<UInt8>, at now: Instant) {
        guard phase != .closed else { return }
        timers.receivedBytes(at: now)
        do { try process(bytes) } catch { fail(error) }
    }

    /// Lets the publisher in whose ``Output/publishRequested(_:)`` came last.
    package mutating func acceptPublish() {
        guard case .deciding(let streamID) = phase else { return }
        phase = .publishing(streamID: streamID)
        media = PublishedMedia()
        timers.startedPublishing()
        outbox.send(.userControl(.streamBegin, streamID))
        sendStatus("status", RTMPStatusCode.publishStart, "Publishing.", on: streamID)
        do { try drainInbox() } catch { fail(error) }
    }

    /// Turns the publisher away with an error that its encoder shows, and ends the connection.
    ///
    /// - Parameters:
    ///   - code: One of ``RTMPStatusCode``.
    ///   - description: What happened and what to do about it; never a token.
    package mutating func refusePublish(code: String, description: String) {
        guard case .deciding(let streamID) = phase else { return }
        fail(.refused(code: code, description: description), on: streamID)
    }

    /// Ends a publication that had been accepted, and the connection with it.
    package mutating func close(code: String, description: String) {
        guard phase != .closed else { return }
        fail(.closedByUs(code: code, description: description))
    }

    package mutating func advance(to now: Instant) {
        switch timers.advance(to: now, phase: phase) {
        case .close(let error): fail(error)
        case .ping: outbox.send(.userControl(.pingRequest, timers.milliseconds))
        case nil: break
        }
    }

    package var deadline: Instant? { timers.deadline(phase: phase) }

    package mutating func nextOutput() -> Output? { outbox.next() }

    // MARK: - Bytes to messages

    private mutating func process(_ bytes: Span<UInt8>) throws(RTMPError) {
        if let sequenceNumber = acknowledger.receive(bytes.count), phase != .handshaking {
            outbox.send(.control(.acknowledgement, sequenceNumber))
        }
        var input = ByteReader(bytes)
        while phase == .handshaking {
            switch try handshake.receive(&input) {
            case .needsMoreBytes: return
            case .send(let answer): outbox.append(.send(answer))
            case .done:
                phase = .connected
                timers.finishedHandshake()
            }
        }
        inbox += try reader.receive(input.readRemaining())
        try drainInbox()
    }

    private mutating func drainInbox() throws(RTMPError) {
        // Taken out first: a message may end the session, which empties the inbox.
        let messages = inbox
        inbox = []
        for (index, message) in messages.enumerated() {
            if case .deciding = phase {
                inbox = Array(messages[index...])
                break
            }
            guard phase != .closed else { return }
            try handle(message)
        }
        // Per message, something for the value that holds it.
        let held = inbox.reduce(0) { $0 + $1.payload.count + 64 }
        guard held <= limits.maximumHeldBytes else { throw .tooMuchBuffered }
    }

    private mutating func handle(_ message: RTMPMessage) throws(RTMPError) {
        if !message.type.isMedia, !commandRate.allows(at: timers.now) { throw .commandFlood }
        switch message.type {
        case .audio: receiveMedia(message.payload.span, kind: .audio, timestamp: message.timestamp)
        case .video: receiveMedia(message.payload.span, kind: .video, timestamp: message.timestamp)
        case .aggregate: try receiveAggregate(message)
        case .commandAMF0, .commandAMF3: try handleCommand(message)
        case .dataAMF0, .dataAMF3: handleData(message)
        case .userControl: handleUserControl(message.payload)
        case .windowAcknowledgementSize: acknowledger.setWindow(try UInt32(controlPayload: message.payload))
        case .setPeerBandwidth: outbox.send(.control(.windowAcknowledgementSize, Acknowledger.defaultWindow))
        // Set Chunk Size and Abort were obeyed by the chunk reader; acknowledgements tell us nothing
        // that TCP does not; shared objects and unknown types are none of our business.
        default: break
        }
    }

    private mutating func handleUserControl(_ payload: [UInt8]) {
        var body = ByteReader(payload.span)
        guard let event = try? body.readInteger(as: UInt16.self), let value = try? body.readInteger(as: UInt32.self)
        else { return }
        if event == UserControlEvent.pingRequest.rawValue { outbox.send(.userControl(.pingResponse, value)) }
    }

    // MARK: - Ends

    func sendableStreamID() -> UInt32 {
        switch phase {
        case .deciding(let streamID), .publishing(let streamID): streamID
        default: 0
        }
    }

    mutating func sendStatus(_ level: String, _ code: String, _ description: String, on streamID: UInt32) {
        outbox.send(
            Command.onStatus(level: level, code: code, description: description).message(on: streamID),
            chunkStreamID: Outbox.streamChunks
        )
    }

    /// Ends the connection, with an `onStatus` where the peer can still read one.
    mutating func fail(_ error: RTMPError, on streamID: UInt32? = nil) {
        guard phase != .closed else { return }
        let streamID = streamID ?? sendableStreamID()
        switch error {
        case .refused(let code, let description), .closedByUs(let code, let description):
            sendStatus("error", code, description, on: streamID)
        case .unsupportedCodec(let name):
            sendStatus(
                "error",
                RTMPStatusCode.publishFailed,
                "\(name) is not supported: choose H.264 with AAC (H.265, AV1, VP9 and Opus by Enhanced RTMP)",
                on: streamID
            )
        case .idle, .malformed, .messageTooLarge, .commandFlood:
            guard case .publishing = phase else { break }
            sendStatus("error", RTMPStatusCode.publishFailed, error.description, on: streamID)
        default: break
        }
        phase = .closed
        inbox = []
        outbox.append(.closed(error))
    }
}

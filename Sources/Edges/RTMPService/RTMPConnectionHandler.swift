import Gateway
import Logging
import Media
import NIOCore
import NIOSSL
import Primitives
import RTMP
import Telemetry

/// Carries one connection: bytes and time into its session, and what comes out of it to where it belongs.
///
/// Lives on the channel's event loop. Everything that comes from elsewhere hops there first.
final class RTMPConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        case open
        /// Somebody is being asked about a publication; nothing is read meanwhile.
        case deciding
        /// We have said our last word; what still comes in is thrown away.
        case lingering
        case closed
    }

    private let configuration: RTMPServiceConfiguration
    private let backend: any PublishBackend
    private let onRefusal: @Sendable (String) -> Void
    private var logger: Logger

    private var phase = Phase.open
    private var session: RTMPServerSession
    private var context: ChannelHandlerContext?
    private var peer: TransportAddress?
    private var sink: (any FrameSink)?
    /// Why the gateway ended a publication that we had not yet heard was admitted.
    private var earlyEnd: IngestEnd?
    private var timer: (task: Scheduled<Void>, deadline: Primitives.Instant)?
    private var hasUnflushedWrites = false

    init(
        configuration: RTMPServiceConfiguration,
        backend: any PublishBackend,
        logger: Logger,
        onRefusal: @escaping @Sendable (String) -> Void
    ) {
        self.configuration = configuration
        self.backend = backend
        self.logger = logger
        self.onRefusal = onRefusal
        session = RTMPServerSession(now: .uptime, limits: configuration.limits)
    }

    // MARK: - The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard peer == nil else { return }
        if let address = context.remoteAddress, let ip = address.ipAddress, let port = address.port {
            peer = TransportAddress(ip, port: UInt16(clamping: port))
        }
        logger[metadataKey: LogKeys.clientAddress] = "\(peer?.description ?? "unknown")"
        settle()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase != .lingering else { return }
        let bytes = unwrapInboundIn(data)
        session.receive(bytes.readableBytesUInt8Span, at: .uptime)
        drain()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        settle()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        settle()
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset, mostly, or a client that does not trust our certificate. The publication ends with the channel.
        if error is NIOSSLError {
            logger.debug("TLS failed", metadata: [LogKeys.errorMessage: "\(String(describing: error).prefix(200))"])
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
    }

    /// Lets go of everything that could hold this handler, or that it holds.
    private func end() {
        phase = .closed
        stopPublishing()
        timer?.task.cancel()
        timer = nil
        context = nil
    }

    private func stopPublishing() {
        guard let sink else { return }
        sink.finish()
        self.sink = nil
        logger.info("RTMP publisher ended")
        logger[metadataKey: LogKeys.stream] = nil
    }

    /// Flushes what was written, asks for more where that is wanted, and sets the clock.
    private func settle() {
        guard let context, phase != .closed else { return }
        if hasUnflushedWrites {
            hasUnflushedWrites = false
            context.flush()
        }
        if phase != .deciding, context.channel.isWritable { context.read() }
        schedule(context)
    }

    private func schedule(_ context: ChannelHandlerContext) {
        guard phase == .open || phase == .deciding, let deadline = session.deadline else { return }
        // A deadline that has moved away is looked at when the old one comes; only a nearer one needs a new timer.
        if let timer, timer.deadline <= deadline { return }
        timer?.task.cancel()
        let task = context.eventLoop.assumeIsolated().scheduleTask(
            deadline: .uptimeNanoseconds(UInt64(clamping: deadline.nanoseconds))
        ) { [weak self] in
            self?.timer = nil
            self?.session.advance(to: .uptime)
            self?.drain()
            self?.settle()
        }
        timer = (task, deadline)
    }

    // MARK: - The session

    private func drain() {
        while let output = session.nextOutput() {
            switch output {
            case .send(let bytes): send(bytes)
            case .publishRequested(let request): decide(request)
            case .configuration(let configuration): sink?.configure(configuration)
            case .frame(let frame): sink?.write(frame)
            case .metadata(let values):
                if let bitrate = DeclaredBitrate.of(values) { sink?.declare(bitrate: bitrate) }
            case .clockJump: sink?.noteClockJump()
            case .warning(let warning):
                logger.info("RTMP publisher needs attention", metadata: [LogKeys.warning: "\(warning.rawValue)"])
                sink?.warn(IngestWarning(warning))
            case .unpublished: stopPublishing()
            case .closed(let error): linger(after: error)
            }
        }
    }

    private func send(_ bytes: [UInt8]) {
        guard let context, phase != .closed else { return }
        context.write(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
        hasUnflushedWrites = true
    }

    private func decide(_ request: PublishRequest) {
        guard let context else { return }
        phase = .deciding
        earlyEnd = nil
        logger[metadataKey: LogKeys.stream] = "\(request.streamName)"
        let publish = RTMPPublishRequest(
            stream: request.streamName,
            credential: request.parameters["token"] ?? request.parameters["key"],
            peer: peer
        )
        let eventLoop = context.eventLoop
        let me = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.makeFutureWithTask { [backend] in
            await backend.admit(publish) { end in eventLoop.execute { me.value.superseded(end) } }
        }.whenSuccess { admission in me.value.decided(admission) }
    }

    private func decided(_ admission: PublishAdmission) {
        switch admission {
        case .admitted(let sink) where phase == .deciding:
            phase = .open
            self.sink = sink
            logger.info("RTMP publisher started")
            if let earlyEnd {
                superseded(earlyEnd)
                return
            }
            session.acceptPublish()
        case .admitted(let sink):
            // The publisher has gone while we were asking.
            sink.finish()
            return
        case .refused(let code, let reason, let message):
            guard phase == .deciding else { return }
            phase = .open
            onRefusal(reason)
            session.refusePublish(code: code, description: message)
        }
        drain()
        settle()
    }

    private func superseded(_ end: IngestEnd) {
        guard sink != nil else {
            earlyEnd = end
            return
        }
        switch end {
        case .superseded:
            session.close(
                code: RTMPStatusCode.publishBadName,
                description: "another publisher has taken over this stream"
            )
        case .credential(let reason):
            session.close(code: RTMPStatusCode.publishFailed, description: reason)
        case .shutdown:
            session.close(code: RTMPStatusCode.publishFailed, description: "the gateway is shutting down")
        }
        drain()
        settle()
    }

    /// Ends the connection so that the peer can read our last words.
    ///
    /// Closing at once would let the kernel reset the connection for bytes we have not read, and the
    /// encoder would show a broken pipe in place of the reason.
    private func linger(after error: RTMPError) {
        guard let context, phase != .closed, phase != .lingering else { return }
        phase = .lingering
        logger.info("RTMP connection closed", metadata: [LogKeys.eventReason: "\(error)"])
        if let reason = error.refusalReason { onRefusal(reason) }
        stopPublishing()
        timer?.task.cancel()
        timer = nil
        hasUnflushedWrites = false
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(capacity: 0))).assumeIsolated()
            .whenComplete { [weak self] _ in self?.context?.close(mode: .output, promise: nil) }
        let task = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(configuration.lingerSeconds)) {
            [weak self] in
            guard let self else { return }
            self.context?.close(promise: nil)
        }
        timer = (task, .distantFuture)
    }
}

extension IngestWarning {
    /// What a publisher should know, with the cure.
    init(_ warning: RTMPWarning) {
        switch warning {
        case .malformedFrame:
            self.init(
                code: "malformed-frames",
                message: "Some frames could not be read and were left out. Restart the encoder; if that does not help, "
                    + "update it."
            )
        case .frameBeforeConfiguration:
            self.init(
                code: "no-codec-configuration",
                message: "Frames came before their codec configuration and were left out. Restart the encoder."
            )
        case .otherTracksIgnored:
            self.init(
                code: "other-tracks-ignored",
                message: "The encoder sends several tracks of a kind. Only the first is used. Turn multitrack output "
                    + "off to save its bandwidth."
            )
        }
    }
}

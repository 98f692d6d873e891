package import Media
package import NIOCore
import NIOPosix
import NIOSSL
import Primitives
package import RTMP
package import TransportSecurity

/// Publishes a stream to an RTMP server: the client side, for `martlet publish`.
package struct RTMPPublisher: Sendable {
    private let channel: any Channel
    private let handler: NIOLoopBound<RTMPPublisherHandler>
    /// Finishes when the connection is over; throws what the server said, if it said why.
    private let end: EventLoopFuture<Void>

    /// Connects, and returns once the server has let us in.
    ///
    /// - Parameters:
    ///   - url: `rtmp://host[:port]/app/stream[?query]`, or `rtmps://`.
    ///   - trust: Whose certificates to take.
    ///   - group: The event loops that carry the connection.
    /// - Returns: A publisher that takes frames.
    /// - Throws: ``RTMPError`` when the server refuses or is too slow, ``ServerTrustError``, an error of NIOSSL when its
    ///   certificate is not to be trusted, an I/O error when it cannot be reached.
    package static func connect(
        to url: RTMPURL,
        trust: ServerTrust = .system,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws -> RTMPPublisher {
        let security = url.isSecure ? try NIOSSLContext(configuration: trust.configuration()) : nil
        let eventLoop = group.next()
        let started = eventLoop.makePromise(of: Void.self)
        let ended = eventLoop.makePromise(of: Void.self)
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: eventLoop)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let security {
                            try channel.pipeline.syncOperations.addHandler(
                                ServerTrust.handler(security, host: url.host))
                        }
                        try channel.pipeline.syncOperations.addHandler(
                            RTMPPublisherHandler(url: url, started: started, ended: ended)
                        )
                    }
                }
                .connect(host: url.host, port: Int(url.port)).get()
        } catch {
            // Both may have been kept already, by a connection that was lost again at once.
            started.fail(error)
            ended.fail(error)
            throw error
        }
        try await started.futureResult.get()
        let handler = try await channel.eventLoop.submit {
            NIOLoopBound(
                try channel.pipeline.syncOperations.handler(type: RTMPPublisherHandler.self),
                eventLoop: channel.eventLoop
            )
        }.get()
        return RTMPPublisher(channel: channel, handler: handler, end: ended.futureResult)
    }

    /// Whether the connection takes more without piling it up in memory.
    package var isWritable: Bool { channel.isWritable }

    /// Announces a decoder's configuration, before its first frame.
    package func configure(_ configuration: CodecConfiguration) {
        channel.eventLoop.execute { handler.value.apply { $0.configure(configuration) } }
    }

    /// Sends a frame; in decoding order within each track.
    package func write(_ frame: EncodedFrame) {
        channel.eventLoop.execute { handler.value.apply { $0.write(frame) } }
    }

    /// Ends the stream in good order and closes the connection.
    package func finish() async {
        channel.eventLoop.execute { handler.value.finish() }
        try? await channel.closeFuture.get()
    }

    /// Waits until the connection is over.
    ///
    /// - Throws: ``RTMPError`` with the server's words, where it gave a reason.
    package func waitForEnd() async throws {
        try await end.get()
    }
}

/// Carries the connection of a publisher; lives on its event loop.
final class RTMPPublisherHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var session: RTMPClientSession
    private var context: ChannelHandlerContext?
    private var timer: Scheduled<Void>?
    private let started: EventLoopPromise<Void>
    private let ended: EventLoopPromise<Void>
    private var reason: (any Error)?
    private var isStarted = false

    init(url: RTMPURL, started: EventLoopPromise<Void>, ended: EventLoopPromise<Void>) {
        var generator = SystemRandomNumberGenerator()
        session = RTMPClientSession(publishingTo: url, now: .uptime, using: &generator)
        self.started = started
        self.ended = ended
    }

    func apply(_ change: (inout RTMPClientSession) -> Void) {
        change(&session)
        drain()
    }

    func finish() {
        apply { $0.finish() }
        guard let context else { return }
        // Closing drops what waits to be written: first let it go.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { [weak self] _ in
            self?.context?.close(promise: nil)
        }
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        drain()
        schedule(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        session.receive(bytes.readableBytesUInt8Span, at: .uptime)
        drain()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A connection that breaks says nothing; a certificate does.
        if error is NIOSSLError { reason = reason ?? error }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        self.context = nil
        if !isStarted { started.fail(reason ?? ChannelError.eof) }
        if let reason { ended.fail(reason) } else { ended.succeed() }
    }

    private func schedule(_ context: ChannelHandlerContext) {
        guard let deadline = session.deadline else { return }
        timer = context.eventLoop.assumeIsolated().scheduleTask(
            deadline: .uptimeNanoseconds(UInt64(clamping: deadline.nanoseconds))
        ) { [weak self] in
            guard let self else { return }
            session.advance(to: .uptime)
            drain()
            if let context = self.context { schedule(context) }
        }
    }

    private func drain() {
        guard let context else { return }
        var hasWritten = false
        while let output = session.nextOutput() {
            switch output {
            case .send(let bytes):
                context.write(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
                hasWritten = true
            case .publishing:
                isStarted = true
                started.succeed()
            case .closed(let error):
                reason = error
                context.close(promise: nil)
            }
        }
        if hasWritten { context.flush() }
    }
}

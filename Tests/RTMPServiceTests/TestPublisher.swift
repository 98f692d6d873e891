import Media
import NIOCore
import NIOPosix
import Primitives
import RTMP

/// A publisher on a real socket, driven by the client engine.
final class TestPublisher: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What the server said, in the end `disconnected`.
    enum Event: Sendable, Equatable {
        case publishing
        case closed(RTMPError)
        case disconnected
    }

    private var session: RTMPClientSession
    private let continuation: AsyncStream<Event>.Continuation

    private init(_ url: RTMPURL, _ continuation: AsyncStream<Event>.Continuation) {
        var generator = SystemRandomNumberGenerator()
        session = RTMPClientSession(publishingTo: url, now: .zero, using: &generator)
        self.continuation = continuation
    }

    func channelActive(context: ChannelHandlerContext) { drain(context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        session.receive(bytes.readableBytesUInt8Span, at: .zero)
        drain(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        continuation.yield(.disconnected)
        continuation.finish()
    }

    private func drain(_ context: ChannelHandlerContext) {
        while let output = session.nextOutput() {
            switch output {
            case .send(let bytes): context.write(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
            case .publishing: continuation.yield(.publishing)
            case .closed(let error): continuation.yield(.closed(error))
            }
        }
        context.flush()
    }

    /// A publisher seen from a test.
    struct Connection: Sendable {
        let channel: any Channel
        let events: AsyncStream<Event>

        /// Runs `change` on the session and sends what comes of it.
        func apply(_ change: @escaping @Sendable (inout RTMPClientSession) -> Void) async throws {
            let pipeline = channel.pipeline
            try await channel.eventLoop.submit {
                let handler = try pipeline.syncOperations.handler(type: TestPublisher.self)
                change(&handler.session)
                handler.drain(try pipeline.syncOperations.context(handler: handler))
            }.get()
        }
    }

    static func connect(port: UInt16, host: String = "127.0.0.1", path: String) async throws -> Connection {
        let (events, continuation) = AsyncStream<Event>.makeStream()
        let address = host.contains(":") ? "[\(host)]" : host
        guard let url = RTMPURL("rtmp://\(address):\(port)/\(path)") else { throw BadURL() }
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(TestPublisher(url, continuation))
                }
            }
            .connect(host: host, port: Int(port)).get()
        return Connection(channel: channel, events: events)
    }

    struct BadURL: Error {}
}

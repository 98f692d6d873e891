import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOWebSocket

/// HTTP/1.1 whose first request may become a WebSocket (RFC 6455); everything else is answered as ever.
struct UpgradableHTTP1Channel: HTTPChannelHandler {
    typealias Socket = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>

    enum Upgraded: Sendable {
        case http(NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>)
        case socket(Socket, HTTPRequestHead)
    }

    struct Value: ServerChildChannelValue {
        let upgraded: EventLoopFuture<Upgraded>
        let channel: any Channel
    }

    let responder: Responder
    let configuration: HTTP1Channel.Configuration
    let endpoint: SignalingEndpoint

    /// How long a connection may be silent before its first request.
    private static let firstRequestPatience = TimeAmount.seconds(60)

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            var pipeline = NIOUpgradableHTTPServerPipelineConfiguration<Upgraded>(
                upgradeConfiguration: .init(upgraders: [upgrader]) { channel in
                    channel.eventLoop.makeCompletedFuture { .http(try plain(channel, logger: logger)) }
                })
            pipeline.enablePipelining = false
            pipeline.enableResponseHeaderValidation = false
            pipeline.decoderConfiguration.maxHeaderFieldSize = configuration.httpDecoder.maxHeaderFieldSize
            pipeline.decoderConfiguration.maxHeaderListSize = configuration.httpDecoder.maxHeaderListSize
            pipeline.decoderConfiguration.maxHeaderFieldCount = configuration.httpDecoder.maxHeaderFieldCount
            let upgraded = try channel.pipeline.syncOperations.configureUpgradableHTTPServerPipeline(
                configuration: pipeline)
            let operations = channel.pipeline.syncOperations
            let upgradeHandler = try operations.handler(type: NIOTypedHTTPServerUpgradeHandler<Upgraded>.self)
            try operations.addHandler(UpgradeFilter(endpoint: endpoint), position: .before(upgradeHandler))
            let patience = channel.eventLoop.scheduleTask(in: Self.firstRequestPatience) {
                channel.close(promise: nil)
            }
            upgraded.whenComplete { _ in patience.cancel() }
            return Value(upgraded: upgraded, channel: channel)
        }
    }

    private var upgrader: NIOTypedWebSocketServerUpgrader<Upgraded> {
        NIOTypedWebSocketServerUpgrader(
            maxFrameSize: SignalingEndpoint.maximumFrameSize,
            shouldUpgrade: { channel, _ in
                channel.eventLoop.makeSucceededFuture(SignalingEndpoint.upgradeFields)
            },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOWebSocketFrameAggregator(
                            minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 64,
                            maxAccumulatedFrameSize: SignalingEndpoint.maximumFrameSize))
                    return .socket(try NIOAsyncChannel(wrappingChannelSynchronously: channel), head)
                }
            })
    }

    private func plain(
        _ channel: any Channel, logger: Logger
    ) throws -> NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart> {
        try channel.pipeline.syncOperations.addHandler(HTTP1ToHTTPServerCodec(secure: false))
        try channel.pipeline.syncOperations.addHandler(
            HTTPConnectionStateHandler(
                idleTimeout: configuration.idleTimeout.map { .nanoseconds($0.nanoseconds) }, logger: logger))
        return try NIOAsyncChannel(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
    }

    func handle(value: Value, logger: Logger) async {
        do {
            switch try await value.upgraded.get() {
            case .http(let channel): await handleHTTP(asyncChannel: channel, logger: logger)
            case .socket(let socket, let head): await endpoint.serve(socket, head)
            }
        } catch {
            logger.trace("A connection ended before its first request", metadata: ["error": "\(error)"])
        }
    }
}

/// Lets only those requests ask for an upgrade that will get it.
///
/// The upgrade handler of NIO loses the head of a request whose upgrade it declines; and clients ask for upgrades that nobody has
/// heard of, such as `h2c`, and want to be answered as if they had not (RFC 9110 section 7.8).
private final class UpgradeFilter: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private let endpoint: SignalingEndpoint

    init(endpoint: SignalingEndpoint) {
        self.endpoint = endpoint
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        if head.headers.contains(name: "upgrade"),
            !endpoint.upgrades(head, peer: ClientContext.peer(of: context.channel))
        {
            head.headers.remove(name: "upgrade")
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
        // Only the first request of a connection can be upgraded.
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}

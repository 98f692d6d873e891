import HummingbirdCore
import HummingbirdHTTP2
import Logging
import NIOCore
import NIOSSL
import NIOTLS
import TransportSecurity

/// HTTP/1.1, which may become a WebSocket, or HTTP/2 over TLS as the client chooses (ALPN, RFC 7301), with an end to handshakes
/// that have none.
struct SecureChannel: ServerChildChannel {
    enum Negotiated: Sendable {
        case http1(UpgradableHTTP1Channel.Value)
        case http2(HTTP2Channel.Value)
    }

    struct Value: ServerChildChannelValue {
        let negotiated: EventLoopFuture<Negotiated>
        let channel: any Channel
    }

    private let context: NIOSSLContext
    private let http1: UpgradableHTTP1Channel
    private let http2: HTTP2Channel

    /// - Parameters:
    ///   - identity: What clients are shown.
    ///   - http1: For those who choose HTTP/1.1; its settings are those of HTTP/2 too.
    /// - Throws: When TLS does not take the configuration.
    init(_ identity: TLSIdentity, http1: UpgradableHTTP1Channel) throws {
        var configuration = identity.configuration()
        configuration.applicationProtocols = ["h2", "http/1.1"]
        context = try NIOSSLContext(configuration: configuration)
        self.http1 = http1
        http2 = HTTP2Channel(
            responder: http1.responder,
            configuration: .init(idleTimeout: .seconds(60), streamConfiguration: http1.configuration))
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let negotiation = NIOTypedApplicationProtocolNegotiationHandler<Negotiated> { result in
                switch result {
                case .negotiated("h2"): http2.setup(channel: channel, logger: logger).map { .http2($0) }
                // Without ALPN a client speaks what everybody did before there was any.
                case .negotiated("http/1.1"), .fallback:
                    http1.setup(channel: channel, logger: logger).map { .http1($0) }
                case .negotiated:
                    channel.close().flatMapThrowing { throw ChannelError.inappropriateOperationForState }
                }
            }
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(PlainRequestHandler())
            try pipeline.addHandler(NIOSSLServerHandler(context: context))
            try pipeline.addHandler(HandshakeDeadline())
            try pipeline.addHandler(negotiation)
            return Value(negotiated: negotiation.protocolNegotiationResult, channel: channel)
        }
    }

    func handle(value: Value, logger: Logger) async {
        do {
            switch try await value.negotiated.get() {
            case .http1(let value): await http1.handle(value: value, logger: logger)
            case .http2(let value): await http2.handle(value: value, logger: logger)
            }
        } catch {
            logger.trace("A connection ended in its handshake", metadata: ["error": "\(error)"])
        }
    }
}

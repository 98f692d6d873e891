import HummingbirdCore
import HummingbirdHTTP2
import Logging
import NIOCore
import NIOSSL
import TransportSecurity

/// HTTP/1.1 or HTTP/2 over TLS as the client chooses (ALPN, RFC 7301), with an end to handshakes that have none.
struct SecureChannel: ServerChildChannel {
    typealias Value = HTTP2UpgradeChannel.Value

    private let base: HTTP2UpgradeChannel

    /// - Parameters:
    ///   - identity: What clients are shown.
    ///   - configuration: For both versions.
    ///   - responder: Answers requests.
    /// - Throws: When TLS does not take the configuration.
    init(
        _ identity: TLSIdentity, configuration: HTTP1Channel.Configuration,
        responder: @escaping HTTPChannelHandler.Responder
    ) throws {
        base = try HTTP2UpgradeChannel(
            tlsChannelConfiguration: .init(tlsConfiguration: identity.configuration()),
            configuration: .init(idleTimeout: .seconds(60), streamConfiguration: configuration),
            responder: responder)
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        base.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let security = try pipeline.handler(type: NIOSSLServerHandler.self)
            try pipeline.addHandler(PlainRequestHandler(), position: .before(security))
            try pipeline.addHandler(HandshakeDeadline(), position: .after(security))
            return value
        }
    }

    func handle(value: Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}

import Auth
package import Logging
package import NIOCore
import NIOPosix
import NIOSSL
import Primitives
import ServiceLifecycle
import Synchronization
import TransportSecurity

/// Takes in RTMP publishers: listens, by TLS or without, and gives each connection a session.
package final class RTMPService: Service, CustomStringConvertible {
    private let configuration: RTMPServiceConfiguration
    private let backend: any PublishBackend
    private let logger: Logger
    private let onRefusal: @Sendable (String) -> Void
    private let group: any EventLoopGroup
    private let listener = Mutex<(any Channel)?>(nil)
    private let connections = ConnectionCount()
    private let arrivals: AddressLimiter

    /// What the life cycle's log calls it.
    package var description: String { configuration.tls == nil ? "RTMP" : "RTMPS" }

    /// - Parameters:
    ///   - configuration: Where to listen, and the limits.
    ///   - backend: Decides about publishers and takes their frames.
    ///   - logger: For starts, ends and refusals; never sees a token.
    ///   - group: The event loops that carry connections.
    ///   - onRefusal: Told the stable word of each refusal, for the metrics.
    package init(
        configuration: RTMPServiceConfiguration,
        backend: any PublishBackend,
        logger: Logger,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        onRefusal: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.configuration = configuration
        arrivals = AddressLimiter(
            perMinute: configuration.connectionsPerMinute, burst: configuration.connectionsBurst)
        self.backend = backend
        self.logger = logger
        self.group = group
        self.onRefusal = onRefusal
    }

    /// Whether publishers can connect right now.
    package var isListening: Bool { listener.withLock { $0?.isActive ?? false } }

    /// Connections at this moment.
    package var connectionCount: Int { connections.current }

    /// Opens the listener; once, before ``run()``, so that a port in use is known before anything starts.
    ///
    /// - Returns: The port, which differs from the configured one when that is 0.
    /// - Throws: ``RTMPServiceError``.
    @discardableResult
    package func bind() async throws(RTMPServiceError) -> UInt16 {
        let channel: any Channel
        do {
            channel = try await bind(host: configuration.host)
        } catch  where configuration.host == "::" && Self.meansNoIPv6(error) {
            do { channel = try await bind(host: "0.0.0.0") } catch { throw describe(error) }
        } catch {
            throw describe(error)
        }
        listener.withLock { $0 = channel }
        return UInt16(clamping: channel.localAddress?.port ?? 0)
    }

    /// Serves until shutdown.
    ///
    /// A graceful shutdown ends the listening alone: publishers go on until the gateway ends them.
    package func run() async throws {
        if listener.withLock({ $0 == nil }) { try await bind() }
        guard let channel = listener.withLock({ $0 }) else { return }
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await channel.closeFuture.get()
            } onGracefulShutdown: {
                channel.close(promise: nil)
            }
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    // MARK: - Listening

    private func bind(host: String) async throws -> any Channel {
        let security = try configuration.tls.map { try NIOSSLContext(configuration: $0.configuration()) }
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // Reading is asked for piece by piece: a publisher that is being decided about, or
            // that reads nothing of what we say, waits in its own socket.
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { [self] channel in initialize(channel, security) }
        return try await bootstrap.bind(host: host, port: Int(configuration.port)).get()
    }

    private func initialize(_ channel: any Channel, _ security: NIOSSLContext?) -> EventLoopFuture<Void> {
        guard mayConnect(channel.remoteAddress) else {
            onRefusal("too-many-connects")
            return channel.close()
        }
        guard connections.enter(atMost: configuration.maximumConnections) else {
            onRefusal("too-many-connections")
            logger.warning("RTMP connection refused: too many")
            return channel.close()
        }
        channel.closeFuture.whenComplete { [connections] _ in connections.leave() }
        return channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            if let security {
                try pipeline.addHandler(NIOSSLServerHandler(context: security))
                try pipeline.addHandler(HandshakeDeadline(patience: .seconds(configuration.handshakeSeconds)))
            }
            try pipeline.addHandler(
                RTMPConnectionHandler(
                    configuration: configuration,
                    backend: backend,
                    logger: logger,
                    onRefusal: onRefusal
                )
            )
        }
    }

    private func mayConnect(_ address: SocketAddress?) -> Bool {
        guard let peer = address?.ipAddress.flatMap({ TransportAddress($0, port: 0) }),
            configuration.limitsLoopback || !peer.isLoopback
        else { return true }
        return arrivals.take(peer, at: MonotonicClock.now()) == nil
    }

    private static func meansNoIPv6(_ error: any Error) -> Bool {
        guard let error = error as? IOError else { return false }
        return error.errnoCode == EAFNOSUPPORT || error.errnoCode == EADDRNOTAVAIL
    }

    private func describe(_ error: any Error) -> RTMPServiceError {
        let (host, port) = (configuration.host, configuration.port)
        if let error = error as? IOError, error.errnoCode == EADDRINUSE { return .portInUse(host: host, port: port) }
        return .cannotListen(host: host, port: port, reason: "\(error)")
    }
}

/// How many connections there are, over all event loops.
private final class ConnectionCount: Sendable {
    private let count = Atomic<Int>(0)

    var current: Int { count.load(ordering: .relaxed) }

    func enter(atMost maximum: Int) -> Bool {
        guard count.wrappingAdd(1, ordering: .relaxed).newValue <= maximum else {
            count.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    func leave() {
        count.wrappingSubtract(1, ordering: .relaxed)
    }
}

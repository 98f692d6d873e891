package import Auth
import Foundation
import Glibc
package import HLSService
package import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
package import Nodes
package import Primitives
package import RoomService
package import Rooms
import ServiceLifecycle
package import Telemetry
package import Webhooks

/// Listens for HTTP and answers until it is told to stop.
package struct HTTPService: Service, CustomStringConvertible {
    private let configuration: HTTPServiceConfiguration
    private let responder: GatewayResponder
    private let onListening: @Sendable (UInt16) async -> Void
    private let logger: Logger

    /// What the life cycle's log calls it; the configuration holds secrets.
    package var description: String { "HTTP" }

    /// - Parameters:
    ///   - configuration: Where to listen, and what to tell clients.
    ///   - gateway: Where sessions go.
    ///   - authorizer: Who may do what.
    ///   - guesses: Who has been wrong about it too often.
    ///   - metrics: What `/metrics` shows.
    ///   - readiness: What `/health/ready` says.
    ///   - hls: Who answers below `/hls/`; `nil` where HLS is off.
    ///   - recordings: What records streams, and what was recorded; `nil` where nothing can be.
    ///   - webhooks: What the application was told; `nil` where there is none.
    ///   - rooms: Who is in which room; `nil` where there are none.
    ///   - roomMedia: What carries the tracks of participants; `nil` where rooms are for talk alone.
    ///   - nodes: Which gateways there are; `nil` where there is none but this one.
    ///   - logger: For starts and refusals; never sees a credential.
    ///   - onListening: Called once with the port in use.
    package init(
        configuration: HTTPServiceConfiguration,
        gateway: any GatewayService,
        authorizer: Authorizer,
        guesses: GuessLimit,
        metrics: MetricsRegistry,
        readiness: Readiness,
        hls: (any HLSSource)? = nil,
        recordings: (any RecordingService)? = nil,
        webhooks: (any WebhookLog)? = nil,
        rooms: (any RoomStore)? = nil,
        roomMedia: RoomMediaDesk? = nil,
        nodes: (any NodeDirectory)? = nil,
        logger: Logger,
        onListening: @escaping @Sendable (UInt16) async -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.onListening = onListening
        self.logger = logger
        responder = Self.responder(
            configuration,
            gateway,
            authorizer,
            guesses,
            metrics,
            readiness,
            hls: hls,
            recordings: recordings,
            webhooks: webhooks,
            rooms: rooms,
            roomMedia: roomMedia,
            nodes: nodes,
            logger: logger,
            peer: { [proxies = configuration.trustedProxies] request, context in
                proxies.client(
                    of: context.peer, fields: request.headers.lazy.map { (name: $0.name.rawName, value: $0.value) })
            }
        )
    }

    /// The same answers without a listener; tests say themselves what time it is and who asks.
    package static func responder(
        _ configuration: HTTPServiceConfiguration,
        _ gateway: any GatewayService,
        _ authorizer: Authorizer,
        _ guesses: GuessLimit,
        _ metrics: MetricsRegistry,
        _ readiness: Readiness,
        hls: (any HLSSource)? = nil,
        recordings: (any RecordingService)? = nil,
        webhooks: (any WebhookLog)? = nil,
        rooms: (any RoomStore)? = nil,
        roomMedia: RoomMediaDesk? = nil,
        nodes: (any NodeDirectory)? = nil,
        logger: Logger,
        now: @escaping @Sendable () -> Instant = { MonotonicClock.now() },
        peer: @escaping @Sendable (Request, ClientContext) -> TransportAddress?
    ) -> GatewayResponder {
        let limits = configuration.limits
        let access = Access(
            authorizer: authorizer,
            requests: AddressLimiter(perMinute: limits.requestsPerMinute, burst: limits.requestsBurst),
            posts: AddressLimiter(perMinute: limits.postsPerMinute, burst: limits.postsBurst),
            holders: AddressLimiter(perMinute: limits.sessionsPerMinute, burst: limits.sessionsBurst),
            guesses: guesses,
            limitsLoopback: limits.includeLoopback,
            now: now
        )
        let signaling = SignalingEndpoint(
            store: rooms, media: roomMedia, access: access, origins: configuration.corsOrigins,
            proxies: configuration.trustedProxies, readiness: readiness,
            destination: { await gateway.destination(for: $0) }, logger: logger,
            onRefusal: { metrics.countRefusal($0) })
        metrics.addCollector {
            [MetricFamily(.signalingConnections, [.init(.integer(UInt64(clamping: signaling.count)))])]
        }
        return GatewayResponder(
            sessions: SessionRoutes(
                gateway: gateway, access: access, iceServers: configuration.iceServers, offersHLS: hls != nil,
                links: LinkRoutes(gateway: gateway, tokens: configuration.nodeTokens, node: configuration.nodeName)),
            extensions: ExtensionRoutes(gateway: gateway, access: access),
            information: InformationRoutes(
                gateway: gateway,
                access: access,
                metrics: metrics,
                readiness: readiness,
                nodeName: configuration.nodeName
            ),
            recordings: RecordingRoutes(service: recordings, access: access),
            revocations: RevocationRoutes(access: access),
            webhooks: WebhookRoutes(log: webhooks, access: access),
            snapshots: SnapshotRoutes(gateway: gateway, access: access, isPublic: configuration.isPlayPublic),
            rooms: RoomRoutes(store: rooms, access: access),
            nodes: NodeRoutes(directory: nodes, access: access),
            signaling: signaling,
            pages: PageRoutes(frameAncestors: configuration.frameAncestors),
            hls: HLSRoutes(
                source: hls, access: access, signature: configuration.playback, metrics: metrics,
                isPublic: configuration.isPlayPublic, isSecure: configuration.tls != nil,
                unixSeconds: { Int64(Date.now.timeIntervalSince1970) }
            ),
            crossOrigin: CrossOrigin(apiOrigins: configuration.corsOrigins),
            strictTransportSecurity: configuration.tls == nil
                ? nil : configuration.hstsMaxAge.map { "max-age=\($0.components.seconds)" },
            metrics: metrics,
            logger: logger,
            peer: peer
        )
    }

    package func run() async throws {
        do {
            try await run(host: configuration.host)
        } catch let error as ListenError where configuration.host == "::" && error.meansNoIPv6 {
            try await run(host: "0.0.0.0")
        }
    }

    private func run(host: String) async throws {
        do {
            try await application(host: host).run()
        } catch let error as IOError {
            throw ListenError(host: configuration.host, port: configuration.port, code: error.errnoCode)
        }
    }

    /// HTTP/1.1, or that and HTTP/2 over TLS.
    private var server: HTTPServerBuilder {
        let http1 = HTTP1Channel.Configuration(
            idleTimeout: .seconds(60),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 16 << 10,
                maxHeaderListSize: 32 << 10,
                maxHeaderFieldCount: 100
            )
        )
        let (endpoint, tls) = (responder.signaling, configuration.tls)
        return HTTPServerBuilder { responder in
            let upgradable = UpgradableHTTP1Channel(responder: responder, configuration: http1, endpoint: endpoint)
            guard let tls else { return upgradable }
            return try SecureChannel(tls, http1: upgradable)
        }
    }

    private func application(host: String) -> Application<GatewayResponder> {
        Application(
            responder: responder,
            server: server,
            configuration: .init(
                address: .hostname(host, port: Int(configuration.port)),
                serverName: nil
            ),
            onServerRunning: { [onListening] channel in
                await onListening(UInt16(truncatingIfNeeded: channel.localAddress?.port ?? 0))
            },
            logger: quietLogger
        )
    }

    /// The framework greets and tells its life cycle; we say these things ourselves, once.
    private var quietLogger: Logger {
        var logger = logger
        if logger.logLevel > .trace { logger.logLevel = max(logger.logLevel, .notice) }
        return logger
    }
}

/// Why the port cannot be opened.
package struct ListenError: Error, Sendable, Equatable {
    package var host: String
    package var port: UInt16
    /// `errno` of the failed call.
    package var code: Int32

    package init(host: String, port: UInt16, code: Int32) {
        self.host = host
        self.port = port
        self.code = code
    }

    /// `::` cannot be listened on where the kernel has no IPv6.
    fileprivate var meansNoIPv6: Bool { code == EAFNOSUPPORT || code == EADDRNOTAVAIL }
}

import Auth
import Gateway
import GatewayConfiguration
import Glibc
import HTTPService
import Logging
import NodeService
import Nodes
import Primitives
import Redis
import ServiceLifecycle
import Telemetry

/// What several gateways share.
struct RedisParts: Sendable {
    let client: RedisClient
    let directory: RedisNodeDirectory

    /// Whether it answers, under the names of the metrics.
    func metricFamilies() async -> [MetricFamily] {
        let statistics = client.statistics
        let outcomes = [
            ("answered", statistics.answered), ("failed", statistics.failed), ("refused", statistics.refused),
        ]
        return [
            MetricFamily(.redisUp, [.init(.integer(directory.state == .working ? 1 : 0))]),
            MetricFamily(.redisCommands, outcomes.map { .init(.integer($0.1), labels: [.init("outcome", $0.0)]) }),
            MetricFamily(.nodes, [.init(.integer(UInt64(await directory.nodes().count)))]),
        ]
    }
}

extension Composition {
    /// - Returns: `nil` where there is no other gateway.
    /// - Throws: ``CommandFailure`` when this gateway cannot be told from others, or reached by them.
    static func redis(
        _ settings: Settings, nodeName: String, addresses: [TransportAddress]
    ) throws(CommandFailure) -> RedisParts? {
        guard let location = settings.redis else { return nil }
        guard let id = NodeID(nodeName) else {
            throw CommandFailure("node.id: a gateway that shares a Redis needs a name; set it to a short one")
        }
        let client = RedisClient(redisConfiguration(location))
        let directory = RedisNodeDirectory(
            id: id, url: nodeURL(settings, addresses: addresses), secret: settings.clusterSecret, redis: client)
        return RedisParts(client: client, directory: directory)
    }

    static func redisConfiguration(_ location: RedisLocation) -> RedisConfiguration {
        RedisConfiguration(
            host: location.host, port: location.port, user: location.user, password: location.password,
            database: location.database)
    }

    /// Where other gateways reach this one: as it was set, or where HTTP listens.
    static func nodeURL(_ settings: Settings, addresses: [TransportAddress]) -> String {
        if let url = settings.nodeURL { return url.hasSuffix("/") ? String(url.dropLast()) : url }
        let scheme = settings.http.tls.isOn ? "https" : "http"
        let own = TransportAddress(settings.http.host, port: settings.http.port)
        if let own, !own.isUnspecified { return "\(scheme)://\(own)" }
        guard var first = addresses.first else { return "\(scheme)://127.0.0.1:\(settings.http.port)" }
        first.port = settings.http.port
        return "\(scheme)://\(first)"
    }
}

/// Keeps what gateways share, and tells the others of this one, until the group ends.
struct RedisRunner: Service, CustomStringConvertible {
    let parts: RedisParts
    let gateway: Gateway
    let revocations: RevocationList
    let readiness: Readiness
    let logger: Logger

    var description: String { "redis" }

    func run() async throws {
        let (gateway, readiness, directory) = (gateway, readiness, parts.directory)
        let meter = ProcessorMeter()
        let keeper = NodeKeeper(
            gateway: gateway, directory: directory,
            load: {
                let load = NodeLoad(
                    sessions: await gateway.connectedSessions,
                    streams: await gateway.heldStreams(asksForSilence: false).count, processor: meter.read())
                return (load, readiness.state == .draining)
            },
            problem: { directory.problem }, logger: logger)
        let sync = RevocationSync(
            list: revocations, redis: parts.client, isWorking: { directory.state == .working })
        parts.client.start()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await cancelWhenGracefulShutdown { await sync.run() } }
            group.addTask { await keeper.run() }
            await group.waitForAll()
        }
        parts.client.stop()
    }
}

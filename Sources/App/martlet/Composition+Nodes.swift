import Auth
import Gateway
import Logging
import NodeService
import Nodes
import ServiceLifecycle

/// The parts that bring streams from other gateways.
struct NodeParts: Sendable {
    let directory: any NodeDirectory
    let signaling: HTTPLinkSignaling
    let puller: StreamPuller<Gateway>
    let tokens: NodeTokens

    init(directory: any NodeDirectory, gateway: Gateway) {
        self.directory = directory
        signaling = HTTPLinkSignaling()
        tokens = NodeTokens(secret: { directory.secret })
        puller = StreamPuller(
            gateway: gateway, directory: directory, signaling: signaling, tokens: tokens,
            logger: Logger(label: "nodes"))
    }
}

/// Brings streams from other gateways until the group ends.
struct PullerRunner: Service, CustomStringConvertible {
    let parts: NodeParts
    let gateway: Gateway

    var description: String { "links to other gateways" }

    func run() async throws {
        await gateway.pullStreams { [puller = parts.puller] in await puller.bring($0) }
        await cancelWhenGracefulShutdown { await parts.puller.run() }
        await parts.signaling.close()
    }
}

import Auth
package import Nodes
package import Primitives

/// The gateways of one process: by default this one alone.
package struct MemoryNodeDirectory: NodeDirectory {
    package let id: NodeID
    package let state: NodeDirectoryState
    package let secret: Secret?
    private let url: String
    private let cluster: MemoryCluster
    private let clock: @Sendable () -> Instant

    /// - Parameters:
    ///   - id: This gateway.
    ///   - url: Where it is reached; see ``NodeRecord/url``.
    ///   - secret: What gateways prove to each other that they belong together.
    ///   - cluster: What it shares with others; `nil` for nobody.
    ///   - clock: The time.
    package init(
        id: NodeID,
        url: String,
        secret: Secret? = nil,
        cluster: MemoryCluster? = nil,
        clock: @escaping @Sendable () -> Instant = { MonotonicClock.now() }
    ) {
        self.id = id
        self.url = url
        self.secret = secret
        self.cluster = cluster ?? MemoryCluster()
        state = cluster == nil ? .alone : .working
        self.clock = clock
    }

    package func origin(of stream: StreamName) -> StreamOrigin? { cluster.origin(of: stream, at: clock()) }

    package func nodes() -> [NodeRecord] { cluster.nodes(at: clock()) }

    package func claim(_ request: ClaimRequest) -> ClaimAnswer { cluster.claim(request, by: id, at: clock()) }

    package func release(_ stream: StreamName, epoch: UInt64) { cluster.release(stream, epoch: epoch, by: id) }

    package func beat(_ load: NodeLoad, draining: Bool, streams: [HeldStream]) -> [ClaimAnswer] {
        cluster.beat(NodeRecord(id: id, url: url, load: load, isDraining: draining), streams: streams, at: clock())
    }

    package func leave() { cluster.leave(id) }
}

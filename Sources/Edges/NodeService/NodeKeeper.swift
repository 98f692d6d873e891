package import Gateway
package import Logging
package import Nodes
import ServiceLifecycle
import Telemetry

/// Tells the other gateways, once a second, that this one lives and what is published here, and hears who has taken what over.
package struct NodeKeeper: Service, CustomStringConvertible {
    /// Between two beats; a claim outlives two that are lost.
    private static let interval = Duration.seconds(1)
    /// How soon others learn that a publisher has gone.
    private static let looks = 4

    private let gateway: Gateway
    private let directory: any NodeDirectory
    private let load: @Sendable () async -> (load: NodeLoad, isDraining: Bool)
    private let problem: @Sendable () -> String?
    private let logger: Logger

    package var description: String { "nodes" }

    /// - Parameters:
    ///   - gateway: Whose streams these are.
    ///   - directory: Where the others are.
    ///   - load: How busy this gateway is, and whether it drains.
    ///   - problem: Why what all share is not there; `nil` while it is.
    ///   - logger: For when it goes and comes back.
    package init(
        gateway: Gateway,
        directory: any NodeDirectory,
        load: @escaping @Sendable () async -> (load: NodeLoad, isDraining: Bool),
        problem: @escaping @Sendable () -> String?,
        logger: Logger
    ) {
        self.gateway = gateway
        self.directory = directory
        self.load = load
        self.problem = problem
        self.logger = logger
    }

    package func run() async {
        await cancelWhenGracefulShutdown { await keep() }
        for held in await gateway.heldStreams(asksForSilence: false) {
            await directory.release(held.stream, epoch: held.epoch)
        }
        await directory.leave()
    }

    private func keep() async {
        var beaten: [HeldStream] = []
        var state: NodeDirectoryState?
        while !Task.isCancelled {
            let held = await gateway.heldStreams(asksForSilence: true)
            let (load, isDraining) = await load()
            let answers = await directory.beat(load, draining: isDraining, streams: held)
            for (stream, answer) in zip(held, answers) { await gateway.settle(stream, answer) }
            note(directory.state, after: &state)
            beaten = await gateway.heldStreams(asksForSilence: false)
            for _ in 0..<Self.looks where !Task.isCancelled {
                try? await Task.sleep(for: Self.interval / Self.looks)
                await release(&beaten)
            }
        }
    }

    /// Gives up what was here at the last look and no longer is.
    private func release(_ known: inout [HeldStream]) async {
        let now = await gateway.heldStreams(asksForSilence: false)
        let names = Set(now.map(\.stream))
        for gone in known where !names.contains(gone.stream) {
            await directory.release(gone.stream, epoch: gone.epoch)
        }
        known = now
    }

    private func note(_ state: NodeDirectoryState, after last: inout NodeDirectoryState?) {
        defer { last = state }
        guard state != last else { return }
        switch state {
        case .alone: break
        case .working: logger.notice("Redis is there; gateways know of each other")
        case .degraded:
            logger.warning(
                "Redis is away; this gateway goes on by itself",
                metadata: [LogKeys.errorMessage: "\(problem() ?? "")"])
        }
    }
}

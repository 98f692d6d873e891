package import Auth
package import Gateway
package import Logging
package import Nodes
package import Primitives
import Telemetry

/// What a ``StreamPuller`` needs of a gateway; tests answer in its place.
package protocol LinkingGateway: Sendable {
    associatedtype Prepared: Sendable
    /// Answers another gateway's offer.
    func prepare(_ stream: StreamName, offer: [UInt8]) async throws(GatewayRefusal) -> (sdp: String, link: Prepared)
    /// Connects, and waits until media may flow.
    func begin(_ link: Prepared, to node: String) async throws(GatewayRefusal)
    func endLink(of stream: StreamName) async
    func linkCensus() async -> LinkCensus
}

extension Gateway: LinkingGateway {
    package func prepare(
        _ stream: StreamName, offer: [UInt8]
    ) async throws(GatewayRefusal) -> (sdp: String, link: PreparedLink) {
        let prepared = try prepareLink(stream: stream, offer: offer)
        return (prepared.sdp, prepared)
    }

    package func begin(_ link: PreparedLink, to node: String) async throws(GatewayRefusal) {
        try await beginLink(link, to: node)
    }
}

/// Brings streams here that other gateways have: one link for each, whoever asks and however many.
///
/// Who waits for a stream waits for the one attempt that is under way. A link ends some seconds after its last viewer has left;
/// when its publisher is found at another gateway, or the link breaks while somebody watches, a new one is made.
package actor StreamPuller<G: LinkingGateway> {
    /// Streams that are being brought at the same time, at most.
    static var maximumPulls: Int { 256 }
    /// Who waits for them, at most; 20,000 are what a worker takes.
    static var maximumWaiting: Int { 20_000 }
    /// How often links are looked at.
    static var interval: Duration { .milliseconds(500) }
    /// Looks in a row at which nobody watched, before a link ends: five seconds.
    static var idleLooks: Int { 10 }
    /// Looks in a row at which no gateway had the stream, before a link is given up.
    static var lostLooks: Int { 4 }

    private struct Link {
        var node: NodeID
        var session: String
        var idleLooks = 0
        var lostLooks = 0
    }

    private let gateway: G
    private let directory: any NodeDirectory
    private let signaling: any LinkSignaling
    private let tokens: NodeTokens
    private let logger: Logger
    private var links: [StreamName: Link] = [:]
    private var pulls: [StreamName: Task<GatewayRefusal?, Never>] = [:]
    private var waiting = 0

    package init(
        gateway: G, directory: any NodeDirectory, signaling: any LinkSignaling, tokens: NodeTokens, logger: Logger
    ) {
        self.gateway = gateway
        self.directory = directory
        self.signaling = signaling
        self.tokens = tokens
        self.logger = logger
    }

    // MARK: - Bringing

    /// Brings a stream here, if another gateway has it.
    ///
    /// - Returns: `nil` when it is here, or nobody has it; otherwise why it could not be brought.
    package func bring(_ stream: StreamName) async -> GatewayRefusal? {
        guard directory.state != .alone else { return nil }
        guard waiting < Self.maximumWaiting, let pull = pulls[stream] ?? begin(stream) else { return Self.overloaded }
        waiting += 1
        defer { waiting -= 1 }
        return await pull.value
    }

    /// Begins an attempt, unless there are too many.
    private func begin(_ stream: StreamName) -> Task<GatewayRefusal?, Never>? {
        guard pulls.count < Self.maximumPulls else { return nil }
        let pull = Task {
            let refusal = await self.pull(stream)
            self.pulls[stream] = nil
            return refusal
        }
        pulls[stream] = pull
        return pull
    }

    private func pull(_ stream: StreamName) async -> GatewayRefusal? {
        guard let origin = await origin(of: stream) else { return nil }
        guard let token = tokens.issue(stream: stream, visited: [directory.id.description]) else {
            return Self.unreachable(stream)
        }
        let offer: RemoteOffer
        do throws(LinkFailure) {
            offer = try await signaling.ask(for: stream, at: origin.url, token: token)
        } catch {
            note(stream, origin, "\(error)")
            return Self.unreachable(stream)
        }
        do {
            let (sdp, link) = try await gateway.prepare(stream, offer: offer.sdp)
            try await signaling.answer(sdp, session: offer.session)
            try await gateway.begin(link, to: origin.node.description)
        } catch {
            note(stream, origin, "\(error)")
            await signaling.end(session: offer.session)
            return error as? GatewayRefusal ?? Self.unreachable(stream)
        }
        if let old = links.updateValue(Link(node: origin.node, session: offer.session), forKey: stream) {
            await signaling.end(session: old.session)
        }
        return nil
    }

    /// Where a stream is, of gateways that are alive and not this one.
    private func origin(of stream: StreamName) async -> StreamOrigin? {
        guard let origin = await directory.origin(of: stream), origin.node != directory.id else { return nil }
        let isAlive = await directory.nodes().contains { $0.id == origin.node && $0.url == origin.url }
        return isAlive ? origin : nil
    }

    private func note(_ stream: StreamName, _ origin: StreamOrigin, _ reason: String) {
        logger.warning(
            "stream cannot be pulled",
            metadata: [
                LogKeys.stream: "\(stream)", LogKeys.node: "\(origin.node)", LogKeys.errorMessage: "\(reason)",
            ]
        )
    }

    // MARK: - Looking after links

    /// Looks after the links until cancelled.
    package func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)
            await look()
        }
        for link in links.values { await signaling.end(session: link.session) }
    }

    /// One look at all links, and at streams that wait for a publisher.
    func look() async {
        let census = await gateway.linkCensus()
        for (stream, link) in links where census.linked[stream] == nil && pulls[stream] == nil {
            links[stream] = nil
            await signaling.end(session: link.session)
        }
        for (stream, isIdle) in census.linked {
            guard pulls[stream] == nil, var link = links[stream] else { continue }
            link.idleLooks = isIdle ? link.idleLooks + 1 : 0
            links[stream] = link
            if link.idleLooks >= Self.idleLooks {
                await end(stream)
            } else if !isIdle {
                await follow(stream, link)
            }
        }
        guard directory.state != .alone else { return }
        for stream in census.orphans where pulls[stream] == nil {
            if await origin(of: stream) != nil, pulls[stream] == nil { _ = begin(stream) }
        }
    }

    /// Follows a publisher that has moved, and gives a link up whose publisher has gone.
    private func follow(_ stream: StreamName, _ link: Link) async {
        // While nobody can be asked, what flows goes on.
        guard directory.state == .working else { return }
        let origin = await origin(of: stream)
        guard links[stream]?.session == link.session, pulls[stream] == nil else { return }
        if let origin {
            links[stream]?.lostLooks = 0
            if origin.node != link.node { _ = begin(stream) }
            return
        }
        links[stream]?.lostLooks += 1
        if link.lostLooks + 1 >= Self.lostLooks { await end(stream) }
    }

    private func end(_ stream: StreamName) async {
        guard let link = links.removeValue(forKey: stream) else { return }
        await gateway.endLink(of: stream)
        await signaling.end(session: link.session)
    }

    /// Who waits for a stream that is being brought.
    var waitingCount: Int { waiting }
    /// Whether anything is being brought.
    var isBringing: Bool { !pulls.isEmpty }
    /// What has been brought.
    var linkedStreams: Set<StreamName> { Set(links.keys) }

    private static var overloaded: GatewayRefusal {
        GatewayRefusal(
            .overloaded, "The gateway brings as many streams from others as it can. Try again.", retryAfter: .seconds(2)
        )
    }

    private static func unreachable(_ stream: StreamName) -> GatewayRefusal {
        GatewayRefusal(
            .notPublishing,
            "Another gateway has \"\(stream)\", and it could not be brought here. Try again.",
            retryAfter: .seconds(1)
        )
    }
}

import Media
import MediaIO
import Primitives
import Testing
import WebRTC

@testable import Gateway

@Suite("Streams pulled from another gateway")
struct NodeLinkTests {
    /// An origin that publishes, and an edge that has its offer.
    fileprivate struct Pair {
        let origin: GatewayHarness
        let edge: GatewayHarness
        let offer: SessionAnswer

        init(_ publisher: String) async throws {
            origin = try GatewayHarness()
            edge = try GatewayHarness()
            _ = try await origin.publish(publisher)
            offer = try await origin.gateway.offerLink(stream: try GatewayHarness.stream())
        }

        func stop() {
            origin.stop()
            edge.stop()
        }

        /// Answers, and says that the link is connected or has failed, which no network decides here.
        func link(isConnected: Bool = true) async throws {
            let stream = try GatewayHarness.stream()
            let prepared = try await edge.gateway.prepareLink(stream: stream, offer: Array(offer.sdp.utf8))
            try await origin.gateway.answer(
                session: offer.sessionID, stream: stream, answer: Array(prepared.sdp.utf8))
            let gateway = edge.gateway
            async let outcome: Void = gateway.beginLink(prepared, to: "origin")
            while await gateway.linkWaiters.isEmpty { await Task.yield() }
            let peer = try #require(await gateway.sessions.values.first { $0.isNodeLink }?.peer)
            await gateway.handle(isConnected ? .connected(peer) : .ended(peer, .noPair))
            try await outcome
        }
    }

    @Test func `the edge has the origin's tracks and layers, and its viewers what viewers of the origin have`()
        async throws
    {
        let pair = try await Pair(Offers.simulcastPublisher)
        defer { pair.stop() }
        try await pair.link()
        let (origin, edge) = (try await pair.origin.status(), try await pair.edge.status())
        #expect(edge.source == "node" && origin.source == "whip")
        #expect(edge.tracks.map(\.codec) == origin.tracks.map(\.codec))
        #expect(edge.tracks[0].layers?.map(\.name) == ["h", "m", "l"])
        let answer = try await pair.edge.watch()
        #expect(answer.hasLayers)
        #expect(try await pair.edge.status().viewers == 1)
        #expect(origin.viewers == 0, "a gateway is no viewer")
        let statistics = await pair.origin.gateway.statistics()
        #expect(statistics.viewers == 0 && statistics.links == 1)
        let page = try #require(
            await pair.origin.gateway.viewers(of: try GatewayHarness.stream(), after: nil, limit: 10))
        #expect(page.sessions.map(\.isNodeLink) == [true])
    }

    @Test func `a gateway that pulls a stream offers it to no other`() async throws {
        let pair = try await Pair(Offers.publisher)
        defer { pair.stop() }
        try await pair.link()
        let gateway = pair.edge.gateway
        let refusal = await #expect(throws: GatewayRefusal.self) {
            try await gateway.offerLink(stream: try GatewayHarness.stream())
        }
        #expect(refusal?.code == .notPublishing)
    }

    @Test func `a gateway that goes away is still pulled from, so that its viewers find the stream elsewhere`()
        async throws
    {
        let pair = try await Pair(Offers.publisher)
        defer { pair.stop() }
        await pair.origin.gateway.beginDraining()
        let again = Pair(pair, offer: try await pair.origin.gateway.offerLink(stream: try GatewayHarness.stream()))
        try await again.link()
        #expect(try await pair.edge.status().state == "live")
    }

    @Test func `a link that fails leaves nothing behind, and viewers who wait wait no longer for it`() async throws {
        let pair = try await Pair(Offers.publisher)
        defer { pair.stop() }
        await #expect(throws: GatewayRefusal.self) { try await pair.link(isConnected: false) }
        #expect(await pair.edge.gateway.streams.isEmpty)
        #expect(await pair.edge.gateway.sessions.isEmpty)

        // A publisher has gone whose viewer waits.
        let answer = try await pair.edge.publish()
        _ = try await pair.edge.watch()
        let (gateway, stream) = (pair.edge.gateway, try GatewayHarness.stream())
        try await gateway.end(session: answer.sessionID, stream: stream, kind: .publisher)
        #expect(await gateway.linkCensus() == LinkCensus(orphans: [stream]))
        let graceEnds = try #require(await gateway.streams[stream]?.graceEnds)
        let again = Pair(pair, offer: try await pair.origin.gateway.offerLink(stream: stream))
        await #expect(throws: GatewayRefusal.self) { try await again.link(isConnected: false) }
        #expect(await gateway.streams[stream]?.graceEnds == graceEnds)
        #expect(try await pair.edge.status().viewers == 1)
    }

    @Test func `whoever publishes here takes the stream over, and viewers stay`() async throws {
        let pair = try await Pair(Offers.publisher)
        defer { pair.stop() }
        try await pair.link()
        _ = try await pair.edge.watch()
        _ = try await pair.edge.publish()
        let status = try await pair.edge.status()
        #expect(status.source == "whip" && status.viewers == 1)
        #expect(await pair.edge.gateway.linkCensus() == LinkCensus())
        let prepared = try await pair.edge.gateway.prepareLink(
            stream: try GatewayHarness.stream(), offer: Array(pair.offer.sdp.utf8))
        let gateway = pair.edge.gateway
        await #expect(throws: GatewayRefusal.self) { try await gateway.beginLink(prepared, to: "origin") }
    }

    @Test func `an ended link keeps its viewers for the grace period, and without viewers nothing is kept`()
        async throws
    {
        let pair = try await Pair(Offers.publisher)
        defer { pair.stop() }
        try await pair.link()
        let (gateway, stream) = (pair.edge.gateway, try GatewayHarness.stream())
        #expect(await gateway.linkCensus() == LinkCensus(linked: [stream: true]))
        let viewer = try await pair.edge.watch()
        #expect(await gateway.linkCensus() == LinkCensus(linked: [stream: false]))
        await gateway.endLink(of: stream)
        #expect(try await pair.edge.status().state == "waiting")
        #expect(await gateway.streams[stream]?.graceEnds != nil)

        let again = Pair(pair, offer: try await pair.origin.gateway.offerLink(stream: stream))
        try await again.link()
        #expect(try await pair.edge.status().viewers == 1)
        try await gateway.end(session: viewer.sessionID, stream: stream, kind: .viewer)
        await gateway.endLink(of: stream)
        #expect(await gateway.streams.isEmpty)
    }

    @Test func `those who follow streams hear nothing of what is pulled`() async throws {
        let pair = try await Pair(Offers.publisher)
        defer { pair.stop() }
        let (news, report) = AsyncStream.makeStream(of: StreamNews.self)
        await pair.edge.gateway.observeStreams { report.yield($0) }
        try await pair.link()
        _ = try await pair.edge.publish()
        report.finish()
        var heard: [StreamNews] = []
        for await item in news { heard.append(item) }
        #expect(heard == [.published(try GatewayHarness.stream())])
    }

    @Test func `a viewer waits for the stream to be brought, and is told why it was not`() async throws {
        let pair = try await Pair(Offers.publisher)
        defer { pair.stop() }
        let (edge, gateway) = (pair.edge, pair.edge.gateway)
        await gateway.pullStreams { _ in GatewayRefusal(.notPublishing, "no way", retryAfter: .seconds(1)) }
        let refusal = await #expect(throws: GatewayRefusal.self) { try await edge.watch() }
        #expect(refusal?.message == "no way")
        await gateway.pullStreams { _ in
            do {
                try await pair.link()
                return nil
            } catch {
                return GatewayRefusal(.internalFailure, "\(error)")
            }
        }
        _ = try await edge.watch()
        #expect(try await edge.status().source == "node")
    }
}

extension NodeLinkTests.Pair {
    fileprivate init(_ pair: Self, offer: SessionAnswer) {
        origin = pair.origin
        edge = pair.edge
        self.offer = offer
    }
}

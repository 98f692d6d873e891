import Media
import MediaIO
import Primitives
import Testing

@testable import Gateway

@Suite("What viewers are told, and what they may choose")
struct ViewerExtensionTests {
    private static let all = Set(ViewerEvent.Kind.allCases)

    /// A stream with somebody who watches it, and what that viewer is told.
    private struct Scene {
        let harness: GatewayHarness
        let stream: StreamName
        let viewer: SessionAnswer
        let events: String
        let queue: EventQueue
        let reader: Int

        init(_ policy: GatewayPolicy = GatewayPolicy(), offer: String = Offers.publisher) async throws {
            harness = try GatewayHarness(policy)
            stream = try GatewayHarness.stream()
            _ = try await harness.publish(offer)
            for track in await harness.gateway.streams[stream]?.tracks.flatMap(\.ids) ?? [] {
                await harness.gateway.handle(.trackStarted(track))
            }
            viewer = try await harness.watch()
            events = try await harness.gateway.openEvents(all, session: viewer.sessionID, stream: stream)
            queue = try await harness.gateway.events(events, session: viewer.sessionID, stream: stream)
            reader = queue.attach()
        }

        var gateway: Gateway { harness.gateway }

        func connect() async throws {
            await gateway.handle(.connected(try #require(await gateway.sessions[viewer.sessionID]?.peer)))
        }

        /// The events that wait, in order.
        func pending() async -> [ViewerEvent] {
            var events: [ViewerEvent] = []
            while queue.count > 0, case .event(let event) = await queue.next(reader) { events.append(event) }
            return events
        }

        var publisher: Session {
            get async throws { try #require(await gateway.sessions.values.first { $0.kind == .publisher }) }
        }

        func leave() async throws { await gateway.handle(.ended(try await publisher.peer, .closed)) }
    }

    @Test func `a viewer is told that the publisher is there, goes, and comes back`() async throws {
        let scene = try await Scene()
        defer { scene.harness.stop() }
        #expect(await scene.pending() == [.active])
        try await scene.leave()
        #expect(await scene.pending() == [.inactive])
        _ = try await scene.harness.publish()
        #expect(await scene.pending() == [.active])
        // A takeover is no absence.
        _ = try await scene.harness.publish()
        #expect(await scene.pending() == [])
    }

    @Test func `viewers are counted when they are connected, and told when the number changes`() async throws {
        let scene = try await Scene()
        defer { scene.harness.stop() }
        _ = await scene.pending()
        await scene.gateway.tellNews()
        #expect(await scene.pending() == [.viewerCount(0)])
        try await scene.connect()
        await scene.gateway.tellNews()
        await scene.gateway.tellNews()
        #expect(await scene.pending() == [.viewerCount(1)])
    }

    @Test func `a viewer of layers is told of them by its own media section`() async throws {
        let scene = try await Scene(offer: Offers.simulcastPublisher)
        defer { scene.harness.stop() }
        #expect(scene.viewer.hasLayers)
        _ = await scene.pending()
        await scene.gateway.tellNews()
        let layers = ["h", "m", "l"].map { ViewerEvent.Layer(name: $0, bitrate: 0) }
        #expect(await scene.pending() == [.viewerCount(0), .layers([0: layers])])
        // A layer's size is known with its first parameter set.
        let track = try #require(await scene.gateway.streams[scene.stream]?.tracks.first?.layers.last)
        await scene.gateway.handle(.parameterSetChanged(track.id, Encoded.parameterSet))
        await scene.gateway.tellNews()
        let told = await scene.pending()
        let sizes = told.compactMap { if case .layers(let sections) = $0 { sections[0]?.last?.width } else { nil } }
        #expect(sizes == [642])
    }

    @Test func `the size of a layer without parameter sets is known too, and that of the picture is the largest`()
        async throws
    {
        let scene = try await Scene(offer: Offers.simulcastPublisher)
        defer { scene.harness.stop() }
        let layers = try #require(await scene.gateway.streams[scene.stream]?.tracks.first?.layers)
        for (layer, width) in zip(layers, [1280, 640, 320]) {
            await scene.gateway.handle(
                .pictureSizeChanged(layer.id, PictureSize(width: width, height: width * 9 / 16)))
        }
        let track = try #require(try await scene.harness.status().tracks.first)
        #expect(track.layers?.map(\.height) == [720, 360, 180])
        #expect(track.width == 1280)
    }

    @Test func `bitrates that waver are no news, a layer that is turned off is`() {
        func layer(_ bitrate: Int) -> ViewerEvent.Layer { ViewerEvent.Layer(name: "h", bitrate: bitrate) }
        #expect(layer(1_000_000).isLike(layer(1_200_000)) && layer(1_200_000).isLike(layer(1_000_000)))
        #expect(!layer(1_000_000).isLike(layer(1_300_000)))
        #expect(!layer(1).isLike(layer(0)) && layer(0).isLike(layer(0)))
    }

    @Test func `whoever reads anew is told how things stand`() async throws {
        let scene = try await Scene()
        defer { scene.harness.stop() }
        await scene.gateway.tellNews()
        _ = await scene.pending()
        try await scene.leave()
        let again = try await scene.gateway.events(
            scene.events, session: scene.viewer.sessionID, stream: scene.stream)
        #expect(again === scene.queue)
        await scene.gateway.tellNews()
        #expect(await scene.pending() == [.inactive, .viewerCount(0)])
    }

    @Test func `a gateway that goes away says so, also to those who ask later`() async throws {
        let scene = try await Scene()
        defer { scene.harness.stop() }
        _ = await scene.pending()
        await scene.gateway.beginDraining()
        #expect(await scene.pending() == [.reconnect(url: nil)])
        _ = try await scene.gateway.events(scene.events, session: scene.viewer.sessionID, stream: scene.stream)
        #expect(await scene.pending() == [.active, .reconnect(url: nil)])
    }

    @Test func `streams of events end with their session`() async throws {
        let scene = try await Scene()
        defer { scene.harness.stop() }
        _ = await scene.pending()
        try await scene.gateway.end(session: scene.viewer.sessionID, stream: scene.stream, kind: .viewer)
        #expect(await scene.queue.next(scene.reader) == nil)
        #expect(await scene.gateway.eventStreams.isEmpty)
        await #expect(throws: GatewayRefusal.self) {
            _ = try await scene.gateway.events(scene.events, session: scene.viewer.sessionID, stream: scene.stream)
        }
    }

    @Test func `a session has a few streams of events, and another when it closes one`() async throws {
        let scene = try await Scene()
        defer { scene.harness.stop() }
        let id = scene.viewer.sessionID
        for _ in 1..<EventStream.maximumPerSession {
            _ = try await scene.gateway.openEvents([.active], session: id, stream: scene.stream)
        }
        let refusal = await #expect(throws: GatewayRefusal.self) {
            _ = try await scene.gateway.openEvents([.active], session: id, stream: scene.stream)
        }
        #expect(refusal?.code == .tooManyEventStreams)
        try await scene.gateway.closeEvents(scene.events, session: id, stream: scene.stream)
        #expect(await scene.queue.next(scene.reader) == nil, "what was pending is forgotten")
        _ = try await scene.gateway.openEvents([.active], session: id, stream: scene.stream)
    }

    @Test func `a publisher's session has neither events nor layers`() async throws {
        let scene = try await Scene()
        defer { scene.harness.stop() }
        let session = try await scene.publisher
        for attempt in [
            { _ = try await scene.gateway.openEvents(Self.all, session: session.id, stream: scene.stream) },
            { try await scene.gateway.selectLayer(nil, section: nil, session: session.id, stream: scene.stream) },
        ] {
            let refusal = await #expect(throws: GatewayRefusal.self) { try await attempt() }
            #expect(refusal?.code == .unknownSession)
        }
    }

    @Test func `a layer is chosen by its name, and what is not there is refused`() async throws {
        let scene = try await Scene(offer: Offers.simulcastPublisher)
        defer { scene.harness.stop() }
        let id = scene.viewer.sessionID
        for (layer, section) in [("m", 0), ("m", nil), (nil, 0), (nil, nil)] as [(String?, Int?)] {
            try await scene.gateway.selectLayer(layer, section: section, session: id, stream: scene.stream)
        }
        let wrong: [(String?, Int?, GatewayRefusal.Code)] = [
            ("x", nil, .unknownLayer), ("m", 1, .noLayers), (nil, -1, .noLayers),
        ]
        for (layer, section, code) in wrong {
            let refusal = await #expect(throws: GatewayRefusal.self) {
                try await scene.gateway.selectLayer(layer, section: section, session: id, stream: scene.stream)
            }
            #expect(refusal?.code == code)
        }
    }

    @Test func `a stream without layers has nothing to choose from`() async throws {
        let scene = try await Scene()
        defer { scene.harness.stop() }
        #expect(!scene.viewer.hasLayers)
        let refusal = await #expect(throws: GatewayRefusal.self) {
            try await scene.gateway.selectLayer(
                nil, section: nil, session: scene.viewer.sessionID, stream: scene.stream)
        }
        #expect(refusal?.code == .noLayers)
    }

    @Test func `viewers are listed page by page`() async throws {
        let scene = try await Scene(offer: Offers.simulcastPublisher)
        defer { scene.harness.stop() }
        for _ in 0..<4 { _ = try await scene.harness.watch() }
        try await scene.connect()
        var seen: [ViewerStatus] = []
        var after: String?
        repeat {
            let page = try #require(await scene.gateway.viewers(of: scene.stream, after: after, limit: 2))
            #expect(page.sessions.count <= 2)
            seen += page.sessions
            after = page.next
        } while after != nil
        #expect(seen.count == 5 && seen.map(\.id) == Set(seen.map(\.id)).sorted())
        #expect(seen.filter(\.isConnected).map(\.id) == [scene.viewer.sessionID])
        #expect(seen.allSatisfy { $0.path == nil && $0.layer != nil && !$0.isPaused })
        #expect(await scene.gateway.viewers(of: try #require(StreamName("none")), after: nil, limit: 1) == nil)
    }
}

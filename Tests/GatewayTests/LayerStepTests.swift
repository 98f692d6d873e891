import Media
import MediaIO
import SFU
import Testing

@testable import Gateway

@Suite("Layers inside a stream, for viewers to choose from")
struct LayerStepTests {
    private static let spatial = StreamLayers(
        steps: [
            LayerLimit(spatial: 0, temporal: 0), LayerLimit(spatial: 0), LayerLimit(temporal: 0), .none,
        ], spatialCount: 2, temporalCount: 2,
        sizes: [PictureSize(width: 320, height: 180), PictureSize(width: 640, height: 360)])
    private static let temporal = StreamLayers(
        steps: [LayerLimit(temporal: 0), LayerLimit(temporal: 1), .none], temporalCount: 3)

    @Test func `a step is called by its highest layers, and has the size of the larger picture`() {
        let steps = LayerStep.all(of: Self.spatial)
        #expect(steps.map(\.name) == ["S0T0", "S0T1", "S1T0", "S1T1"])
        #expect(steps.map(\.width) == [320, 320, 640, 640])
        #expect(steps.map(\.spatial) == [0, 0, 1, 1] && steps.map(\.temporal) == [0, 1, 0, 1])
        #expect(LayerStep.all(of: Self.temporal).map(\.name) == ["T0", "T1", "T2"])
        #expect(LayerStep.all(of: Self.temporal).map(\.spatial) == [nil, nil, nil])
        #expect(LayerStep.all(of: StreamLayers()).isEmpty)
    }

    @Test(arguments: [
        (LayerNumbers(), LayerLimit.none), (.init(spatial: 1), LayerLimit(spatial: 1)),
        (.init(temporal: 2, maximumSpatial: 0, maximumTemporal: 1), LayerLimit(spatial: 0, temporal: 1)),
        (.init(spatial: 2, maximumSpatial: 900), LayerLimit(spatial: 2)),
    ])
    func `of several numbers the least is the limit`(numbers: LayerNumbers, limit: LayerLimit) {
        #expect(numbers.limit == limit)
    }

    @Test func `a stream that turns out to have layers offers them, until they are gone`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        _ = try await harness.publish(Offers.publisher)
        let name = try GatewayHarness.stream()
        let before = try await harness.watch()
        #expect(!before.hasLayers)
        let track = try #require(await harness.gateway.streams[name]?.tracks.first)
        await harness.gateway.handle(.layersChanged(track.id, Self.temporal))
        #expect(try await harness.watch().hasLayers)
        #expect(try await harness.status().tracks.first?.layers?.map(\.name) == ["T0", "T1", "T2"])
        // A viewer that was there before may choose too.
        try await harness.gateway.selectLayer("T1", section: nil, session: before.sessionID, stream: name)
        try await harness.gateway.selectLayer(nil, section: 0, session: before.sessionID, stream: name)
        let refusal = await #expect(throws: GatewayRefusal.self) {
            try await harness.gateway.selectLayer("S1", section: nil, session: before.sessionID, stream: name)
        }
        #expect(refusal?.code == .unknownLayer)
        // By their numbers too, of which those that say "at most" need not exist.
        let known: [LayerNumbers] = [
            .init(temporal: 0), .init(spatial: 0, temporal: 2), .init(maximumSpatial: 5, maximumTemporal: 9),
        ]
        for numbers in known {
            try await harness.gateway.selectLayer(
                nil, numbers: numbers, section: nil, session: before.sessionID, stream: name)
        }
        for numbers in [LayerNumbers(temporal: 3), .init(spatial: 1)] {
            let refusal = await #expect(throws: GatewayRefusal.self) {
                try await harness.gateway.selectLayer(
                    nil, numbers: numbers, section: nil, session: before.sessionID, stream: name)
            }
            #expect(refusal?.code == .unknownLayer)
            #expect(refusal?.message.contains("1 spatial and 3 temporal") == true)
        }
        await harness.gateway.handle(.layersChanged(track.id, StreamLayers()))
        #expect(try await harness.status().tracks.first?.layers == nil)
        #expect(try await !harness.watch().hasLayers)
    }
}

import Media
import Primitives
import Testing
import Transcoding

@testable import Gateway

@Suite("Pictures encoded anew")
struct TranscodingTests {
    private static let vp8Viewer = Offers.viewer.replacing("H264/90000", with: "VP8/90000")

    private func watch(_ harness: GatewayHarness, _ offer: String, stream: String = "cam") async throws -> SessionAnswer
    {
        try await harness.gateway.play(stream: try #require(StreamName(stream)), offer: Array(offer.utf8))
    }

    private func end(_ answer: SessionAnswer, _ harness: GatewayHarness) async throws {
        try await harness.gateway.end(session: answer.sessionID, stream: try GatewayHarness.stream(), kind: .viewer)
    }

    private func transcodes(_ harness: GatewayHarness) async -> Int { await harness.gateway.statistics().transcodes }

    @Test func `viewers without the publisher's codec share one picture in theirs`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let ingest = try await harness.publishFrames(Encoded.reordering)
        _ = try await harness.watch()
        #expect(await transcodes(harness) == 0)
        let first = try await watch(harness, Self.vp8Viewer)
        #expect(first.sdp.contains("VP8/90000"))
        _ = try await watch(harness, Self.vp8Viewer)
        #expect(await transcodes(harness) == 1)
        ingest.finish()
    }

    @Test func `it ends some seconds after its last viewer, and one who comes back finds it`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        _ = try await harness.publishFrames(Encoded.reordering)
        let first = try await watch(harness, Self.vp8Viewer)
        try await end(first, harness)
        let left = ContinuousClock.now
        await harness.gateway.tendTranscodes(at: left + .seconds(4))
        #expect(await transcodes(harness) == 1)
        let second = try await watch(harness, Self.vp8Viewer)
        await harness.gateway.tendTranscodes(at: left + .seconds(60))
        #expect(await transcodes(harness) == 1)
        try await end(second, harness)
        await harness.gateway.tendTranscodes(at: ContinuousClock.now + .seconds(6))
        #expect(await transcodes(harness) == 0)
    }

    @Test func `beyond the limit viewers are told so, unless one is unused`() async throws {
        let harness = try GatewayHarness(GatewayPolicy(transcoding: TranscodingPolicy(maximum: 1)))
        defer { harness.stop() }
        _ = try await harness.publishFrames(Encoded.reordering)
        let other = try await harness.gateway.ingest(
            stream: try #require(StreamName("other")), by: .loopback, onEnd: { _ in })
        other.configure(Encoded.reordering)
        other.configure(.opus(channels: 2))
        await harness.hear(other)
        let first = try await watch(harness, Self.vp8Viewer)
        let refusal = await #expect(throws: GatewayRefusal.self) {
            _ = try await watch(harness, Self.vp8Viewer, stream: "other")
        }
        #expect(refusal?.code == .transcodingLimit)
        #expect(refusal?.message.contains("H264") == true)
        try await end(first, harness)
        _ = try await watch(harness, Self.vp8Viewer, stream: "other")
        #expect(await transcodes(harness) == 1)
    }

    @Test func `where nothing may be encoded, viewers hear which codec is needed`() async throws {
        let harness = try GatewayHarness(GatewayPolicy(transcoding: TranscodingPolicy(maximum: 0)))
        defer { harness.stop() }
        let ingest = try await harness.publishFrames(Encoded.reordering)
        let refusal = await #expect(throws: GatewayRefusal.self) { _ = try await watch(harness, Self.vp8Viewer) }
        #expect(refusal?.code == .noCommonCodec)
        // Nor can B-frames be helped.
        ingest.write(Encoded.picture(0, shownAt: 1, isKeyFrame: true))
        ingest.write(Encoded.picture(1, shownAt: 3))
        ingest.write(Encoded.picture(2, shownAt: 2))
        await harness.hear(ingest)
        let reordered = await #expect(throws: GatewayRefusal.self) { _ = try await harness.watch() }
        #expect(reordered?.code == .reorderedVideo)
        #expect(try await harness.status().warnings.map(\.code).contains("b-frames"))
    }

    @Test(arguments: [ReorderingPolicy.auto, .transcode, .drop, .keep])
    func `B-frames that others need are taken out by encoding anew, where the policy says so`(
        policy: ReorderingPolicy
    ) async throws {
        let harness = try GatewayHarness(GatewayPolicy(reordering: policy))
        defer { harness.stop() }
        let ingest = try await harness.publishFrames(Encoded.reordering)
        let early = try await harness.watch()
        let other = try await watch(harness, Self.vp8Viewer)
        ingest.write(Encoded.picture(0, shownAt: 1, isKeyFrame: true))
        ingest.write(Encoded.picture(1, shownAt: 3))
        ingest.write(Encoded.picture(2, shownAt: 2))
        await harness.hear(ingest)
        // Whoever saw the publisher's own picture must come again; the others see another one.
        let name = try GatewayHarness.stream()
        #expect(await harness.gateway.entityTag(of: early.sessionID, stream: name, kind: .viewer) == nil)
        #expect(await harness.gateway.entityTag(of: other.sessionID, stream: name, kind: .viewer) != nil)
        if policy == .auto || policy == .transcode {
            let again = try await harness.watch()
            #expect(again.sdp.contains("H264/90000"))
            #expect(await transcodes(harness) == 2)
            #expect(try await harness.status().warnings.map(\.code).contains("b-frames-transcoded"))
        } else {
            let refusal = await #expect(throws: GatewayRefusal.self) { _ = try await harness.watch() }
            #expect(refusal?.code == .reorderedVideo)
        }
    }

    @Test func `a ladder gives viewers of one size layers to choose from, and services renditions to read`()
        async throws
    {
        let ladder = [240, 120, 720].map { VideoRendition(codec: .h264, height: $0) }
        let harness = try GatewayHarness(GatewayPolicy(transcoding: TranscodingPolicy(maximum: 1, ladder: ladder)))
        defer { harness.stop() }
        _ = try await harness.publishFrames(Encoded.reordering)
        let viewer = try await harness.watch()
        #expect(viewer.hasLayers)
        let name = try GatewayHarness.stream()
        for layer in ["source", "240p", "120p", nil] {
            try await harness.gateway.selectLayer(layer, section: nil, session: viewer.sessionID, stream: name)
        }
        await #expect(throws: GatewayRefusal.self) {
            // Larger than the picture.
            try await harness.gateway.selectLayer("720p", section: nil, session: viewer.sessionID, stream: name)
        }
        let hold = try #require(await harness.gateway.renditions(of: name))
        #expect(hold.renditions.map(\.name) == ["240p", "120p"])
        try await end(viewer, harness)
        await harness.gateway.tendTranscodes(at: ContinuousClock.now + .seconds(60))
        #expect(await transcodes(harness) == 1, "a service reads it")
        // Somebody who needs another form finds no room, and one who does not is shown what there is.
        await #expect(throws: GatewayRefusal.self) { _ = try await watch(harness, Self.vp8Viewer) }
        await harness.gateway.release(hold)
        await harness.gateway.tendTranscodes(at: ContinuousClock.now + .seconds(60))
        #expect(await transcodes(harness) == 0)
    }

    @Test func `a service has the picture encoded anew once, with the ladder, and shares it with viewers`() async throws
    {
        let ladder = [VideoRendition(codec: .h264, height: 120)]
        let harness = try GatewayHarness(GatewayPolicy(transcoding: TranscodingPolicy(maximum: 1, ladder: ladder)))
        defer { harness.stop() }
        let name = try GatewayHarness.stream()
        #expect(await harness.gateway.replacement(of: name) == nil)
        _ = try await harness.publishFrames(Encoded.reordering)
        let hold = try #require(await harness.gateway.replacement(of: name))
        let second = try #require(await harness.gateway.replacement(of: name))
        #expect(hold.renditions.map(\.name) == ["source", "120p"])
        #expect(await transcodes(harness) == 1)
        #expect(await harness.gateway.renditions(of: name) == nil, "it is one too many")
        await harness.gateway.release(hold)
        await harness.gateway.tendTranscodes(at: ContinuousClock.now + .seconds(60))
        #expect(await transcodes(harness) == 1)
        await harness.gateway.release(second)
        await harness.gateway.tendTranscodes(at: ContinuousClock.now + .seconds(60))
        #expect(await transcodes(harness) == 0)
    }

    @Test func `without room for the ladder the publisher's picture is shown alone`() async throws {
        let ladder = [VideoRendition(codec: .h264, height: 120)]
        let harness = try GatewayHarness(GatewayPolicy(transcoding: TranscodingPolicy(maximum: 1, ladder: ladder)))
        defer { harness.stop() }
        _ = try await harness.publishFrames(Encoded.reordering)
        _ = try await watch(harness, Self.vp8Viewer)
        let viewer = try await harness.watch()
        #expect(!viewer.hasLayers)
        #expect(await transcodes(harness) == 1)
    }

    @Test func `the end of a stream ends what was made of it`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        _ = try await harness.publishFrames(Encoded.reordering)
        _ = try await watch(harness, Self.vp8Viewer)
        await harness.gateway.remove(try GatewayHarness.stream())
        #expect(await transcodes(harness) == 0)
    }
}

import Gateway
import Media
import Testing

@Suite("B-frames, rtmp.b_frames")
struct ReorderingPolicyTests {
    /// I P b P b …: every second picture is shown before the one ahead of it, and nothing depends on it.
    private static let disposable =
        [Encoded.picture(0, shownAt: 1, isKeyFrame: true)]
        + (0..<5).flatMap { pair -> [EncodedFrame] in
            let first = Int64(2 * pair + 1)
            return [
                Encoded.picture(first, shownAt: first + 2),
                Encoded.picture(first + 1, shownAt: first + 1, reference: 0),
            ]
        }

    /// The same, but others depend on what is shown early.
    private static let pyramid = disposable.map { frame in
        var frame = frame
        if !frame.isKeyFrame, frame.payload[4] == 1 { frame.payload[4] = 0x21 }
        return frame
    }

    private func harness(_ policy: ReorderingPolicy, _ frames: [EncodedFrame]) throws -> IngestHarness {
        let harness = try IngestHarness(policy)
        try harness.startVideo(Encoded.reordering)
        for frame in frames { harness.ingest.write(frame) }
        return harness
    }

    @Test(arguments: [ReorderingPolicy.auto, .drop])
    func `those that nothing depends on are left out, and the publisher reads about it`(
        policy: ReorderingPolicy
    ) throws {
        let harness = try harness(policy, Self.disposable)
        #expect(harness.bursts.count == 6)
        let news = harness.ingest.takeNews()
        #expect(news.isReordered == nil)
        #expect(news.warnings.map(\.code) == ["b-frames-dropped"])
        #expect(news.warnings.first?.message.contains("-bf 0") == true)
    }

    @Test func `the decoder is told that nothing is reordered, also where the key frame says otherwise`() throws {
        var frames = Self.disposable
        frames[0] = Encoded.picture(0, shownAt: 1, isKeyFrame: true, sets: Encoded.reordering)
        for list in [Self.disposable, frames] {
            let sps = try #require(try harness(.auto, list).bursts.first?.parameterSet)
            let parameters = try H264SequenceParameterSet(parsing: sps.span)
            #expect(!parameters.allowsReordering)
            #expect((parameters.width, parameters.height) == (642, 362))
        }
    }

    @Test func `those that others depend on make the stream one that browsers cannot play`() throws {
        let harness = try harness(.auto, Self.pyramid)
        let news = harness.ingest.takeNews()
        #expect(news.isReordered == true)
        #expect(news.warnings.map(\.code) == ["b-frames-transcoded"])
        // Whoever else reads the stream gets it whole.
        #expect(harness.bursts.count == Self.pyramid.count)
    }

    @Test func `once a stream cannot be played anyway, nothing more is left out of it`() throws {
        let mixed = Array(Self.pyramid[..<7] + Self.disposable[7...])
        #expect(try harness(.auto, mixed).bursts.count == mixed.count)
        #expect(try harness(.drop, mixed).bursts.count == mixed.count - 2)
    }

    @Test func `hls_only leaves none out and refuses viewers`() throws {
        let harness = try harness(.keep, Self.disposable)
        #expect(harness.bursts.count == Self.disposable.count)
        let news = harness.ingest.takeNews()
        #expect(news.isReordered == true)
        #expect(news.warnings.first?.message.contains("rtmp.b_frames") == true)
        guard case .h264(let sps, _) = Encoded.reordering else { return }
        #expect(harness.bursts.first?.parameterSet == sps.first)
    }

    @Test func `transcode leaves none out, and viewers get another picture`() throws {
        let harness = try harness(.transcode, Self.disposable)
        #expect(harness.bursts.count == Self.disposable.count)
        let news = harness.ingest.takeNews()
        #expect(news.isReordered == true)
        #expect(news.warnings.map(\.code) == ["b-frames-transcoded"])
    }

    @Test(arguments: [ReorderingPolicy.auto, .drop, .keep])
    func `a stream without them is nobody's business`(policy: ReorderingPolicy) throws {
        let frames = (0..<10).map { Encoded.picture($0, isKeyFrame: $0 == 0) }
        let harness = try harness(policy, frames)
        #expect(harness.bursts.count == 10)
        #expect(harness.ingest.takeNews().warnings.isEmpty)
    }

    @Test func `an encoder that turned them off is welcome again`() throws {
        let harness = try harness(.auto, Self.pyramid)
        _ = harness.ingest.takeNews()
        harness.ingest.configure(Encoded.baseline)
        #expect(harness.ingest.takeNews().isReordered == false)
    }
}

import Gateway
import Media
import MediaIO
import Primitives
import RTP
import Testing

@Suite("The way in for frames: tracks")
struct FrameIngestTests {
    @Test func `tracks are announced as soon as both are known`() throws {
        let harness = try IngestHarness()
        harness.ingest.configure(Encoded.baseline)
        #expect(harness.ingest.takeNews().announcement == nil)
        harness.ingest.configure(.aac(audioSpecificConfig: [0x11, 0x90]))
        let tracks = try harness.settle()
        #expect(tracks.map(\.description.codec) == [.h264, .opus])
        #expect(tracks.first?.description.formatParameters["profile-level-id"] == "42c01e")
        #expect((tracks.first?.width, tracks.first?.height) == (642, 362))
    }

    @Test func `half a second without the other track is enough to start`() throws {
        let harness = try IngestHarness()
        harness.ingest.configure(Encoded.baseline)
        harness.ingest.write(Encoded.picture(0, isKeyFrame: true))
        harness.ingest.write(Encoded.picture(12))
        #expect(harness.ingest.takeNews().announcement == nil)
        harness.ingest.write(Encoded.picture(13))
        try harness.settle()
        // What came meanwhile has waited.
        #expect(harness.bursts.count == 3)
    }

    @Test func `a track that comes late is announced, and the other goes on`() throws {
        let harness = try IngestHarness()
        harness.ingest.configure(Encoded.baseline)
        for number in 0..<14 { harness.ingest.write(Encoded.picture(Int64(number), isKeyFrame: number == 0)) }
        try harness.settle()
        harness.ingest.configure(.opus(channels: 2))
        harness.ingest.write(Encoded.picture(14))
        #expect(harness.ingest.feeds(1))
        try harness.settle()
        harness.ingest.write(Encoded.opus(at: 600_000))
        let video = harness.bursts.filter { $0.track == 1 }
        let numbers = try video.flatMap(\.packets).map { packet in
            try IngestHarness.Burst(track: 1, packets: [packet]).header().sequenceNumber
        }
        for (number, next) in zip(numbers, numbers.dropFirst()) { #expect(next == number &+ 1) }
        #expect(harness.bursts.contains { $0.track == 2 })
    }

    @Test func `another codec is another track`() throws {
        let harness = try IngestHarness()
        try harness.startVideo(Encoded.baseline)
        harness.ingest.write(Encoded.picture(0, isKeyFrame: true))
        harness.ingest.configure(.vp8)
        let tracks = try #require(harness.ingest.takeNews().announcement)
        #expect(tracks.map(\.description.codec) == [.vp8, .opus])
        harness.ingest.ready([(7, .vp8), (2, .opus)])
        var picture = Encoded.picture(2, isKeyFrame: true)
        picture.codec = .vp8
        harness.ingest.write(picture)
        #expect(harness.bursts.last?.track == 7)
        // What is left of the old one goes nowhere.
        harness.ingest.write(Encoded.picture(3))
        #expect(harness.bursts.last?.track == 7)
    }

    @Test func `a change of mind during an announcement is announced afterwards`() throws {
        let harness = try IngestHarness()
        harness.ingest.configure(Encoded.baseline)
        harness.ingest.configure(.opus(channels: 2))
        let first = try #require(harness.ingest.takeNews().announcement)
        harness.ingest.configure(.vp8)
        harness.ingest.ready([(1, try #require(first.first).description.codec), (2, .opus)])
        #expect(harness.ingest.takeNews().announcement?.first?.description.codec == .vp8)
    }

    @Test func `another picture size is told, and viewers get it with the next key frame`() throws {
        let harness = try IngestHarness()
        try harness.startVideo(Encoded.baseline)
        harness.ingest.write(Encoded.picture(0, isKeyFrame: true))
        let larger = Encoded.baseline(widthInMacroblocks: 80, heightInMacroblocks: 45)
        harness.ingest.configure(larger)
        let news = harness.ingest.takeNews()
        #expect(news.announcement == nil)
        #expect((news.change?.first?.width, news.change?.first?.height) == (1280, 720))
        harness.ingest.write(Encoded.picture(1, isKeyFrame: true))
        guard case .h264(let sps, _) = larger else { return }
        #expect(harness.bursts.last?.parameterSet == sps.first)
        #expect(harness.bursts.map(\.track) == [1, 1])
    }

    @Test func `a picture size that only the key frame tells is noticed too`() throws {
        let harness = try IngestHarness()
        try harness.startVideo(Encoded.baseline)
        let larger = Encoded.baseline(widthInMacroblocks: 80, heightInMacroblocks: 45)
        harness.ingest.write(Encoded.picture(0, isKeyFrame: true, sets: larger))
        #expect(harness.ingest.takeNews().change?.first?.width == 1280)
        // A later key frame without its own sets gets the newest.
        harness.ingest.write(Encoded.picture(1, isKeyFrame: true))
        guard case .h264(let sps, _) = larger else { return }
        #expect(harness.bursts.map(\.parameterSet) == [sps.first, sps.first])
    }

    @Test func `however often a publisher changes its mind, the gateway is called once`() throws {
        let harness = try IngestHarness()
        try harness.startVideo(Encoded.baseline)
        let before = harness.reports
        for round in 0..<500 {
            harness.ingest.configure(Encoded.baseline(widthInMacroblocks: 10 + round % 2, heightInMacroblocks: 10))
            harness.ingest.warn(IngestWarning(code: "code-\(round)", message: "x"))
        }
        #expect(harness.reports == before + 1)
        #expect(harness.ingest.takeNews().warnings.count == 16)
    }

    @Test func `frames that wait for a number are bounded`() throws {
        let harness = try IngestHarness()
        harness.ingest.configure(Encoded.baseline)
        harness.ingest.configure(.opus(channels: 2))
        for number in 0..<(3 * FrameIngest.maximumBacklog) {
            harness.ingest.write(Encoded.picture(Int64(number), isKeyFrame: number == 0))
        }
        try harness.settle()
        #expect(harness.bursts.count == FrameIngest.maximumBacklog)
    }

    @Test func `nothing comes out after the end, and the publisher is told once`() throws {
        let harness = try IngestHarness()
        try harness.startVideo(Encoded.baseline)
        harness.ingest.end(.superseded)
        harness.ingest.end(.shutdown)
        harness.ingest.finish()
        harness.ingest.write(Encoded.picture(0, isKeyFrame: true))
        #expect(harness.bursts.isEmpty)
        #expect(harness.ends.count == 1)
        #expect(!harness.ingest.takeNews().isFinished)
    }

    @Test func `a viewer's wish for a key frame reaches who can grant it`() throws {
        let harness = try IngestHarness()
        harness.ingest.requestKeyFrame()
        #expect(harness.keyFrameRequests == 1)
    }
}

@Suite("The way in for frames: time")
struct FrameIngestTimeTests {
    @Test func `a key frame tells the time of day of its picture`() throws {
        let harness = try IngestHarness()
        try harness.startVideo(Encoded.baseline)
        harness.ingest.write(Encoded.picture(0, isKeyFrame: true))
        harness.moveWallClock(by: 1_000_000_000)
        harness.ingest.write(Encoded.picture(25, isKeyFrame: true))
        let clocks = harness.bursts.compactMap(\.clock)
        try #require(clocks.count == 2)
        #expect(clocks[1].timestamp &- clocks[0].timestamp == 90_000)
        #expect(abs(clocks[1].ntpTime.unixNanoseconds - clocks[0].ntpTime.unixNanoseconds - 1_000_000_000) < 10)
    }

    @Test(arguments: [3600 * 1_000_000_000, -3600 * 1_000_000_000] as [Int64])
    func `a wall clock that was set begins a new reckoning`(step: Int64) throws {
        let harness = try IngestHarness()
        try harness.startVideo(Encoded.baseline)
        harness.ingest.write(Encoded.picture(0, isKeyFrame: true))
        harness.moveWallClock(by: step)
        harness.ingest.write(Encoded.picture(1, isKeyFrame: true))
        let clocks = harness.bursts.compactMap(\.clock)
        try #require(clocks.count == 2)
        #expect(abs(clocks[1].ntpTime.unixNanoseconds - clocks[0].ntpTime.unixNanoseconds - step) < 10)
    }

    @Test(arguments: [Int64.max, .min, -1, 1 << 52])
    func `times that no clock shows never trap`(time: Int64) throws {
        let harness = try IngestHarness()
        try harness.startVideo(Encoded.baseline)
        for moment in [0, time, 0] {
            var frame = Encoded.picture(0, isKeyFrame: true)
            frame.decodeTime = moment
            frame.presentationTime = moment
            harness.ingest.write(frame)
            frame = Encoded.opus(at: moment)
            harness.ingest.write(frame)
        }
        #expect(harness.bursts.count == 6)
    }
}

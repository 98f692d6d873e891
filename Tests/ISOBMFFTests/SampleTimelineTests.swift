import ISOBMFF
import Media
import TestSupport
import Testing

@Suite("Samples on the clock of their track")
struct SampleTimelineTests {
    private func samples(_ configuration: CodecConfiguration, _ frames: [EncodedFrame]) throws -> [TimedSample] {
        var timeline = SampleTimeline(track: try MovieTrack(identifier: 1, configuration: configuration))
        var samples = frames.compactMap { timeline.append($0) }
        if let last = timeline.finish() { samples.append(last) }
        return samples
    }

    private func expectContiguous(_ samples: [TimedSample]) {
        for (sample, next) in zip(samples, samples.dropFirst()) {
            #expect(sample.end == next.decodeTime)
            #expect(sample.sample.duration > 0)
        }
    }

    @Test func `a video frame lasts until the next one and the last as long as the one before`() throws {
        let times: [Int64] = [0, 33_000, 67_000, 100_000]
        let placed = try samples(TrackSamples.h264, times.map { TrackSamples.frame(.h264, at: $0, isKey: $0 == 0) })
        #expect(placed.map(\.decodeTime) == [0, 2_970, 6_030, 9_000])
        #expect(placed.map(\.sample.duration) == [2_970, 3_060, 2_970, 2_970])
        #expect(placed.map(\.sample.isKeyFrame) == [true, false, false, false])
    }

    @Test func `frames shown later than they are decoded say by how much`() throws {
        let frames = [(0, 66_000), (33_000, 132_000), (66_000, 99_000)] as [(Int64, Int64)]
        let placed = try samples(
            TrackSamples.h264, frames.map { TrackSamples.frame(.h264, at: $0.0, shownAt: $0.1) })
        #expect(placed.map(\.sample.compositionOffset) == [5_940, 8_910, 2_970])
    }

    @Test func `times that stand still or go back still advance the clock`() throws {
        let times: [Int64] = [1_000_000, 1_000_000, 500_000, 1_033_000]
        let placed = try samples(TrackSamples.h264, times.map { TrackSamples.frame(.h264, at: $0) })
        #expect(placed.map(\.decodeTime) == [90_000, 90_001, 90_002, 92_970])
        expectContiguous(placed)
    }

    @Test func `AAC frames with timestamps in milliseconds last 1024 samples each`() throws {
        let frames = (0..<500).map { index in
            TrackSamples.frame(.aac, at: Int64(index) * 1_024 * 1_000 / 44_100 * 1_000)
        }
        let placed = try samples(TrackSamples.aac, frames)
        #expect(placed.allSatisfy { $0.sample.duration == 1_024 })
    }

    @Test(arguments: [0.999, 1.001])
    func `an audio clock that runs fast or slow is followed without a hole`(rate: Double) throws {
        // 200 seconds, in which the clocks come 200 ms apart.
        let frames = (0..<10_000).map { TrackSamples.frame(.opus, [0xFC], at: Int64(Double($0) * 20_000 * rate)) }
        let placed = try samples(.opus(channels: 2), frames)
        expectContiguous(placed)
        let last = try #require(placed.last)
        let wanted = Double(try #require(frames.last).decodeTime) * 0.048
        #expect(abs(Double(last.decodeTime) - wanted) <= 0.03 * 48_000)
        #expect(placed.allSatisfy { abs(Int($0.sample.duration) - 960) <= 4 })
    }

    @Test func `a hole in audio is bridged by the sample before it`() throws {
        let times: [Int64] = [0, 20_000, 40_000, 540_000, 560_000]
        let placed = try samples(.opus(channels: 2), times.map { TrackSamples.frame(.opus, [0xFC], at: $0) })
        #expect(placed.map(\.decodeTime) == [0, 960, 1_920, 25_920, 26_880])
        expectContiguous(placed)
    }

    @Test func `audio that goes back is squeezed but never stands still`() throws {
        let times: [Int64] = [1_000_000, 1_020_000, 0, 20_000, 40_000]
        let placed = try samples(.opus(channels: 2), times.map { TrackSamples.frame(.opus, [0xFC], at: $0) })
        expectContiguous(placed)
    }
}

import Testing

@testable import Transcoding

@Suite("Samples on the media clock")
struct AudioTimelineTests {
    /// Feeds blocks of 1,024 samples with the timestamps `time` gives, and obeys every correction.
    ///
    /// Returns the largest difference between timestamps and timeline in microseconds, over the second half.
    private func worstDifference(blocks: Int, time: (Int) -> Int64) -> Int64 {
        var timeline = AudioTimeline()
        var worst: Int64 = 0
        var stretch = 0
        for block in 0..<blocks {
            let timestamp = time(block)
            if timeline.place(at: timestamp) == .restart {
                #expect(block == 0, "the stream has no gap")
                timeline.restart(at: timestamp)
            }
            if block > blocks / 2 { worst = max(worst, abs(timestamp - (timeline.end ?? 0))) }
            // What the resampler does: about two more, or two less, in a block.
            let share = stretch == 0 ? 0 : (stretch > 0 ? min(2, stretch) : max(-2, stretch))
            stretch -= share
            timeline.append(1_024 + share)
            if let correction = timeline.correction() { stretch = correction }
        }
        return worst
    }

    @Test func `timestamps rounded to milliseconds need no correction`() {
        var timeline = AudioTimeline()
        timeline.restart(at: 0)
        for block in 0..<10_000 {
            let exact = Int64(block) * 1_024 * 1_000_000 / 48_000
            #expect(timeline.place(at: exact / 1_000 * 1_000) == .append)
            timeline.append(1_024)
            #expect(timeline.correction() == nil)
        }
        let end = timeline.end ?? 0
        #expect(end == 213_333_333)
    }

    @Test(arguments: [0.999, 0.9995, 1.0005, 1.001])
    func `a sample clock that drifts is followed within 20 ms`(speed: Double) {
        // Ten minutes.
        let worst = worstDifference(blocks: 28_000) { Int64(Double($0) * 1_024 / 48_000 * 1e6 * speed) }
        #expect(worst < 20_000)
    }

    @Test func `a gap restarts and an overlap is discarded`() {
        var timeline = AudioTimeline()
        timeline.restart(at: 1_000_000)
        timeline.append(48_000)
        #expect(timeline.place(at: 2_000_000) == .append)
        #expect(timeline.place(at: 2_000_000 + AudioTimeline.tolerance) == .append)
        #expect(timeline.place(at: 2_000_001 + AudioTimeline.tolerance) == .restart)
        #expect(timeline.place(at: 1_999_999 - AudioTimeline.tolerance) == .discard)
    }

    @Test func `times at the ends of the range do not trap`() {
        var timeline = AudioTimeline()
        timeline.restart(at: .min)
        #expect(timeline.place(at: .max) == .restart)
    }
}

import Media
import Primitives
import Testing

@testable import RTMP

@Suite("Media time")
struct MediaTimelineTests {
    private var timeline = MediaTimeline()
    private var now = Instant.zero

    /// Places a message that arrives `interval` ms after the one before.
    private mutating func place(_ timestamp: UInt32, _ kind: MediaKind, after interval: Int64 = 20) -> Int64 {
        now = now + .milliseconds(interval)
        return timeline.place(timestamp, kind: kind, at: now).milliseconds
    }

    @Test mutating func `time starts at zero, wherever the encoder starts`() {
        #expect(place(4_000_000_000, .video) == 0)
        #expect(place(4_000_000_040, .video) == 40)
        #expect(place(4_000_000_020, .audio) == 20)
    }

    @Test mutating func `the wrap of 32 bits passes unnoticed`() {
        #expect(place(0xFFFF_FFF0, .video) == 0)
        #expect(place(0x0000_0010, .video) == 32)
        #expect(place(0xFFFF_FFF8, .audio) == 8)
        #expect(place(0x0000_0018, .audio) == 40)
    }

    @Test mutating func `a small step back is held`() {
        #expect(place(1_000, .video) == 0)
        #expect(place(1_040, .video) == 40)
        #expect(place(1_010, .video) == 40)
        #expect(place(1_080, .video) == 80)
    }

    @Test(arguments: [UInt32(0), 50_000, 1_000_000, 3_000_000_000])
    mutating func `after a jump both tracks go on together`(restart: UInt32) {
        var last: [MediaKind: Int64] = [:]
        for frame in UInt32(0)..<50 {
            last[.video] = place(100_000 + frame * 40, .video)
            last[.audio] = place(100_000 + frame * 40 + 5, .audio)
        }
        // Video jumps a little before audio does, as it happens when an encoder restarts its clock.
        var differences: Set<Int64> = []
        for frame in UInt32(0)..<50 {
            let video = place(restart + frame * 40, .video)
            #expect(video > last[.video] ?? 0)
            #expect(video - (last[.video] ?? 0) <= 100)
            last[.video] = video
            let isOld = frame < 3
            let audio = place(isOld ? 102_000 + frame * 40 + 5 : restart + frame * 40 + 5, .audio)
            #expect(audio >= last[.audio] ?? 0)
            #expect(audio - (last[.audio] ?? 0) <= 200)
            last[.audio] = audio
            if !isOld { differences.insert(audio - video) }
        }
        #expect(differences == [5])
    }

    @Test mutating func `a step back of one second keeps the tracks in step`() {
        for frame in UInt32(0)..<50 {
            _ = place(10_000 + frame * 40, .video)
            _ = place(10_000 + frame * 40 + 5, .audio)
        }
        let video = place(11_000, .video)
        let audio = place(12_005, .audio)  // Audio has not stepped back yet.
        #expect(audio - video == 5)
        #expect(place(11_045, .audio) - place(11_040, .video) == 5)
    }

    @Test mutating func `a gap that real time explains is no jump`() {
        #expect(place(0, .video) == 0)
        #expect(place(40, .video) == 40)
        #expect(place(30_040, .video, after: 30_000) == 30_040)
    }

    @Test mutating func `a frame every ten seconds is no jump`() {
        for frame in UInt32(0)..<10 { #expect(place(frame * 10_000, .video, after: 10_000) == Int64(frame) * 10_000) }
    }

    @Test mutating func `faster than real time is no jump`() {
        for frame in UInt32(0)..<1_000 { #expect(place(frame * 40, .video, after: 0) == Int64(frame) * 40) }
    }

    @Test mutating func `hostile timestamps never trap and never go back`() {
        var last = Int64(0)
        for step in UInt32(0)..<5_000 {
            let time = place(step &* 2_654_435_761, .video, after: Int64(step % 7))
            #expect(time >= last)
            last = time
        }
    }
}

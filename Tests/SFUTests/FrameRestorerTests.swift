import Media
import Primitives
import SFU
import TestSupport
import Testing

@Suite("Frames from a track's packets")
struct FrameRestorerTests {
    /// One packet for each frame: a slice whose bytes name the frame.
    private func packet(_ number: Int64, isKeyFrame: Bool = false, at milliseconds: Int64) -> ReorderBuffer.Packet {
        ReorderBuffer.Packet(
            sequence: number, timestamp: UInt32(number) * 3000, marker: true,
            payload: [isKeyFrame ? 0x65 : 0x41, 0x88, UInt8(number >> 8), UInt8(truncatingIfNeeded: number)],
            arrivedAt: .zero + .milliseconds(milliseconds))
    }

    private func number(_ frame: ReceivedFrame) -> Int64 {
        Int64(frame.frame.payload[6]) << 8 | Int64(frame.frame.payload[7])
    }

    @Test func `nothing comes before the first key frame, and one is asked for once a second`() {
        var restorer = FrameRestorer(codec: .h264)
        var asked: [Int64] = []
        for step in 0..<Int64(30) {
            let now = Instant.zero + .milliseconds(step * 100)
            restorer.receive(packet(step, at: step * 100))
            #expect(restorer.frames(at: now).isEmpty)
            if restorer.asksForKeyFrame(at: now) { asked.append(step * 100) }
        }
        #expect(asked == [200, 1200, 2200])
        #expect(restorer.undecodable == 30)
        restorer.receive(packet(30, isKeyFrame: true, at: 3000))
        #expect(restorer.frames(at: .zero + .milliseconds(3000)).map(number) == [30])
        #expect(restorer.keyFrameDeadline == nil)
    }

    @Test func `behind a packet that does not come, frames go on at the next key frame`() {
        var restorer = FrameRestorer(codec: .h264, patience: .milliseconds(300))
        var seen: [Int64] = []
        for step in Int64(0)..<40 where step != 10 {
            restorer.receive(packet(step, isKeyFrame: step % 25 == 0, at: step * 33))
            seen += restorer.frames(at: .zero + .milliseconds(step * 33)).map(number)
        }
        #expect(seen == Array(0..<10) + Array(25..<40))
        #expect(restorer.undecodable == 14)
    }

    @Test func `whatever is lost, late or twice, a decoder gets unbroken runs from key frames on`() {
        for seed: UInt64 in 0..<20 {
            var generator = SeededGenerator(seed: seed)
            var restorer = FrameRestorer(codec: .h264)
            var arriving: [(at: Int64, packet: ReorderBuffer.Packet)] = []
            for number in Int64(0)..<600 {
                guard Int.random(in: 0..<50, using: &generator) > 0 else { continue }
                let at = number * 33 + Int64.random(in: 0..<100, using: &generator)
                let copies = Int.random(in: 0..<20, using: &generator) == 0 ? 2 : 1
                for _ in 0..<copies { arriving.append((at, packet(number, isKeyFrame: number % 30 == 0, at: at))) }
            }
            arriving.sort { $0.at < $1.at }
            var seen: [Int64] = []
            for (at, packet) in arriving {
                restorer.receive(packet)
                seen += restorer.frames(at: .zero + .milliseconds(at)).map(number)
            }
            #expect(seen.count > 200)
            for (last, next) in zip(seen, seen.dropFirst()) { #expect(next == last + 1 || next % 30 == 0) }
            #expect(seen == seen.sorted())
        }
    }

    @Test func `sound has no key frames to wait for`() {
        var restorer = FrameRestorer(codec: .opus)
        for step in [0, 1, 3] as [Int64] {
            restorer.receive(
                ReorderBuffer.Packet(
                    sequence: step, timestamp: UInt32(step) * 960, marker: false, payload: [0xFC, 1, 2],
                    arrivedAt: .zero))
        }
        #expect(restorer.frames(at: .zero).count == 2)
        #expect(restorer.frames(at: .zero + .milliseconds(300)).count == 1)
        #expect(restorer.asksForKeyFrame(at: .zero + .seconds(5)) == false)
    }
}

@Suite("The gateway's clock for frames")
struct FrameClockTests {
    private let start = NTPTime(unixNanoseconds: 1_790_000_000_000_000_000)

    @Test func `frames keep their distances, also where timestamps wrap`() {
        var clock = FrameClock(clockRate: 90_000)
        var times: [Int64] = []
        for step in 0..<100 as Range<UInt32> {
            let timestamp = UInt32.max - 50 * 3000 &+ step &* 3000
            let now = start.advanced(by: Interval(ticks: Int64(step) * 3000, atRate: 90_000))
            times.append(clock.time(of: timestamp, reference: timestamp, at: now))
        }
        for (last, next) in zip(times, times.dropFirst()) { #expect(abs(next - last - 33_333_333) < 10) }
    }

    @Test(arguments: [-300, -100, 100, 300] as [Int64])
    func `what a report corrects is made up for at 2%, never at once and never back`(milliseconds: Int64) {
        var clock = FrameClock(clockRate: 90_000)
        var last = Int64.min
        for step in 0..<1_200 as Range<UInt32> {
            // The report comes after a second.
            let correction = step < 30 ? Interval.zero : .milliseconds(milliseconds)
            let media = Interval(ticks: Int64(step) * 3000, atRate: 90_000)
            let time = clock.time(
                of: step * 3000, reference: step * 3000, at: start.advanced(by: media + correction))
            if last != .min { #expect(abs(time - last - 33_333_333) <= 33_333_333 / 50 + 10) }
            last = time
        }
        let end = start.advanced(by: Interval(ticks: 1_199 * 3000, atRate: 90_000) + .milliseconds(milliseconds))
        #expect(abs(last - end.unixNanoseconds) < 100)
    }

    @Test func `a clock far behind is set forward at once`() {
        var clock = FrameClock(clockRate: 90_000)
        _ = clock.time(of: 0, reference: 0, at: start)
        let later = start.advanced(by: .seconds(4))
        #expect(clock.time(of: 3000, reference: 3000, at: later) == later.unixNanoseconds)
    }
}

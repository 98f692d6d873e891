import Primitives
import RTP
import SFU
import TestSupport
import Testing

@Suite("Sender report clock")
struct SenderReportClockTests {
    /// Some time in 2026, by our clock.
    private static let epoch = NTPTime(unixNanoseconds: 1_790_000_000_000_000_000)

    /// A publisher with a clock of its own, whose packets take at least 20 ms.
    private struct Publisher {
        var clockOffset = Interval.seconds(1_000)
        var firstTimestamp: UInt32 = 0xFFFF_0000
        var rate = 90_000

        func timestamp(at elapsed: Interval) -> UInt32 {
            firstTimestamp &+ UInt32(truncatingIfNeeded: elapsed.ticks(atRate: rate))
        }

        func report(at elapsed: Interval) -> SenderReport {
            SenderReport(
                ssrc: 1,
                ntpTime: epoch.advanced(by: clockOffset + elapsed),
                rtpTimestamp: timestamp(at: elapsed),
                packetCount: 0,
                octetCount: 0
            )
        }
    }

    /// How much later our clock says media of `elapsed` was taken than it was.
    private static func error(
        of clock: SenderReportClock,
        for publisher: Publisher,
        at elapsed: Interval
    ) throws -> Interval {
        let ntp = try #require(clock.ntp(forTimestamp: publisher.timestamp(at: elapsed)))
        return ntp.since(epoch.advanced(by: elapsed))
    }

    @Test func `without a packet there is no mapping`() {
        let clock = SenderReportClock(clockRate: 90_000)
        #expect(clock.basis == .none)
        #expect(clock.ntp(forTimestamp: 0) == nil)
        #expect(clock.timestamp(atNTP: Self.epoch) == nil)
    }

    @Test(arguments: [0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] as [UInt32], [8_000, 48_000, 90_000])
    func `an exact mapping is exact both ways, across the wrap, for a day`(start: UInt32, rate: Int) throws {
        var clock = SenderReportClock(clockRate: rate)
        for minute in stride(from: 0, to: 24 * 60, by: 7) as StrideTo<Int64> {
            let timestamp = start &+ UInt32(truncatingIfNeeded: minute * 60 * Int64(rate))
            let ntp = Self.epoch.advanced(by: .seconds(60 * minute))
            if minute == 0 {
                clock.set(rtp: timestamp, ntp: ntp)
            } else {
                clock.receive(timestamp: timestamp, at: ntp.advanced(by: .milliseconds(minute % 500)))
            }
            let mapped = try #require(clock.ntp(forTimestamp: timestamp))
            #expect(abs(mapped.since(ntp).nanoseconds) <= 2)
            #expect(clock.timestamp(atNTP: ntp) == timestamp)
            #expect(clock.timestamp(atNTP: ntp.advanced(by: .seconds(1))) == timestamp &+ UInt32(rate))
        }
        #expect(clock.basis == .exact)
    }

    @Test func `neither arrival nor reports change an exact mapping`() throws {
        let publisher = Publisher()
        var clock = SenderReportClock(clockRate: 90_000)
        clock.set(rtp: publisher.firstTimestamp, ntp: Self.epoch)
        for step in 0..<100 as Range<Int64> {
            let local = Self.epoch.advanced(by: .milliseconds(20 * step + 300))
            clock.receive(timestamp: publisher.timestamp(at: .milliseconds(20 * step)), at: local)
            clock.receive(publisher.report(at: .milliseconds(20 * step)), at: local)
        }
        #expect(abs(try Self.error(of: clock, for: publisher, at: .seconds(2)).nanoseconds) < 12_000)
    }

    @Test func `arrival settles on the quickest packets`() throws {
        var generator = SeededGenerator(seed: 3)
        let publisher = Publisher()
        var clock = SenderReportClock(clockRate: 90_000)
        for step in 0..<200 as Range<Int64> {
            let delay = Interval.microseconds(Int64.random(in: 20_000..<60_000, using: &generator))
            let elapsed = Interval.milliseconds(20 * step)
            clock.receive(timestamp: publisher.timestamp(at: elapsed), at: Self.epoch.advanced(by: elapsed + delay))
        }
        let error = try Self.error(of: clock, for: publisher, at: .seconds(4))
        #expect(error >= .milliseconds(19))
        #expect(error < .milliseconds(22))
    }

    @Test func `the first report is taken over at once`() throws {
        let publisher = Publisher()
        var clock = SenderReportClock(clockRate: 90_000)
        // The encoder held its frames back by 300 ms, which arrival cannot know.
        clock.receive(timestamp: publisher.timestamp(at: .zero), at: Self.epoch.advanced(by: .milliseconds(320)))
        clock.receive(
            publisher.report(at: .milliseconds(300)),
            at: Self.epoch.advanced(by: .milliseconds(320))
        )
        #expect(clock.basis == .senderReport)
        #expect(abs(try Self.error(of: clock, for: publisher, at: .seconds(1)).milliseconds - 20) < 0.1)
    }

    @Test func `two tracks with one offset agree whatever the delay of their reports`() throws {
        var generator = SeededGenerator(seed: 4)
        let video = Publisher()
        let audio = Publisher(firstTimestamp: 77, rate: 48_000)
        var videoClock = SenderReportClock(clockRate: 90_000)
        var audioClock = SenderReportClock(clockRate: 48_000)
        var offset = ClockOffset()
        for second in 0..<60 as Range<Int64> {
            for tenth in 0..<10 as Range<Int64> {
                let elapsed = Interval.milliseconds(second * 1_000 + tenth * 100)
                let local = Self.epoch.advanced(by: elapsed + .milliseconds(20))
                videoClock.receive(timestamp: video.timestamp(at: elapsed), at: local)
                audioClock.receive(timestamp: audio.timestamp(at: elapsed), at: local)
            }
            for isVideo in [false, true] {
                let elapsed = Interval.milliseconds(second * 1_000 + 950)
                let delay = Interval.milliseconds(Int64.random(in: 20..<120, using: &generator))
                let local = Self.epoch.advanced(by: elapsed + delay)
                if isVideo {
                    videoClock.receive(video.report(at: elapsed), at: local, offset: &offset)
                } else {
                    audioClock.receive(audio.report(at: elapsed), at: local, offset: &offset)
                }
            }
            let now = Interval.seconds(second + 1)
            let lips =
                try Self.error(of: videoClock, for: video, at: now) - Self.error(of: audioClock, for: audio, at: now)
            #expect(abs(lips.milliseconds) < 2.5)
        }
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `once reports have come, the mapping moves by at most 1 ms each second`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let publisher = Publisher()
        var clock = SenderReportClock(clockRate: 90_000)
        var last: Interval?
        var greatestStep = 0.0
        for step in 0..<6_000 as Range<Int64> {
            let elapsed = Interval.milliseconds(20 * step)
            let delay = Interval.microseconds(Int64.random(in: 20_000..<220_000, using: &generator))
            let local = Self.epoch.advanced(by: elapsed + .milliseconds(20))
            clock.receive(timestamp: publisher.timestamp(at: elapsed), at: local)
            if step % 50 == 0 {
                // Reports whose two times do not quite belong together.
                var report = publisher.report(at: elapsed)
                report.rtpTimestamp &+= UInt32.random(in: 0..<4_500, using: &generator)
                clock.receive(report, at: local.advanced(by: delay - .milliseconds(20)))
            }
            let error = try Self.error(of: clock, for: publisher, at: .zero)
            // 20 ms allow for 20 us; a report that comes late allows for the time until then as well.
            if let last { greatestStep = max(greatestStep, abs((error - last).milliseconds)) }
            last = error
        }
        #expect(greatestStep <= 0.25)
        // In two minutes it has found the truth: the least delay, less half of what the timestamps were off.
        let error = try #require(last)
        #expect(error > .milliseconds(-35))
        #expect(error < .milliseconds(140))
    }

    @Test func `a publisher whose media clock drifts is followed`() throws {
        // 200 ppm fast: 6 ms in 30 s, which reports correct as they come.
        let publisher = Publisher()
        var clock = SenderReportClock(clockRate: 90_000)
        func timestamp(_ elapsed: Interval) -> UInt32 {
            publisher.timestamp(at: elapsed + Interval(nanoseconds: elapsed.nanoseconds / 5_000))
        }
        for step in 0..<30_000 as Range<Int64> {
            let elapsed = Interval.milliseconds(20 * step)
            let local = Self.epoch.advanced(by: elapsed + .milliseconds(20))
            clock.receive(timestamp: timestamp(elapsed), at: local)
            guard step % 50 == 0 else { continue }
            var report = publisher.report(at: elapsed)
            report.rtpTimestamp = timestamp(elapsed)
            clock.receive(report, at: local)
        }
        let elapsed = Interval.seconds(600)
        let ntp = try #require(clock.ntp(forTimestamp: timestamp(elapsed)))
        #expect(abs(ntp.since(Self.epoch.advanced(by: elapsed)).milliseconds - 20) < 1)
    }

    @Test(arguments: [3_600, -3_600] as [Int64])
    func `a publisher that sets its wall clock shifts nothing`(seconds: Int64) throws {
        var publisher = Publisher()
        var clock = SenderReportClock(clockRate: 90_000)
        for second in 0..<120 as Range<Int64> {
            if second == 60 { publisher.clockOffset = publisher.clockOffset + .seconds(seconds) }
            for step in 0..<50 as Range<Int64> {
                let elapsed = Interval.milliseconds(1_000 * second + 20 * step)
                clock.receive(
                    timestamp: publisher.timestamp(at: elapsed),
                    at: Self.epoch.advanced(by: elapsed + .milliseconds(20))
                )
            }
            let elapsed = Interval.seconds(second + 1)
            clock.receive(publisher.report(at: elapsed), at: Self.epoch.advanced(by: elapsed + .milliseconds(20)))
            let error = try Self.error(of: clock, for: publisher, at: elapsed)
            #expect(abs(error.milliseconds - 20) < 1)
        }
    }

    @Test func `a report that was held up is ignored`() throws {
        let publisher = Publisher()
        var clock = SenderReportClock(clockRate: 90_000)
        for second in 0..<10 as Range<Int64> {
            let elapsed = Interval.seconds(second)
            let delay = Interval.milliseconds(second == 5 ? 3_000 : 20)
            clock.receive(publisher.report(at: elapsed), at: Self.epoch.advanced(by: elapsed + delay))
            #expect(abs(try Self.error(of: clock, for: publisher, at: elapsed).milliseconds - 20) < 0.1)
        }
    }

    @Test func `a new timeline of the publisher is taken over`() throws {
        var publisher = Publisher()
        var clock = SenderReportClock(clockRate: 90_000)
        clock.receive(publisher.report(at: .zero), at: Self.epoch.advanced(by: .milliseconds(20)))
        publisher.firstTimestamp &+= 1 << 29
        let elapsed = Interval.seconds(1)
        clock.receive(
            timestamp: publisher.timestamp(at: elapsed),
            at: Self.epoch.advanced(by: elapsed + .milliseconds(20))
        )
        clock.receive(publisher.report(at: elapsed), at: Self.epoch.advanced(by: elapsed + .milliseconds(20)))
        #expect(abs(try Self.error(of: clock, for: publisher, at: elapsed).milliseconds - 20) < 1)
    }

    @Test func `a report without wall clock is ignored`() {
        var clock = SenderReportClock(clockRate: 90_000)
        var report = Publisher().report(at: .zero)
        report.ntpTime = NTPTime(rawValue: 0)
        clock.receive(report, at: Self.epoch)
        #expect(clock.basis == .none)
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `reports and timestamps of pure nonsense never trap`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var clock = SenderReportClock(clockRate: 90_000)
        var offset = ClockOffset()
        for step in 0..<1_000 as Range<Int64> {
            let local = Self.epoch.advanced(by: .milliseconds(step))
            clock.receive(timestamp: UInt32.random(in: .min ... .max, using: &generator), at: local)
            var report = Publisher().report(at: .zero)
            report.ntpTime = NTPTime(rawValue: UInt64.random(in: .min ... .max, using: &generator))
            report.rtpTimestamp = UInt32.random(in: .min ... .max, using: &generator)
            clock.receive(report, at: local, offset: &offset)
            #expect(clock.ntp(forTimestamp: 0) != nil)
            #expect(
                clock.timestamp(atNTP: NTPTime(rawValue: UInt64.random(in: .min ... .max, using: &generator))) != nil
            )
        }
    }
}

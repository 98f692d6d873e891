import CongestionControl
import Primitives
import Testing

@Suite("Probes")
struct ProbeTests {
    private static func at(_ milliseconds: Double) -> Instant { .zero + Interval(seconds: milliseconds / 1_000) }

    private static func packet(sentAt: Instant, size: Int = 1_000) -> SendHistory.Received {
        SendHistory.Received(number: 0, sentAt: sentAt, size: size, probe: 1, wasLost: false)
    }

    /// Sends a probe of 2 Mbit/s by ticks, padding only, and lets it arrive over a line of `line`.
    private static func run(
        line: Bitrate,
        lost: Int = 0,
        spread: Double = 1
    ) -> Probe {
        var probe = Probe(id: 1, bitrate: .megabits(2), at: .zero)
        var free = Instant.zero
        var packets = 0
        for tick in 0..<40 where probe.sentAt == nil {
            let now = at(Double(tick) * 5)
            var due = probe.due(at: now)
            while due > 0 {
                let size = min(max(due, 200), 1_000)
                probe.didSend(size, at: now)
                free = max(free, now) + Interval(seconds: Double(size) * 8 / line.bitsPerSecond)
                packets += 1
                if packets > lost {
                    let arrival = Instant.zero + (free - .zero) * spread
                    probe.receive(packet(sentAt: now, size: size), arrival: arrival)
                }
                due -= size
            }
        }
        return probe
    }

    @Test func `a path that is fast enough gives the rate of the probe`() throws {
        let probe = Self.run(line: .megabits(100))
        #expect(probe.sentAt != nil)
        #expect(probe.sentBytes < 8_000)
        #expect(abs(try #require(probe.result) / .megabits(2) - 1) < 0.2)
    }

    @Test func `a slower path gives its own rate, less a little`() throws {
        let result = try #require(Self.run(line: .megabits(1)).result)
        #expect((0.9...1.0).contains(result / .megabits(1)))
    }

    @Test func `two fifths may be missing, but not more`() {
        #expect(Self.run(line: .megabits(100), lost: 2).result != nil)
        #expect(Self.run(line: .megabits(100), lost: 5).result == nil)
    }

    @Test func `arrivals that are faster than the sending are made up`() {
        #expect(Self.run(line: .megabits(100), spread: 0.3).result == nil)
    }

    @Test func `a probe whose packets all come at once, or backwards, has no result`() {
        for step in [0, -5] as [Double] {
            var probe = Probe(id: 1, bitrate: .megabits(1), at: .zero)
            for index in 0..<20 {
                probe.didSend(1_000, at: Self.at(Double(index) * 5))
                probe.receive(
                    Self.packet(sentAt: Self.at(Double(index) * 5)),
                    arrival: Self.at(1_000 + step * Double(index))
                )
            }
            probe.finishSending(at: Self.at(100))
            #expect(probe.result == nil)
        }
    }

    private static func advance(
        _ controller: inout ProbeController,
        estimate: Bitrate = .megabits(1),
        wanted: Bitrate?,
        isIdle: Bool = false,
        overusedAt: Instant? = nil,
        at now: Instant
    ) {
        controller.advance(estimate: estimate, wanted: wanted, isIdle: isIdle, overusedAt: overusedAt, at: now)
    }

    @Test func `nobody who has what he wants is probed for`() {
        var controller = ProbeController()
        for second in 0..<60 {
            Self.advance(&controller, wanted: second % 2 == 0 ? nil : .megabits(1), at: Self.at(Double(second) * 1_000))
            #expect(controller.probe == nil)
        }
    }

    @Test func `the first probe is for three times the estimate, and never for much more than is wanted`() {
        var controller = ProbeController()
        Self.advance(&controller, wanted: .megabits(10), at: .zero)
        #expect(controller.probe?.bitrate == .megabits(3))
        var modest = ProbeController()
        Self.advance(&modest, wanted: .megabits(1.5), at: .zero)
        #expect(modest.probe?.bitrate == .megabits(1.8))
    }

    @Test func `probes that find nothing come at growing distances, and steadily while we are idle`() {
        func starts(isIdle: Bool) -> [Int] {
            var controller = ProbeController()
            var starts: [Int] = []
            var last: UInt8 = 0
            for tenth in 0..<1_500 {
                Self.advance(&controller, wanted: .megabits(10), isIdle: isIdle, at: Self.at(Double(tenth) * 100))
                if let probe = controller.probe, probe.id != last {
                    last = probe.id
                    starts.append(tenth / 10)
                }
            }
            return starts
        }
        #expect(starts(isIdle: false) == [0, 10, 30, 70, 110])
        #expect(starts(isIdle: true).prefix(4) == [0, 5, 10, 15])
    }

    @Test func `no probe is sent within a second of overuse`() {
        var controller = ProbeController()
        Self.advance(&controller, wanted: .megabits(10), overusedAt: .zero, at: Self.at(999))
        #expect(controller.probe == nil)
        Self.advance(&controller, wanted: .megabits(10), overusedAt: .zero, at: Self.at(1_000))
        #expect(controller.probe != nil)
    }

    @Test func `the beginning of a replay is a probe, and its packets carry its number`() {
        var controller = ProbeController()
        #expect(controller.currentID == 0)
        controller.beginReplay(at: .megabits(10), now: .zero)
        #expect(controller.currentID == 1)
        for step in 0..<100 as Range<Int> { controller.didSend(1_200, at: Self.at(Double(step))) }
        #expect(controller.currentID == 0)
        #expect((48...50).contains(controller.probe?.sentPackets ?? 0))
    }
}

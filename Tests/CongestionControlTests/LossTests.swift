import CongestionControl
import Primitives
import RTP
import Testing

@Suite("Losses, draft-ietf-rmcat-gcc-02 §6")
struct LossTests {
    private static func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

    /// Reports of 100 packets, every half second.
    private static func run(_ control: inout LossController, reports: Int64, lost: Int, from start: Int64 = 0) {
        for step in 0..<reports {
            control.receive(
                expected: 100,
                lost: lost,
                current: .megabits(1),
                arriving: .zero,
                ceiling: .megabits(1),
                roundTrip: .milliseconds(50),
                hasQueue: true,
                at: at(start + step * 500)
            )
        }
    }

    @Test func `losses up to 10% limit nothing, but above 2% forbid growth`() {
        var control = LossController()
        Self.run(&control, reports: 10, lost: 1)
        #expect(control.limit == nil)
        #expect(control.allowsGrowth)
        Self.run(&control, reports: 10, lost: 10, from: 5_000)
        #expect(control.limit == nil)
        #expect(!control.allowsGrowth)
        #expect(control.lossFraction == 0.1)
    }

    @Test func `heavier losses take half their part off, again and again`() throws {
        var control = LossController()
        Self.run(&control, reports: 2, lost: 20)
        #expect(control.limit == .megabits(1) * 0.9)
        Self.run(&control, reports: 4, lost: 20, from: 1_000)
        #expect(abs(try #require(control.limit) / .megabits(1) - 0.59) < 0.01)
    }

    @Test func `a limit holds between 2% and 10%, and grows away below`() throws {
        var control = LossController()
        Self.run(&control, reports: 2, lost: 40)
        #expect(control.limit == .megabits(1) * 0.8)
        Self.run(&control, reports: 10, lost: 5, from: 1_000)
        #expect(control.limit == .megabits(1) * 0.8)
        Self.run(&control, reports: 2, lost: 0, from: 6_000)
        #expect(try #require(control.limit) > .megabits(1) * 0.8)
        Self.run(&control, reports: 20, lost: 0, from: 7_000)
        #expect(control.limit == nil)
    }

    @Test(arguments: [(true, 0.7), (false, 0.85)])
    func `the limit does not fall below 70% of what arrives, or 85% without a queue`(hasQueue: Bool, part: Double) {
        var control = LossController()
        for step in 0..<40 as Range<Int64> {
            control.receive(
                expected: 100,
                lost: 30,
                current: .megabits(1),
                arriving: .kilobits(700),
                ceiling: .megabits(1),
                roundTrip: .zero,
                hasQueue: hasQueue,
                at: Self.at(step * 500)
            )
        }
        #expect(control.limit == .kilobits(700) * part)
    }

    @Test func `what arrived in a bad moment is no limit for a better one`() {
        var control = LossController()
        for (step, arriving) in [900, 300, 300, 800, 800].enumerated() {
            control.receive(
                expected: 100,
                lost: 20,
                current: .megabits(1),
                arriving: .kilobits(Double(arriving)),
                ceiling: .megabits(1),
                roundTrip: .zero,
                hasQueue: false,
                at: Self.at(Int64(step) * 500)
            )
        }
        #expect(control.limit.map { $0 >= .kilobits(680) } == true)
    }

    @Test func `a handful of packets is no judgement`() {
        var control = LossController()
        for step in 0..<4 as Range<Int64> {
            control.receive(
                expected: 10,
                lost: 10,
                current: .megabits(1),
                arriving: .zero,
                ceiling: .megabits(1),
                roundTrip: .zero,
                hasQueue: true,
                at: Self.at(step * 1_000)
            )
        }
        #expect(control.limit == nil)
    }

    @Test func `made-up counts give a part between 0 and 1`() {
        var control = LossController()
        for (expected, lost) in [(100, 1_000_000), (100, -1_000_000), (-5, 3), (1_000, 0)] {
            for step in 0..<4 as Range<Int64> {
                control.receive(
                    expected: expected,
                    lost: lost,
                    current: .megabits(1),
                    arriving: .zero,
                    ceiling: .megabits(1),
                    roundTrip: .zero,
                    hasQueue: true,
                    at: Self.at(step * 600)
                )
                #expect((0...1).contains(control.lossFraction))
            }
        }
    }

    private static func block(_ ssrc: UInt32, highest: UInt32, lost: Int32) -> ReportBlock {
        ReportBlock(ssrc: ssrc, cumulativeLost: lost, extendedHighestSequenceNumber: highest)
    }

    @Test(arguments: [0, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFF0, .max] as [UInt32])
    func `what is new in a report is the difference to the one before`(start: UInt32) throws {
        var reports = LossReports()
        let first = reports.update(Self.block(1, highest: start, lost: 5))
        #expect(first == nil)
        let second = reports.update(Self.block(1, highest: start &+ 100, lost: 17))
        #expect(try #require(second) == (100, 12))
        let repeated = reports.update(Self.block(1, highest: start &+ 100, lost: 17))
        #expect(repeated == nil)
        let older = reports.update(Self.block(1, highest: start &+ 50, lost: 10))
        #expect(older == nil)
        let duplicates = reports.update(Self.block(1, highest: start &+ 110, lost: -3))
        #expect(try #require(duplicates) == (10, 0))
        let liar = reports.update(Self.block(1, highest: start &+ 120, lost: 0x7F_FFFF))
        #expect(try #require(liar) == (10, 10))
        let jump = reports.update(Self.block(1, highest: start &+ 1_000_000, lost: 0))
        #expect(jump == nil)
    }

    @Test func `more streams than there are take each other's place`() throws {
        var reports = LossReports()
        for round in 0..<3 as Range<UInt32> {
            for ssrc in 0...UInt32(LossReports.maximumSources) {
                // One stream too many: each has been pushed out when its turn comes again.
                let new = reports.update(Self.block(ssrc, highest: round * 10, lost: 0))
                #expect(new == nil)
            }
        }
        let kept = reports.update(Self.block(UInt32(LossReports.maximumSources), highest: 30, lost: 1))
        #expect(try #require(kept) == (10, 1))
    }
}

import Primitives
import RTP
import SFU
import TestSupport
import Testing

@Suite("Reception statistics, RFC 3550 §6.4 and appendix A")
struct ReceptionStatisticsTests {
    private static let starts: [Int64] = [0, 1, 127, 32_767, 32_768, 65_534, 65_535, 1 << 32]

    /// Packets 20 ms apart, arriving as regularly as they are stamped.
    private static func receive(_ numbers: [Int64], by statistics: inout ReceptionStatistics, from start: Int64) {
        for number in numbers {
            statistics.receive(
                sequence: start + number,
                timestamp: UInt32(truncatingIfNeeded: number * 1_800),
                at: Instant.zero + .milliseconds(20 * number)
            )
        }
    }

    @Test(arguments: starts)
    func `a perfect stream shows no loss and no jitter`(start: Int64) {
        var statistics = ReceptionStatistics(clockRate: 90_000)
        Self.receive(Array(0..<1_000), by: &statistics, from: start)
        let block = statistics.report(ssrc: 5, at: .zero + .seconds(20))
        #expect(block.ssrc == 5)
        #expect(block.fractionLost == 0)
        #expect(block.cumulativeLost == 0)
        #expect(block.extendedHighestSequenceNumber == UInt32(truncatingIfNeeded: start + 999))
        #expect(block.jitter == 0)
        #expect(statistics.totals == .init(packetsReceived: 1_000, packetsLost: 0, restarts: 0))
    }

    @Test(arguments: starts)
    func `one packet in four lost is 64 in 256, in each report of its own`(start: Int64) {
        var statistics = ReceptionStatistics(clockRate: 90_000)
        Self.receive((0..<400).filter { $0 % 4 != 2 }, by: &statistics, from: start)
        let first = statistics.report(ssrc: 5, at: .zero)
        #expect(first.fractionLost == 64)
        #expect(first.cumulativeLost == 100)
        Self.receive(Array(400..<500), by: &statistics, from: start)
        let second = statistics.report(ssrc: 5, at: .zero)
        #expect(second.fractionLost == 0)
        #expect(second.cumulativeLost == 100)
        #expect(statistics.totals.packetsLost == 100)
    }

    @Test func `a report with nothing new claims nothing lost`() {
        var statistics = ReceptionStatistics(clockRate: 90_000)
        #expect(statistics.report(ssrc: 1, at: .zero) == ReportBlock(ssrc: 1))
        Self.receive([0, 2], by: &statistics, from: 0)
        _ = statistics.report(ssrc: 1, at: .zero)
        #expect(statistics.report(ssrc: 1, at: .zero).fractionLost == 0)
    }

    @Test func `everything but the last packet lost is nearly all, never a wrap to zero`() {
        var statistics = ReceptionStatistics(clockRate: 90_000)
        Self.receive([0], by: &statistics, from: 0)
        _ = statistics.report(ssrc: 1, at: .zero)
        Self.receive([2_900], by: &statistics, from: 0)
        #expect(statistics.report(ssrc: 1, at: .zero).fractionLost == 255)
    }

    @Test func `duplicates make the cumulative loss negative and the fraction zero`() {
        var statistics = ReceptionStatistics(clockRate: 90_000)
        Self.receive([0, 1, 1, 1, 2], by: &statistics, from: 0)
        let block = statistics.report(ssrc: 1, at: .zero)
        #expect(block.cumulativeLost == -2)
        #expect(block.fractionLost == 0)
        #expect(statistics.totals.packetsLost == 0)
    }

    @Test func `reordering is no loss, even before the first packet`() {
        var statistics = ReceptionStatistics(clockRate: 90_000)
        Self.receive([2, 1, 0, 4, 3, 5], by: &statistics, from: 100)
        #expect(statistics.report(ssrc: 1, at: .zero).cumulativeLost == 0)
        #expect(statistics.totals.packetsReceived == 6)
    }

    @Test func `jitter settles at the mean change of transit time`() {
        var statistics = ReceptionStatistics(clockRate: 90_000)
        for number in 0..<2_000 as Range<Int64> {
            let late = number % 2 == 0 ? Interval.zero : .milliseconds(10)
            statistics.receive(
                sequence: number,
                timestamp: UInt32(number * 1_800),
                at: .zero + .milliseconds(20 * number) + late
            )
        }
        #expect(abs(statistics.jitter.milliseconds - 10) < 0.3)
        #expect(abs(Int(statistics.report(ssrc: 1, at: .zero).jitter) - 900) < 27)
    }

    @Test func `a timestamp that wraps or jumps is not jitter`() {
        var statistics = ReceptionStatistics(clockRate: 90_000)
        for number in 0..<200 as Range<Int64> {
            let jump: Int64 = number < 100 ? 0 : 1 << 30
            let timestamp = UInt32(truncatingIfNeeded: 0xFFFF_F000 + number * 1_800 + jump)
            statistics.receive(sequence: number, timestamp: timestamp, at: .zero + .milliseconds(20 * number))
        }
        #expect(statistics.jitter == .zero)
    }

    @Test func `the delay since the last sender report is in units of 1/65,536 s`() {
        var statistics = ReceptionStatistics(clockRate: 90_000)
        Self.receive([0], by: &statistics, from: 0)
        statistics.receiveSenderReport(ntp: NTPTime(rawValue: 0x1111_2222_3333_4444), at: .zero + .seconds(1))
        let block = statistics.report(ssrc: 1, at: .zero + .milliseconds(1_500))
        #expect(block.lastSenderReport == 0x2222_3333)
        #expect(block.delaySinceLastSenderReport == 32_768)
        // A report as old as the field can say stays there, and time that stands still is no delay.
        #expect(statistics.report(ssrc: 1, at: .zero + .seconds(100_000)).delaySinceLastSenderReport == .max)
        #expect(statistics.report(ssrc: 1, at: .zero).delaySinceLastSenderReport == 0)
    }

    @Test(arguments: [40_000, -40_000] as [Int64])
    func `a sender that begins elsewhere is followed at its second packet`(jump: Int64) {
        var statistics = ReceptionStatistics(clockRate: 90_000)
        Self.receive((0..<100).filter { $0 != 50 }, by: &statistics, from: 50_000)
        Self.receive(Array(100..<200), by: &statistics, from: 50_000 + jump)
        let block = statistics.report(ssrc: 1, at: .zero)
        #expect(block.cumulativeLost == 0)
        #expect(block.extendedHighestSequenceNumber == UInt32(50_000 + jump + 199))
        #expect(statistics.totals == .init(packetsReceived: 199, packetsLost: 1, restarts: 1))
    }

    @Test func `a stray packet from elsewhere changes nothing`() {
        var statistics = ReceptionStatistics(clockRate: 90_000)
        Self.receive(Array(0..<100), by: &statistics, from: 0)
        Self.receive([20_000], by: &statistics, from: 0)
        Self.receive(Array(100..<200), by: &statistics, from: 0)
        #expect(statistics.report(ssrc: 1, at: .zero).cumulativeLost == 0)
        #expect(statistics.totals.restarts == 0)
    }

    @Test(arguments: [0.01, 0.1, 0.5], 1...4 as ClosedRange<UInt64>)
    func `the count of lost packets is exact for any pattern`(loss: Double, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var statistics = ReceptionStatistics(clockRate: 90_000)
        var received: [Int64] = [0]
        for number in 1..<9_999 as Range<Int64> where Double.random(in: 0..<1, using: &generator) >= loss {
            received.append(number)
        }
        received.append(9_999)
        Self.receive(received, by: &statistics, from: 60_000)
        let block = statistics.report(ssrc: 1, at: .zero)
        #expect(Int(block.cumulativeLost) == 10_000 - received.count)
        #expect(Int(block.fractionLost) == (10_000 - received.count) * 256 / 10_000)
    }
}

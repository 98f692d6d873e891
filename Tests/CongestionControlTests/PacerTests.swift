import CongestionControl
import Primitives
import Testing

@Suite("Pacer")
struct PacerTests {
    private static func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

    /// Bytes of video that leave in a second of ticks, with more waiting than can leave.
    private static func sent(estimate: Bitrate, audio: Int = 0, tick: Int64 = 5) -> (bytes: Int, largest: Int) {
        var pacer = Pacer()
        var total = 0
        var largest = 0
        for step in 0..<(1_000 / tick) {
            pacer.refill(estimate: estimate, at: at(step * tick))
            if audio > 0 { pacer.didSend(audio) }
            var allowance = pacer.allowance()
            var group = 0
            while allowance > 0 {
                pacer.didSend(1_200)
                group += 1
                allowance -= 1_200
            }
            if group > 0 { #expect(group >= Pacer.groupSize) }
            total += group * 1_200
            largest = max(largest, group)
        }
        return (total, largest)
    }

    @Test func `a viewer without an estimate is not paced`() {
        var pacer = Pacer()
        pacer.refill(estimate: nil, at: .zero)
        pacer.didSend(10_000_000)
        #expect(pacer.allowance() == .max)
        #expect(!pacer.isPaced)
        #expect(pacer.bitrate == nil)
    }

    @Test(arguments: [0.1, 1, 2, 4, 10, 40])
    func `media leaves at two and a half times the estimate, at least at 5 Mbit per second`(megabits: Double) {
        let expected = max(2.5 * megabits, 5) * 1e6 / 8
        let sent = Self.sent(estimate: .megabits(megabits))
        #expect(abs(Double(sent.bytes) / expected - 1) < 0.03)
        #expect(sent.largest <= max(6, Int(expected * 0.01 / 1_200) + 2, 7))
    }

    @Test func `audio leaves always, at the expense of video`() {
        let alone = Self.sent(estimate: .megabits(1)).bytes
        let beside = Self.sent(estimate: .megabits(1), audio: 300).bytes
        #expect(abs(alone - beside - 200 * 300) < 7_200)
    }

    @Test func `the last packets of a picture do not wait for a whole group`() {
        var pacer = Pacer()
        pacer.refill(estimate: .megabits(1), at: .zero)
        pacer.didSend(3_600)
        #expect(pacer.allowance() == 0)
        #expect(pacer.allowance(waiting: 4_325) == 4_325)
        #expect(pacer.allowance(waiting: 4_326) == 0)
    }

    @Test func `a pause gives 10 ms and no more`() {
        var pacer = Pacer()
        pacer.refill(estimate: .megabits(4), at: .zero)
        pacer.refill(estimate: .megabits(4), at: Self.at(10))
        pacer.refill(estimate: .megabits(4), at: Self.at(60_000))
        #expect(pacer.allowance() == 12_500)
    }

    @Test func `a missed tick is made up for, several are not`() {
        let regular = Self.sent(estimate: .megabits(10), tick: 5).bytes
        let every10 = Self.sent(estimate: .megabits(10), tick: 10).bytes
        let every40 = Self.sent(estimate: .megabits(10), tick: 40).bytes
        #expect(abs(regular - every10) < regular / 50)
        #expect(abs(regular / 4 - every40) < regular / 50)
    }

    @Test func `a debt is bounded`() {
        var pacer = Pacer()
        pacer.refill(estimate: .megabits(1), at: .zero)
        for _ in 0..<1_000 { pacer.didSend(Int(Int32.max)) }
        var step: Int64 = 0
        while pacer.allowance() == 0 {
            step += 1
            pacer.refill(estimate: .megabits(1), at: Self.at(step * 5))
        }
        #expect(step <= 340)
    }

    @Test func `who is a second behind goes on at the next key frame`() {
        var pacer = Pacer()
        pacer.refill(estimate: .megabits(1), at: .zero)
        #expect(!pacer.isTooLate(age: .seconds(1)))
        #expect(pacer.isTooLate(age: .milliseconds(1_001)))
        #expect(!pacer.isTooLate(age: .zero, waiting: 625_000))
        #expect(pacer.isTooLate(age: .zero, waiting: 625_001))
        pacer.refill(estimate: nil, at: .zero)
        #expect(!pacer.isTooLate(age: .zero, waiting: .max))
    }
}

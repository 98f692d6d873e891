import Primitives
import SFU
import Testing

@Suite("REMB to publishers")
struct UplinkLimitTests {
    @Test func `while nothing is lost the limit leads what arrives`() {
        var limit = UplinkLimit()
        #expect(limit.bitrate == .megabits(2))
        for second in 1...20 { limit.update(received: limit.bitrate, expected: Int64(second) * 100, lost: 0) }
        #expect(limit.bitrate == UplinkLimit.maximum)
    }

    @Test func `a publisher that sends little keeps its room`() {
        var limit = UplinkLimit()
        for second in 1...20 { limit.update(received: .kilobits(100), expected: Int64(second) * 10, lost: 0) }
        #expect(limit.bitrate == .megabits(2))
    }

    @Test func `heavy loss takes it below what arrives, and a little loss holds it`() {
        var limit = UplinkLimit()
        limit.update(received: .megabits(1.5), expected: 100, lost: 20)
        #expect(limit.bitrate == .megabits(1.275))
        limit.update(received: .megabits(1.2), expected: 200, lost: 25)
        #expect(limit.bitrate == .megabits(1.275))
        limit.update(received: .megabits(1.2), expected: 300, lost: 25)
        #expect(limit.bitrate == .megabits(1.8))
    }

    @Test func `it never ends below what a small picture needs, whatever the counts`() {
        var limit = UplinkLimit()
        for second in 1...50 { limit.update(received: .zero, expected: Int64(second) * 100, lost: Int64(second) * 90) }
        #expect(limit.bitrate == UplinkLimit.minimum)
        limit.update(received: .zero, expected: 0, lost: 0)
        #expect(limit.bitrate >= UplinkLimit.minimum)
    }
}

import CongestionControl
import Primitives
import Testing

@Suite("Application limit")
struct ApplicationLimitTests {
    /// Sends pictures of `rate` at 30 per second.
    private static func run(_ limit: inout ApplicationLimit, rate: Bitrate, from start: Int64, seconds: Int64) {
        for step in 0..<(seconds * 30) {
            limit.didSend(
                rate.bytes(in: .seconds(1)) / 30,
                estimate: .megabits(1),
                at: .zero + .milliseconds(start * 1_000 + step * 33)
            )
        }
    }

    @Test func `who uses the estimate is not limited by himself`() {
        var limit = ApplicationLimit()
        Self.run(&limit, rate: .kilobits(900), from: 0, seconds: 10)
        #expect(limit.since == nil)
    }

    @Test func `who uses a third is, after half a second, and no longer when he uses it again`() throws {
        var limit = ApplicationLimit()
        Self.run(&limit, rate: .kilobits(900), from: 0, seconds: 2)
        Self.run(&limit, rate: .kilobits(300), from: 2, seconds: 3)
        let since = try #require(limit.since)
        #expect((2.4...3.5).contains((since - .zero).seconds))
        Self.run(&limit, rate: .kilobits(1_000), from: 5, seconds: 3)
        #expect(limit.since == nil)
    }

    @Test func `a silence counts though nothing is sent`() {
        var limit = ApplicationLimit()
        Self.run(&limit, rate: .kilobits(900), from: 0, seconds: 2)
        limit.update(at: .zero + .seconds(3))
        #expect(limit.since == .zero + .seconds(3))
    }

    @Test func `an estimate of nothing is no trap`() {
        var limit = ApplicationLimit()
        limit.didSend(1_200, estimate: .zero, at: .zero)
        limit.didSend(1_200, estimate: .zero, at: .zero - .seconds(5))
        #expect(limit.since == nil)
    }
}

extension Instant {
    fileprivate static func - (instant: Instant, interval: Interval) -> Instant { instant.advanced(by: -interval) }
}

import CongestionControl
import Primitives
import Testing

@Suite("Delay trend and overuse, draft-ietf-rmcat-gcc-02 §5.3 and §5.4")
struct DelayTests {
    /// Groups every 33 ms whose way becomes longer by `growth` ms with each.
    private static func run(
        _ trendline: inout TrendlineEstimator,
        _ detector: inout OveruseDetector,
        groups: Int,
        growth: Double,
        from start: Instant = .zero
    ) -> (signals: [OveruseDetector.Signal], end: Instant) {
        var arrival = start
        var signals: [OveruseDetector.Signal] = []
        for _ in 0..<groups {
            let arrived = Interval(seconds: (33 + growth) / 1_000)
            arrival = arrival + arrived
            let delta = InterArrival.Delta(sent: .milliseconds(33), arrived: arrived, arrival: arrival)
            if let slope = trendline.update(delta) {
                detector.update(slope: slope, groups: trendline.count, sent: delta.sent, arrival: arrival)
            }
            signals.append(detector.signal)
        }
        return (signals, arrival)
    }

    @Test func `a constant delay has no slope, and a growing one has its own`() throws {
        var trendline = TrendlineEstimator()
        var slope: Double?
        for step in 1...200 as ClosedRange<Int64> {
            let delta = InterArrival.Delta(
                sent: .milliseconds(30),
                arrived: .milliseconds(30),
                arrival: .zero + .milliseconds(30 * step)
            )
            slope = trendline.update(delta)
            #expect((slope == nil) == (step < TrendlineEstimator.window))
        }
        #expect(slope == 0)
        for step in 1...200 as ClosedRange<Int64> {
            let delta = InterArrival.Delta(
                sent: .milliseconds(30),
                arrived: .milliseconds(33),
                arrival: .zero + .milliseconds(6_000 + 33 * step)
            )
            slope = trendline.update(delta)
        }
        #expect(abs(try #require(slope) - 3.0 / 33) < 0.001)
    }

    @Test func `groups that all came at once have no slope`() {
        var trendline = TrendlineEstimator()
        for _ in 0..<100 {
            let slope = trendline.update(.init(sent: .milliseconds(30), arrived: .zero, arrival: .zero))
            #expect(slope == nil)
        }
    }

    @Test func `a growing queue is overuse, a shrinking one underuse, and a standing one neither`() {
        var trendline = TrendlineEstimator()
        var detector = OveruseDetector()
        var run = Self.run(&trendline, &detector, groups: 60, growth: 0)
        #expect(run.signals.allSatisfy { $0 == .normal })
        run = Self.run(&trendline, &detector, groups: 20, growth: 5, from: run.end)
        #expect(run.signals.contains(.overusing))
        run = Self.run(&trendline, &detector, groups: 40, growth: -2.5, from: run.end)
        #expect(run.signals.last == .underusing)
        run = Self.run(&trendline, &detector, groups: 60, growth: 0, from: run.end)
        #expect(run.signals.last == .normal)
    }

    @Test func `a queue that grows by 5 ms a picture is found within half a second`() throws {
        var trendline = TrendlineEstimator()
        var detector = OveruseDetector()
        var run = Self.run(&trendline, &detector, groups: 60, growth: 0)
        run = Self.run(&trendline, &detector, groups: 20, growth: 5, from: run.end)
        #expect(try #require(run.signals.firstIndex(of: .overusing)) < 15)
    }

    @Test func `the threshold follows a trend that stays, so that it is no overuse for ever`() {
        var detector = OveruseDetector()
        var signals: [OveruseDetector.Signal] = []
        for step in 0..<600 as Range<Int64> {
            // The trend stays a little above the first threshold, as far as a trend stays.
            detector.update(
                slope: step % 8 < 4 ? 0.06 : 0.059,
                groups: 60,
                sent: .milliseconds(33),
                arrival: .zero + .milliseconds(33 * step)
            )
            signals.append(detector.signal)
        }
        #expect(detector.trend > OveruseDetector.initialThreshold)
        #expect(signals.prefix(10).contains(.overusing))
        #expect(signals.dropFirst(10).contains(.normal))
    }

    @Test func `one outlier moves no threshold`() {
        var steady = OveruseDetector()
        var disturbed = OveruseDetector()
        for step in 0..<100 as Range<Int64> {
            let arrival = Instant.zero + .milliseconds(33 * step)
            steady.update(slope: 0.05, groups: 60, sent: .milliseconds(33), arrival: arrival)
            disturbed.update(
                slope: step == 50 ? 100 : 0.05,
                groups: 60,
                sent: .milliseconds(33),
                arrival: arrival
            )
        }
        #expect(steady.signal == disturbed.signal)
    }
}

import CongestionControl
import Primitives
import Testing

@Suite("Rates: received, and by additive increase and multiplicative decrease")
struct RateTests {
    private static func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

    @Test func `half a second of packets gives their rate`() throws {
        var window = RateWindow()
        #expect(window.bitrate == nil)
        for step in 0..<200 as Range<Int64> {
            window.add(1_250, at: Self.at(step * 10))
            if step < 25 { #expect(window.bitrate == nil) }
        }
        let rate = try #require(window.bitrate)
        #expect(abs(rate / .megabits(1) - 1) < 0.06)
    }

    @Test func `a rate that halves shows after half a second`() throws {
        var window = RateWindow()
        for step in 0..<100 as Range<Int64> { window.add(1_250, at: Self.at(step * 10)) }
        for step in 0..<60 as Range<Int64> { window.add(625, at: Self.at(1_000 + step * 10)) }
        #expect(abs(try #require(window.bitrate) / .megabits(0.5) - 1) < 0.06)
    }

    @Test(arguments: [Int64.min / 2, -1, 0, 1 << 60])
    func `any time can be counted, and going back changes nothing`(start: Int64) {
        var window = RateWindow()
        let origin = Instant(nanoseconds: start)
        window.add(100, at: origin)
        window.add(100, at: origin + .seconds(3_600))
        window.add(100, at: origin)
        window.add(100, at: Instant(nanoseconds: .min / 4))
        #expect(window.bitrate.map { $0 < .megabits(1) } ?? true)
    }

    private static func grown(
        _ control: inout AIMDRateControl, seconds: Int64, acknowledged: Bitrate?, from start: Int64
    ) {
        for step in 0...(seconds * 10) {
            control.update(
                .normal,
                acknowledged: acknowledged ?? control.bitrate,
                roundTrip: .milliseconds(50),
                mayGrow: true,
                at: at(start + step * 100)
            )
        }
    }

    @Test func `far from a limit it grows by 8% a second`() {
        var control = AIMDRateControl(start: .megabits(1))
        Self.grown(&control, seconds: 5, acknowledged: nil, from: 0)
        #expect((1.45...1.52).contains(control.bitrate / .megabits(1)))
    }

    @Test func `overuse leaves 85% of what arrives, and then growth is additive`() {
        var control = AIMDRateControl(start: .megabits(2))
        control.update(
            .overusing,
            acknowledged: .megabits(1),
            roundTrip: .milliseconds(50),
            mayGrow: true,
            at: Self.at(0)
        )
        #expect(control.bitrate == .megabits(0.85))
        #expect(control.isNearLimit)
        Self.grown(&control, seconds: 4, acknowledged: .megabits(0.85), from: 100)
        // Half a packet of 885 bytes per 150 ms: 23.6 kbit/s a second.
        #expect((0.92...0.96).contains(control.bitrate / .megabits(1)))
    }

    @Test func `what arrives at far more than the old limit ends the additive growth`() {
        var control = AIMDRateControl(start: .megabits(2))
        control.update(.overusing, acknowledged: .megabits(1), roundTrip: .zero, mayGrow: true, at: Self.at(0))
        Self.grown(&control, seconds: 1, acknowledged: .megabits(1.5), from: 100)
        #expect(!control.isNearLimit)
    }

    @Test func `it grows to one and a half times what arrives, and no further`() {
        var control = AIMDRateControl(start: .kilobits(300))
        Self.grown(&control, seconds: 60, acknowledged: .kilobits(400), from: 0)
        #expect(control.bitrate == .kilobits(610))
    }

    @Test func `without evidence it keeps its rate`() {
        var control = AIMDRateControl(start: .megabits(3))
        for step in 0..<100 as Range<Int64> {
            control.update(
                .normal,
                acknowledged: .kilobits(50),
                roundTrip: .zero,
                mayGrow: step % 2 == 0,
                at: Self.at(step * 100)
            )
        }
        #expect(control.bitrate == .megabits(3))
    }

    @Test func `overuse never raises the rate, and is not punished twice in a round trip`() {
        var control = AIMDRateControl(start: .kilobits(500))
        control.update(.overusing, acknowledged: .megabits(5), roundTrip: .milliseconds(80), mayGrow: true, at: .zero)
        #expect(control.bitrate == .kilobits(500))
        control.update(
            .overusing,
            acknowledged: .kilobits(300),
            roundTrip: .milliseconds(80),
            mayGrow: true,
            at: Self.at(79)
        )
        #expect(control.bitrate == .kilobits(500))
        control.update(
            .overusing,
            acknowledged: .kilobits(300),
            roundTrip: .milliseconds(80),
            mayGrow: true,
            at: Self.at(80)
        )
        #expect(control.bitrate == .kilobits(255))
    }
}

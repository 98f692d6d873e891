import Primitives
import Testing

@Suite("Bitrate")
struct BitrateTests {
    @Test(arguments: [-1.0, -.infinity, .nan, 0, -0.0])
    func `what is no rate is zero`(value: Double) {
        #expect(Bitrate(bitsPerSecond: value) == .zero)
        #expect(Bitrate.megabits(1) * value == .zero)
    }

    @Test(arguments: [1e12, 1e300, .infinity])
    func `a rate is capped where it stops making sense`(value: Double) {
        #expect(Bitrate(bitsPerSecond: value) == .highest)
    }

    @Test func `bytes and time give a rate, and a rate and time give bytes`() {
        #expect(Bitrate(bytes: 1_250, in: .milliseconds(10)) == .megabits(1))
        #expect(Bitrate.megabits(1).bytes(in: .milliseconds(10)) == 1_250)
        #expect(Bitrate(bytes: 1_250, in: .zero) == .highest)
        #expect(Bitrate(bytes: 0, in: .zero) == .zero)
        #expect(Bitrate(bytes: -5, in: .seconds(1)) == .zero)
        #expect(Bitrate.megabits(1).bytes(in: .milliseconds(-10)) == 0)
        #expect(Bitrate.highest.bytes(in: Interval(nanoseconds: .max)) == Int(Int32.max))
    }

    @Test func `a ratio to nothing is zero`() {
        #expect(Bitrate.megabits(3) / .megabits(2) == 1.5)
        #expect(Bitrate.megabits(3) / .zero == 0)
    }

    @Test func `people read it in kilobits`() {
        #expect(Bitrate.megabits(2.5).description == "2500 kbit/s")
    }
}

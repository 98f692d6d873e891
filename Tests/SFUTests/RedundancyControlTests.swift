import Primitives
import SFU
import Testing

@Suite("How much of the sound is repeated")
struct RedundancyControlTests {
    private static func at(_ seconds: Int) -> Instant { .zero + .seconds(Int64(seconds)) }

    @Test func `a clean path repeats nothing`() {
        var control = RedundancyControl()
        for second in 0..<60 { control.receive(fractionLost: 0, at: Self.at(second)) }
        #expect(control.level == 0)
    }

    @Test(arguments: [(0.02, 1), (0.05, 1), (0.1, 2), (0.3, 2), (1, 2)])
    func `losses are answered from the first reports on`(loss: Double, level: Int) {
        var control = RedundancyControl()
        control.receive(fractionLost: loss, at: .zero)
        #expect(control.level >= 1)
        for second in 1..<10 { control.receive(fractionLost: loss, at: Self.at(second)) }
        #expect(control.level == level)
    }

    @Test func `ten clean seconds end it, and not fewer`() {
        var control = RedundancyControl()
        control.receive(fractionLost: 0.2, at: .zero)
        for second in 1...9 { control.receive(fractionLost: 0, at: Self.at(second)) }
        #expect(control.level == 2)
        control.receive(fractionLost: 0, at: Self.at(10))
        #expect(control.level == 0)
    }
}

import Primitives
import SFU
import TestSupport
import Testing

@Suite("Requests for the same packet")
struct RepeatFilterTests {
    @Test func `a packet is sent again once in a round trip`() {
        var filter = RepeatFilter()
        func admit(ssrc: UInt32, _ number: UInt16, roundTrip: Interval?, at now: Instant) -> Bool {
            filter.admit(ssrc: ssrc, number, roundTrip: roundTrip, at: now)
        }
        let roundTrip = Interval.milliseconds(80)
        #expect(admit(ssrc: 1, 100, roundTrip: roundTrip, at: .zero) == true)
        #expect(admit(ssrc: 1, 100, roundTrip: roundTrip, at: .zero + .milliseconds(74)) == false)
        #expect(admit(ssrc: 2, 100, roundTrip: roundTrip, at: .zero + .milliseconds(74)) == true)
        #expect(admit(ssrc: 1, 100, roundTrip: roundTrip, at: .zero + .milliseconds(80)) == true)
    }

    @Test func `the first packet of all is admitted at the beginning of time`() {
        var filter = RepeatFilter()
        func admit(ssrc: UInt32, _ number: UInt16, roundTrip: Interval?, at now: Instant) -> Bool {
            filter.admit(ssrc: ssrc, number, roundTrip: roundTrip, at: now)
        }
        #expect(admit(ssrc: 0, 0, roundTrip: nil, at: .zero) == true)
        #expect(admit(ssrc: 0, 0, roundTrip: nil, at: .zero) == false)
    }

    @Test func `a round trip that cannot be true delays nothing for long`() {
        var filter = RepeatFilter()
        func admit(ssrc: UInt32, _ number: UInt16, roundTrip: Interval?, at now: Instant) -> Bool {
            filter.admit(ssrc: ssrc, number, roundTrip: roundTrip, at: now)
        }
        #expect(admit(ssrc: 1, 1, roundTrip: .seconds(60), at: .zero) == true)
        #expect(admit(ssrc: 1, 1, roundTrip: .seconds(60), at: .zero + .milliseconds(500)) == true)
    }

    @Test func `any number of requests takes the same memory`() {
        var filter = RepeatFilter()
        var generator = SeededGenerator(seed: 1)
        for step in 0..<100_000 {
            _ = filter.admit(
                ssrc: .random(in: 0...(.max), using: &generator), .random(in: 0...(.max), using: &generator),
                roundTrip: nil, at: .zero + .milliseconds(Int64(step)))
        }
        #expect(filter.count == RepeatFilter.capacity)
    }
}

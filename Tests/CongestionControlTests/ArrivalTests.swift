import CongestionControl
import Primitives
import RTP
import Testing

@Suite("Arrival times")
struct ArrivalTests {
    private static func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

    @Test func `deltas add up from the reference time`() {
        var clock = ArrivalClock()
        _ = clock.begin(referenceTime: 10, at: .zero)
        #expect(clock.next(delta: 4) == Self.at(641))
        #expect(clock.next(delta: -8) == Self.at(639))
    }

    @Test(arguments: [0x7F_FFFF, 0x7F_FFF0, -1, -0x80_0000] as [Int32])
    func `the reference time wraps without a jump`(start: Int32) {
        var clock = ArrivalClock()
        _ = clock.begin(referenceTime: start, at: .zero)
        var last = clock.next(delta: 0)
        for step in 1...40 as ClosedRange<Int32> {
            let value = ((start &+ step) << 8) >> 8
            let isContinuous = clock.begin(referenceTime: value, at: Self.at(Int64(step) * 64))
            #expect(isContinuous)
            let next = clock.next(delta: 0)
            #expect(next - last == .milliseconds(64))
            last = next
        }
    }

    @Test(arguments: [1_000, -1_000, 0x7F_FFFF, -0x80_0000] as [Int32])
    func `a clock that jumps begins a new epoch`(jump: Int32) {
        var clock = ArrivalClock()
        _ = clock.begin(referenceTime: 0, at: .zero)
        let isContinuous = clock.begin(referenceTime: jump, at: Self.at(100))
        #expect(!isContinuous)
        let goesOn = clock.begin(referenceTime: jump, at: Self.at(200))
        #expect(goesOn)
    }

    @Test func `a long silence is no jump`() {
        var clock = ArrivalClock()
        _ = clock.begin(referenceTime: 0, at: .zero)
        let isContinuous = clock.begin(referenceTime: 1_000, at: Self.at(64_000))
        #expect(isContinuous)
    }

    @Test func `times that swing between the ends for ever do not overflow`() {
        var clock = ArrivalClock()
        for round in 0..<100_000 {
            _ = clock.begin(referenceTime: round % 2 == 0 ? 0x7F_FFFF : -0x80_0000, at: Self.at(Int64(round)))
            for _ in 0..<3 { _ = clock.next(delta: round % 3 == 0 ? .max : .min) }
        }
    }

    @Test func `packets sent within 5 ms are one group`() {
        var groups = InterArrival()
        for (sent, arrived) in [(0, 50), (3, 54), (5, 56), (33, 83), (36, 90), (66, 120)] as [(Int64, Int64)] {
            let delta = groups.add(sentAt: Self.at(sent), arrival: Self.at(arrived))
            // The third group's first packet completes the comparison of the first two.
            let expected = InterArrival.Delta(
                sent: .milliseconds(31),
                arrived: .milliseconds(34),
                arrival: Self.at(90)
            )
            #expect(delta == (sent == 66 ? expected : nil))
        }
    }

    @Test func `a burst that the path held back is one group`() {
        var groups = InterArrival()
        // 60 ms of packets, 10 ms apart, come within 6 ms.
        for step in 0..<7 as Range<Int64> {
            let delta = groups.add(sentAt: Self.at(step * 10), arrival: Self.at(100 + step))
            #expect(delta == nil)
        }
    }

    @Test func `a packet that overtook the group before it is counted to it`() {
        var groups = InterArrival()
        _ = groups.add(sentAt: Self.at(0), arrival: Self.at(100))
        _ = groups.add(sentAt: Self.at(30), arrival: Self.at(200))
        _ = groups.add(sentAt: Self.at(60), arrival: Self.at(150))
        let delta = groups.add(sentAt: Self.at(90), arrival: Self.at(300))
        #expect(delta?.sent == .milliseconds(60))
        #expect(delta?.arrived == .milliseconds(100))
    }

    @Test func `a path that stood still for seconds says nothing about a queue`() {
        var groups = InterArrival()
        _ = groups.add(sentAt: Self.at(0), arrival: Self.at(100))
        _ = groups.add(sentAt: Self.at(30), arrival: Self.at(5_000))
        let delta = groups.add(sentAt: Self.at(60), arrival: Self.at(5_030))
        #expect(delta == nil)
    }

    @Test func `a packet from before the group is passed over`() {
        var groups = InterArrival()
        _ = groups.add(sentAt: Self.at(100), arrival: Self.at(150))
        _ = groups.add(sentAt: Self.at(130), arrival: Self.at(180))
        _ = groups.add(sentAt: Self.at(90), arrival: Self.at(190))
        let delta = groups.add(sentAt: Self.at(160), arrival: Self.at(210))
        #expect(delta?.sent == .milliseconds(30))
        #expect(delta?.arrived == .milliseconds(30))
    }
}

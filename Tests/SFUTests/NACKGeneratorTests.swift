import Primitives
import SFU
import TestSupport
import Testing

@Suite("NACK generator, RFC 4585 §6.2.1")
struct NACKGeneratorTests {
    /// Where a wrap of 16 bits is near, and where it is not.
    static let starts: [Int64] = [
        0, 1, 127, 128, 255, 32_766, 32_767, 32_768, 65_530, 65_533, 65_534, 65_535, 65_536, 131_070, -2,
    ]

    private static func wire(_ sequence: Int64) -> UInt16 { UInt16(truncatingIfNeeded: sequence) }

    @Test(arguments: starts)
    func `a gap is asked for once three later packets have come`(start: Int64) {
        var nacks = NACKGenerator()
        nacks.receive(sequence: start, at: .zero)
        nacks.receive(sequence: start + 3, at: .zero)
        // The first of the two missing has seen two later packets only.
        #expect(nacks.due(at: .zero, rtt: nil).isEmpty)
        nacks.receive(sequence: start + 4, at: .zero)
        #expect(nacks.due(at: .zero, rtt: nil) == [Self.wire(start + 1)])
        nacks.receive(sequence: start + 5, at: .zero)
        #expect(nacks.deadline == .zero)
        #expect(nacks.due(at: .zero, rtt: nil) == [Self.wire(start + 2)])
    }

    @Test(arguments: starts)
    func `a gap at the end of a burst is asked for after 10 ms`(start: Int64) {
        var nacks = NACKGenerator()
        nacks.receive(sequence: start, at: .zero)
        nacks.receive(sequence: start + 2, at: .zero + .milliseconds(1))
        #expect(nacks.deadline == .zero + .milliseconds(11))
        #expect(nacks.due(at: .zero + .milliseconds(10), rtt: nil).isEmpty)
        #expect(nacks.due(at: .zero + .milliseconds(11), rtt: nil) == [Self.wire(start + 1)])
    }

    @Test(arguments: starts)
    func `reordering within the tolerance asks for nothing`(start: Int64) {
        var nacks = NACKGenerator()
        for offset in [0, 2, 1, 4, 3, 7, 6, 5, 8] as [Int64] {
            nacks.receive(sequence: start + offset, at: .zero + .milliseconds(1))
            #expect(nacks.due(at: .zero + .milliseconds(1), rtt: nil).isEmpty)
        }
        #expect(nacks.deadline == nil)
        #expect(nacks.statistics == .init(requested: 0, repaired: 0, reordered: 4, abandoned: 0))
    }

    @Test func `a packet is asked for once a round trip and a quarter, ten times, and then given up`() throws {
        var limits = NACKGenerator.Limits()
        limits.age = .seconds(10)
        var nacks = NACKGenerator(limits: limits)
        nacks.receive(sequence: 0, at: .zero)
        nacks.receive(sequence: 2, at: .zero)
        var requests: [Instant] = []
        while let deadline = nacks.deadline {
            if !nacks.due(at: deadline, rtt: .milliseconds(80)).isEmpty { requests.append(deadline) }
        }
        #expect(requests == (0..<10).map { .zero + .milliseconds(10 + 100 * $0) })
        #expect(nacks.statistics == .init(requested: 10, repaired: 0, reordered: 0, abandoned: 1))
    }

    @Test func `a packet is given up when it is a second old`() {
        var nacks = NACKGenerator()
        nacks.receive(sequence: 0, at: .zero)
        nacks.receive(sequence: 2, at: .zero)
        var last = Instant.zero
        while let deadline = nacks.deadline {
            _ = nacks.due(at: deadline, rtt: .seconds(30))
            last = deadline
        }
        #expect(last == .zero + .seconds(1))
        #expect(nacks.statistics.requested == 2)
        #expect(nacks.statistics.abandoned == 1)
    }

    @Test func `a repair ends the requests`() {
        var nacks = NACKGenerator()
        nacks.receive(sequence: 0, at: .zero)
        nacks.receive(sequence: 4, at: .zero + .milliseconds(1))
        #expect(nacks.due(at: .zero + .milliseconds(20), rtt: nil) == [1, 2, 3])
        nacks.receive(sequence: 2, at: .zero + .milliseconds(30))
        nacks.receive(sequence: 2, at: .zero + .milliseconds(31))
        #expect(nacks.due(at: .zero + .milliseconds(200), rtt: nil) == [1, 3])
        #expect(nacks.statistics.repaired == 1)
    }

    @Test func `a short round trip does not make a storm`() {
        var nacks = NACKGenerator()
        nacks.receive(sequence: 0, at: .zero)
        nacks.receive(sequence: 2, at: .zero)
        var asked = 0
        for millisecond in 0..<200 as Range<Int64> {
            asked += nacks.due(at: .zero + .milliseconds(millisecond), rtt: .zero).count
        }
        #expect(asked == 10)
    }

    @Test func `the table is bounded and the oldest go first`() {
        var nacks = NACKGenerator()
        nacks.receive(sequence: 0, at: .zero)
        for number in stride(from: 2, through: 4_000, by: 2) as StrideThrough<Int64> {
            nacks.receive(sequence: number, at: .zero)
        }
        #expect(nacks.missingCount == 512)
        #expect(nacks.statistics.abandoned == 2_000 - 512)
        let first = nacks.due(at: .zero + .milliseconds(10), rtt: nil)
        #expect(first.count == 256)
        #expect(first.first == 2_977)
        #expect(nacks.due(at: .zero + .milliseconds(10), rtt: nil).count == 256)
        #expect(nacks.due(at: .zero + .milliseconds(10), rtt: nil).isEmpty)
    }

    @Test func `a jump longer than the table is not asked for`() {
        var nacks = NACKGenerator()
        nacks.receive(sequence: 0, at: .zero)
        nacks.receive(sequence: 2, at: .zero)
        nacks.receive(sequence: 1_000, at: .zero)
        #expect(nacks.missingCount == 0)
        #expect(nacks.deadline == nil)
        #expect(nacks.statistics.abandoned == 998)
    }

    @Test func `nothing before a key frame is asked for`() {
        var nacks = NACKGenerator()
        for number in [0, 2, 4, 6, 8] as [Int64] { nacks.receive(sequence: number, at: .zero) }
        nacks.forget(before: 6)
        #expect(nacks.due(at: .zero + .milliseconds(500), rtt: nil) == [7])
        nacks.forget(before: 100)
        #expect(nacks.missingCount == 0)
    }

    @Test func `after a reset the next packet is the first`() {
        var nacks = NACKGenerator()
        nacks.receive(sequence: 0, at: .zero)
        nacks.receive(sequence: 2, at: .zero)
        nacks.reset()
        nacks.receive(sequence: 300, at: .zero)
        #expect(nacks.missingCount == 0)
    }

    /// A sender 40 ms away that answers every NACK, over a link that loses both ways.
    @Test(arguments: [0.01, 0.05, 0.2], 1...5 as ClosedRange<UInt64>)
    func `nearly all losses are repaired within their second`(loss: Double, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var nacks = NACKGenerator()
        let rtt = Interval.milliseconds(80)
        let count: Int64 = 1_500
        let start: Int64 = 64_000
        var inFlight: [(sequence: Int64, arrival: Instant)] = []
        var received: Set<Int64> = []
        for step in 0..<(count * 4 + 2_000) {
            let now = Instant.zero + .milliseconds(step)
            // A packet every 4 ms. The first and last get through: what follows nothing cannot be missed.
            if step % 4 == 0, step / 4 < count {
                let isLost = Double.random(in: 0..<1, using: &generator) < loss
                if !isLost || step == 0 || step / 4 == count - 1 {
                    inFlight.append((start + step / 4, now + rtt / 2))
                }
            }
            for packet in inFlight where packet.arrival <= now {
                received.insert(packet.sequence)
                nacks.receive(sequence: packet.sequence, at: now)
            }
            inFlight.removeAll { $0.arrival <= now }
            for number in nacks.due(at: now, rtt: rtt) {
                guard Double.random(in: 0..<1, using: &generator) >= loss,
                    Double.random(in: 0..<1, using: &generator) >= loss
                else { continue }
                inFlight.append((SequenceUnwrapper.extend(number, near: start + step / 4), now + rtt))
            }
        }
        let missing = count - Int64(received.count)
        #expect(missing <= 1)
        #expect(nacks.statistics.abandoned == missing)
        // No packet is asked for again before its answer could have come.
        let lost = Double(nacks.statistics.repaired)
        #expect(Double(nacks.statistics.requested) <= lost / ((1 - loss) * (1 - loss)) * 1.15 + 5)
    }
}

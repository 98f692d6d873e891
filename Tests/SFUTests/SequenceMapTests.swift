import SFU
import TestSupport
import Testing

@Suite("Numbers of a viewer that is not sent everything")
struct SequenceMapTests {
    private static func number(_ sequence: Int64, in map: SequenceMap) -> Int64? {
        map.piece(of: sequence).map { sequence + $0.offset }
    }

    @Test func `what follows closes the gap of what was left out`() {
        var map = SequenceMap(start: 100, number: 7)
        #expect(map.isWhole)
        map.leaveOut(103...104)
        map.leaveOut(108...108)
        map.leaveOut(109...109)
        #expect((99...111).map { Self.number($0, in: map) } == [nil, 7, 8, 9, nil, nil, 10, 11, 12, nil, nil, 13, 14])
        #expect((6...14).map { map.sequence(of: $0) } == [nil, 100, 101, 102, 105, 106, 107, 110, 111])
        #expect(!map.isWhole)
        // What is left out in a row makes no piece of its own.
        #expect(map.count == 3)
    }

    @Test func `a packet missing before a gap keeps its number`() {
        var map = SequenceMap(start: 0, number: 0)
        // 5 has not come when 6 is left out.
        map.leaveOut(6...6)
        #expect(Self.number(5, in: map) == 5)
        #expect(Self.number(6, in: map) == nil)
        #expect(Self.number(7, in: map) == 6)
    }

    @Test func `a limit holds from its packet on`() {
        var map = SequenceMap(start: 0, number: 50)
        map.change(to: LayerLimit(temporal: 0), at: 10)
        map.change(to: LayerLimit(temporal: 1), at: 10)
        map.change(to: LayerLimit(temporal: 2), at: 20)
        #expect([0, 9, 10, 19, 20].map { map.piece(of: $0)?.limit.temporal } == [7, 7, 1, 1, 2])
        #expect([0, 9, 10, 19, 20].map { Self.number($0, in: map) } == [50, 59, 60, 69, 70])
        #expect(map.count == 3)
    }

    @Test func `pieces beyond the bound are forgotten, and their packets with them`() {
        var map = SequenceMap(start: 0, number: 0)
        for step in 1...Int64(1000) { map.leaveOut((step * 10)...(step * 10)) }
        #expect(map.count <= SequenceMap.capacity + 1)
        #expect(map.count > SequenceMap.capacity / 2)
        // The newest number behind what is known, and the oldest packet.
        #expect(Self.number(10_001, in: map) == 9001)
        #expect(map.sequence(of: 9001) == 10_001)
        #expect(Self.number(5, in: map) == nil)
        #expect(map.sequence(of: 5) == nil)
        let known = (0...Int64(10_010)).filter { map.piece(of: $0) != nil }
        #expect(known.count >= 9 * (SequenceMap.capacity / 2))
    }

    @Test(arguments: [0, 1, 127, 0x7FFF, 0xFFFF, 0x1_0000, 0x7_FFFF] as [Int64])
    func `no number belongs to two packets, whatever is left out`(first: Int64) {
        var generator = SeededGenerator(seed: UInt64(first) + 1)
        var map = SequenceMap(start: first, number: 3)
        var given: [Int64: Int64] = [:]
        var sequence = first
        for _ in 0..<20_000 {
            let run = Int64.random(in: 1...3, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: map.leaveOut(sequence...(sequence + run - 1))
            case 1: map.change(to: LayerLimit(temporal: UInt8.random(in: 0...3, using: &generator)), at: sequence)
            default:
                // In order, late, or not at all.
                for late in [sequence, sequence - Int64.random(in: 0...300, using: &generator)] where late >= first {
                    guard let number = Self.number(late, in: map) else { continue }
                    #expect(given[number, default: late] == late)
                    given[number] = late
                    #expect(map.sequence(of: number) == late)
                }
            }
            sequence += run
        }
        #expect(given.count > 5000)
        #expect(map.count <= SequenceMap.capacity + 1)
    }
}

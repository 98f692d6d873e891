import Primitives
import SFU
import TestSupport
import Testing

@Suite("Packets back in order")
struct ReorderBufferTests {
    private func packet(_ sequence: Int64, at milliseconds: Int64 = 0) -> ReorderBuffer.Packet {
        ReorderBuffer.Packet(
            sequence: sequence, timestamp: 0, marker: false, payload: [],
            arrivedAt: .zero + .milliseconds(milliseconds))
    }

    private func drain(_ buffer: inout ReorderBuffer, at milliseconds: Int64 = 0) -> [Int64] {
        var sequences: [Int64] = []
        while let packet = buffer.next(at: .zero + .milliseconds(milliseconds)) { sequences.append(packet.sequence) }
        return sequences
    }

    @Test func `packets that come in order go through at once`() {
        var buffer = ReorderBuffer()
        for sequence in Int64(65_530)..<65_545 {
            buffer.insert(packet(sequence))
            #expect(drain(&buffer) == [sequence])
        }
        #expect(buffer.deadline == nil)
    }

    @Test func `a packet that is late holds up those behind it`() {
        var buffer = ReorderBuffer()
        for sequence in [10, 12, 13, 12] as [Int64] { buffer.insert(packet(sequence)) }
        #expect(drain(&buffer) == [10])
        #expect(buffer.count == 2)
        buffer.insert(packet(11))
        #expect(drain(&buffer) == [11, 12, 13])
        #expect(buffer.skipped == 0)
    }

    @Test func `a packet that does not come is given up when patience ends`() {
        var buffer = ReorderBuffer(patience: .milliseconds(300))
        buffer.insert(packet(1))
        buffer.insert(packet(4, at: 100))
        #expect(drain(&buffer, at: 399) == [1])
        #expect(buffer.deadline == .zero + .milliseconds(400))
        #expect(drain(&buffer, at: 400) == [4])
        #expect(buffer.skipped == 2)
        // Now it is of no use any more.
        buffer.insert(packet(2, at: 401))
        #expect(drain(&buffer, at: 1_000).isEmpty)
    }

    @Test func `a full buffer gives the gap up, and takes no more than it holds`() {
        var buffer = ReorderBuffer()
        buffer.insert(packet(0))
        #expect(drain(&buffer) == [0])
        for sequence in 2..<Int64(ReorderBuffer.capacity + 100) { buffer.insert(packet(sequence)) }
        #expect(buffer.count == ReorderBuffer.capacity)
        #expect(drain(&buffer) == Array(2..<Int64(ReorderBuffer.capacity + 2)))
        #expect(buffer.skipped == 1)
    }

    @Test func `any order within reach comes out sorted`() {
        var generator = SeededGenerator(seed: 5)
        var buffer = ReorderBuffer()
        buffer.insert(packet(0))
        var seen = drain(&buffer)
        for start in stride(from: Int64(1), to: 1_000, by: 20) {
            for sequence in (start..<(start + 20)).shuffled(using: &generator) {
                buffer.insert(packet(sequence))
                seen += drain(&buffer)
            }
        }
        #expect(seen == Array(0..<Int64(seen.count)))
        #expect(seen.count == 1_001)
    }
}

import TestSupport
import Testing

@testable import MediaIO

@Suite("Frames that wait for a TCP connection")
struct FrameQueueTests {
    private func append(_ bytes: [UInt8], to queue: inout FrameQueue) -> Bool {
        bytes.withUnsafeBytes { queue.appendFrame($0) }
    }

    private func take(_ length: Int, from queue: inout FrameQueue) -> [UInt8] {
        var taken: [UInt8] = []
        while taken.count < length, !queue.isEmpty {
            let front = queue.front
            let count = min(front.count, length - taken.count)
            taken += front[..<count]
            queue.removeFirst(count)
        }
        return taken
    }

    @Test func `a frame that does not fit is refused whole`() {
        var queue = FrameQueue(capacity: 100)
        let first = append([UInt8](repeating: 1, count: 60), to: &queue)
        let tooLong = append([UInt8](repeating: 2, count: 37), to: &queue)
        #expect(first && !tooLong)
        let fits = append([UInt8](repeating: 3, count: 36), to: &queue)
        let full = append([], to: &queue)
        #expect(fits && !full)
        let count = queue.count
        #expect(count == 100)
        let all = take(1000, from: &queue)
        #expect(all == [0, 60] + [UInt8](repeating: 1, count: 60) + [0, 36] + [UInt8](repeating: 3, count: 36))
    }

    @Test func `bytes come out in order around the end of the ring`() {
        var generator = SeededGenerator(seed: 11)
        var queue = FrameQueue(capacity: 997)
        var expected: [UInt8] = []
        var position = 0
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            if append(bytes, to: &queue) { expected += [UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes }
            let taken = take(Int.random(in: 0...200, using: &generator), from: &queue)
            #expect(taken == Array(expected[position..<(position + taken.count)]))
            position += taken.count
        }
        let rest = take(.max, from: &queue)
        #expect(rest == Array(expected[position...]))
        #expect(position > 100_000)
    }
}

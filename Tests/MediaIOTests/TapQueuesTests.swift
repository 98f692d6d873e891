import Primitives
import Testing

@testable import MediaIO

@Suite("What waits to be made frames")
struct TapQueuesTests {
    private func packets(_ track: TrackID = 1, bytes: Int = 1 << 20, startsKeyFrame: Bool = false) -> TappedPackets {
        TappedPackets(
            tap: 1,
            bursts: [
                RelayedPackets(
                    track: track, clock: nil, bitsPerSecond: 0, answersKeyFrameRequests: false,
                    entries: [
                        .init(
                            sequence: 0, timestamp: 0, length: Int32(bytes), marker: true,
                            startsKeyFrame: startsKeyFrame)
                    ],
                    payloads: [UInt8](repeating: 0, count: bytes), arrival: .zero)
            ])
    }

    private func admits(_ queues: inout TapQueues, _ packets: TappedPackets) -> Bool {
        var packets = packets
        return queues.admit(&packets)
    }

    @Test func `a stream that is over its bound loses whole bursts until a key frame finds room`() {
        var queues = TapQueues()
        queues.open(1)
        var admitted: [TappedPackets] = []
        for _ in 0..<40 where admits(&queues, packets()) { admitted.append(packets()) }
        #expect(admitted.count == TapQueues.maximumBytes >> 20 - 1)
        #expect(queues.dropped == 40 - admitted.count)
        // There is room again, but what comes depends on what was lost.
        for packets in admitted { queues.release(packets) }
        #expect(!admits(&queues, packets()))
        #expect(admits(&queues, packets(2)))
        #expect(admits(&queues, packets(startsKeyFrame: true)))
        #expect(admits(&queues, packets()))
    }

    @Test func `all streams together have a bound too, and a closed one gives its share back`() {
        var queues = TapQueues()
        for tap in 1...20 as ClosedRange<TapID> { queues.open(tap) }
        func fill() -> Int {
            var count = 0
            for tap in 1...20 as ClosedRange<TapID> {
                for _ in 0..<20 {
                    var packets = packets()
                    packets.tap = tap
                    if queues.admit(&packets) { count += 1 }
                }
            }
            return count
        }
        #expect((120...128).contains(fill()))
        for tap in 1...20 as ClosedRange<TapID> { queues.close(tap) }
        for tap in 1...20 as ClosedRange<TapID> { queues.open(tap) }
        #expect((120...128).contains(fill()))
    }

    @Test func `nothing is kept of a stream that nobody reads`() {
        var queues = TapQueues()
        #expect(!admits(&queues, packets()))
        #expect(queues.dropped == 0)
    }
}

import HLS
import Media
import NIOCore
import Primitives
import Synchronization
import Testing

@testable import HLSService

@Suite("A stream's waiting requests and memory")
struct HLSStreamTests {
    private final class Clock: Sendable {
        private let instant = Mutex(Instant.zero)
        var now: Instant { instant.withLock { $0 } }
        func advance(by interval: Interval) { instant.withLock { $0 = $0 + interval } }
    }

    private let clock = Clock()

    private func stream(budget: MemoryBudget = MemoryBudget(limit: 1 << 30)) -> HLSStream {
        HLSStream(
            configuration: PresentationConfiguration(), budget: budget, unixSeconds: 1_800_000_000,
            now: { [clock] in clock.now }, onKeyFrameWanted: {})
    }

    private func begin(_ stream: HLSStream) {
        stream.receive(.began(PublishEpoch(number: 1, unixNanosecondsAtZero: 0, kinds: [.audio])))
        stream.receive(.configured(.opus(channels: 2)))
    }

    private func play(_ stream: HLSStream, _ packets: Range<Int64>, bytes: Int = 100) {
        for index in packets {
            let time = index * 20_000
            stream.receive(
                .frame(
                    EncodedFrame(
                        codec: .opus, decodeTime: time, presentationTime: time, isKeyFrame: true,
                        payload: [0xFC] + [UInt8](repeating: 1, count: bytes))))
        }
    }

    /// Waits until so many requests are held; each turn lets the tasks that send them go on.
    private func waitUntilHeld(_ count: Int, _ stream: HLSStream) async {
        while stream.waitingCount < count { await Task.yield() }
    }

    @Test func `a thousand requests for the first playlist are answered by the first segment`() async {
        let stream = stream()
        begin(stream)
        let answered = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<1_000 {
                group.addTask {
                    if case .playlist = await stream.answer(.multivariant, directives: .init()) { true } else { false }
                }
            }
            await waitUntilHeld(1_000, stream)
            play(stream, 0..<150)
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(answered == 1_000)
        #expect(stream.waitingCount == 0)
    }

    @Test func `who has waited too long is turned away`() async {
        let stream = stream()
        begin(stream)
        async let answer = stream.answer(.multivariant, directives: .init())
        await waitUntilHeld(1, stream)
        stream.expire()
        #expect(stream.waitingCount == 1)
        clock.advance(by: HLSStream.startPatience)
        stream.expire()
        guard case .timedOut = await answer else {
            Issue.record("not timed out")
            return
        }
    }

    @Test func `whoever hangs up is let go, and makes room for another`() async {
        let stream = stream()
        begin(stream)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    if case .timedOut = await stream.answer(.multivariant, directives: .init()) { true } else { false }
                }
            }
            await waitUntilHeld(100, stream)
            group.cancelAll()
            #expect(await group.reduce(0) { $0 + ($1 ? 1 : 0) } == 100)
        }
        #expect(stream.waitingCount == 0)
        // One that hangs up before it has begun to wait is not held either.
        await withTaskGroup(of: Void.self) { group in
            group.cancelAll()
            group.addTask { _ = await stream.answer(.multivariant, directives: .init()) }
        }
        #expect(stream.waitingCount == 0)
        async let other = stream.answer(.multivariant, directives: .init())
        await waitUntilHeld(1, stream)
        play(stream, 0..<150)
        guard case .playlist = await other else {
            Issue.record("those who stay are not answered")
            return
        }
    }

    @Test func `one request more than the bound is turned away at once, and all are let go at the end`() async {
        let stream = stream()
        begin(stream)
        let limit = BlockedRequests.maximumCount
        let gone = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<limit {
                group.addTask {
                    if case .notPublishing = await stream.answer(.multivariant, directives: .init()) {
                        true
                    } else {
                        false
                    }
                }
            }
            await waitUntilHeld(limit, stream)
            guard case .overloaded = await stream.answer(.multivariant, directives: .init()) else { return 0 }
            stream.abandon()
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(gone == limit)
    }

    @Test func `streams share one budget, and give back what they held`() {
        let budget = MemoryBudget(limit: 400_000)
        do {
            let streams = (0..<4).map { _ in stream(budget: budget) }
            for stream in streams { begin(stream) }
            for round in 0..<20 as Range<Int64> {
                for stream in streams { play(stream, (round * 100)..<((round + 1) * 100), bytes: 1_000) }
                // The bound, and of each stream the newest segment and the one in the making.
                #expect(budget.total <= 400_000 + 4 * 2 * 110_000)
            }
            #expect(budget.total > 100_000)
        }
        #expect(budget.total == 0)
    }

    @Test func `the same playlist is written once for all who ask`() async throws {
        let stream = stream()
        begin(stream)
        play(stream, 0..<400)
        guard case .playlist(let first) = await stream.answer(.media(.audio), directives: .init()),
            case .playlist(let second) = await stream.answer(.media(.audio), directives: .init(segment: 0))
        else {
            Issue.record("no playlist")
            return
        }
        #expect(first.body == second.body)
        #expect(first.tag == second.tag)
        let compressed = try #require(first.compressed)
        #expect(compressed.readableBytes < first.body.readableBytes / 2)
        // A gzip header (RFC 1952 section 2.3).
        #expect(compressed.getBytes(at: 0, length: 3) == [0x1F, 0x8B, 8])
    }
}

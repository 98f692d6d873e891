import Dispatch
import Media
import Primitives
import Synchronization
import Testing

@testable import Gateway
@testable import Transcoding

@Suite("Snapshots of streams")
struct SnapshotTests {
    fileprivate static func keyFrame(_ number: Int64) -> KeyFrame {
        KeyFrame(epoch: 7, configuration: Encoded.baseline, frame: Encoded.picture(number, isKeyFrame: true))
    }

    private static func stream(_ name: String = "cam") throws -> StreamName { try #require(StreamName(name)) }

    // MARK: Key frames

    @Test func `the last key frame stays known when what followed it was too much to keep`() {
        let lane = FrameLane()
        #expect(lane.keyFrame == nil)
        let writer = lane.open()
        writer.begin(unixNanosecondsAtZero: 0, kinds: [.video, .audio])
        writer.configure(Encoded.baseline)
        writer.configure(.opus(channels: 2))
        writer.write(Encoded.picture(0))
        #expect(lane.keyFrame == nil)
        writer.write(Encoded.picture(1, isKeyFrame: true))
        for number in 0...Int64(FrameHistory.maximumFrames) { writer.write(Encoded.opus(at: number)) }
        #expect(lane.attach(NotingReader()).awaitsKeyFrame)
        #expect(lane.keyFrame?.frame.payload == Encoded.picture(1, isKeyFrame: true).payload)
        writer.write(Encoded.picture(2, isKeyFrame: true))
        #expect(lane.keyFrame?.frame.payload == Encoded.picture(2, isKeyFrame: true).payload)
        // Of another configuration nothing is known yet.
        writer.configure(Encoded.reordering)
        #expect(lane.keyFrame == nil)
        writer.write(Encoded.picture(3, isKeyFrame: true))
        #expect(lane.keyFrame?.configuration == Encoded.reordering)
        lane.end()
        #expect(lane.keyFrame == nil)
    }

    @Test func `a key frame beyond the bound is not kept`() {
        let lane = FrameLane()
        let writer = lane.open()
        writer.begin(unixNanosecondsAtZero: 0, kinds: [.video])
        writer.configure(Encoded.baseline)
        var frame = Encoded.picture(0, isKeyFrame: true)
        frame.payload += [UInt8](repeating: 0, count: FrameHistory.maximumBytes)
        writer.write(frame)
        #expect(lane.keyFrame == nil)
    }

    @Test func `whoever waits for a key frame gets the first one, or hears that the stream is over`() async {
        let lane = FrameLane()
        let waiter = KeyFrameWaiter()
        _ = lane.attach(waiter)
        let writer = lane.open()
        writer.begin(unixNanosecondsAtZero: 0, kinds: [.video])
        writer.configure(Encoded.baseline)
        for number in 0..<3 as Range<Int64> { writer.write(Encoded.picture(number, isKeyFrame: number > 0)) }
        let found = await waiter.first(within: .seconds(600))
        #expect(found?.frame.payload == Encoded.picture(1, isKeyFrame: true).payload)
        #expect(found?.configuration == Encoded.baseline)
        let late = KeyFrameWaiter()
        lane.end()
        _ = lane.attach(late)
        lane.close()
        #expect(await late.first(within: .seconds(600)) == nil)
        #expect(await KeyFrameWaiter().first(within: .zero) == nil)
    }

    // MARK: What is kept

    private func outcome(_ bytes: Int) -> SnapshotCache.Outcome {
        .success(StreamSnapshot(jpeg: [UInt8](repeating: 0, count: bytes), tag: "t"))
    }

    @Test func `of each stream and size the newest picture is kept`() throws {
        var cache = SnapshotCache()
        let key = SnapshotCache.Key(stream: try Self.stream(), box: PictureBox(height: 90))
        let (first, second) = (Self.keyFrame(0).id, Self.keyFrame(1).id)
        cache.keep(outcome(10), key, of: first)
        #expect(cache.outcome(key, of: first) != nil && cache.outcome(key, of: second) == nil)
        cache.keep(outcome(20), key, of: second)
        #expect(cache.outcome(key, of: first) == nil && cache.outcome(key, of: second) != nil)
        #expect((cache.count, cache.bytes) == (1, 20))
        cache.keep(.failure(.threadUnavailable), key, of: first)
        #expect((cache.count, cache.bytes) == (1, 0))
    }

    @Test func `what was asked for longest ago makes room, in number and in bytes`() throws {
        var cache = SnapshotCache()
        func key(_ number: Int) throws -> SnapshotCache.Key {
            SnapshotCache.Key(stream: try Self.stream(), box: PictureBox(width: number))
        }
        let id = Self.keyFrame(0).id
        for number in 0..<SnapshotCache.maximumCount { cache.keep(outcome(1), try key(number), of: id) }
        _ = cache.outcome(try key(0), of: id)
        cache.keep(outcome(1), try key(999), of: id)
        #expect(cache.count == SnapshotCache.maximumCount)
        #expect(try cache.outcome(key(0), of: id) != nil)
        #expect(try cache.outcome(key(1), of: id) == nil)
        cache.keep(outcome(SnapshotCache.maximumBytes), try key(1_000), of: id)
        #expect((cache.count, cache.bytes) == (1, SnapshotCache.maximumBytes))
        cache.keep(outcome(SnapshotCache.maximumBytes + 1), try key(1_001), of: id)
        #expect((cache.count, cache.bytes) == (1, SnapshotCache.maximumBytes))
    }

    // MARK: Making

    /// Counts what is decoded; fails where the box is 1 wide.
    private final class Counter: Sendable {
        private let number = Mutex(0)
        var count: Int { number.withLock { $0 } }

        func maker() -> SnapshotMaker {
            SnapshotMaker { [self] _, _, box throws(TranscodingError) in
                number.withLock { $0 += 1 }
                if box.width == 1 { throw .codingFailed(codec: "h264", code: -1) }
                return [1, 2, 3]
            }
        }
    }

    @Test func `a key frame is decoded once for each size, and errors are kept as well`() async throws {
        let counter = Counter()
        let desk = SnapshotDesk(maker: counter.maker())
        let stream = try Self.stream()
        func ask(_ number: Int64, width: Int?) async throws(GatewayRefusal) -> StreamSnapshot {
            try await desk.snapshot(of: Self.keyFrame(number), stream: stream, within: PictureBox(width: width))
        }
        await withTaskGroup(of: StreamSnapshot?.self) { group in
            for _ in 0..<50 { group.addTask { try? await ask(0, width: 64) } }
            for await snapshot in group { #expect(snapshot?.jpeg == [1, 2, 3]) }
        }
        #expect(counter.count == 1)
        let (first, second) = (try await ask(0, width: 64), try await ask(1, width: 64))
        #expect(first.tag == "7-0-64x0" && second.tag != first.tag)
        #expect(try await ask(1, width: nil).tag != second.tag)
        #expect(counter.count == 3)
        for _ in 0..<3 {
            let refusal = await #expect(throws: GatewayRefusal.self) { _ = try await ask(0, width: 1) }
            #expect(refusal?.code == .undecodablePicture && refusal?.retryAfter != nil)
        }
        #expect(counter.count == 4)
    }

    /// Takes as many pictures as may be in the making, and makes none before it is told to.
    private final class Jam: Sendable {
        private let begun = DispatchSemaphore(value: 0)
        private let open = DispatchSemaphore(value: 0)
        private static let size = SnapshotMaker.maximumThreads + SnapshotMaker.maximumWaiting

        func maker() -> SnapshotMaker {
            let maker = SnapshotMaker { [self] _, _, _ throws(TranscodingError) in
                begun.signal()
                open.wait()
                return []
            }
            func fill(_ count: Int) {
                for _ in 0..<count {
                    _ = maker.make(of: SnapshotTests.keyFrame(0).frame, Encoded.baseline, within: PictureBox()) { _ in }
                }
            }
            fill(SnapshotMaker.maximumThreads)
            for _ in 0..<SnapshotMaker.maximumThreads { begun.wait() }
            fill(SnapshotMaker.maximumWaiting)
            return maker
        }

        func clear() {
            for _ in 0..<(Self.size + 1) { open.signal() }
        }
    }

    @Test func `with too many pictures in the making the next is refused, and may be asked for again`() async throws {
        let jam = Jam()
        let desk = SnapshotDesk(maker: jam.maker())
        let stream = try Self.stream()
        let refusal = await #expect(throws: GatewayRefusal.self) {
            _ = try await desk.snapshot(of: Self.keyFrame(0), stream: stream, within: PictureBox())
        }
        #expect(refusal?.code == .snapshotsBusy && refusal?.retryAfter != nil)
        jam.clear()
    }

    // MARK: The gateway

    @Test func `a stream without a picture to show says why`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let stream = try GatewayHarness.stream()
        func refusal() async throws -> GatewayRefusal.Code? {
            await #expect(throws: GatewayRefusal.self) { _ = try await harness.gateway.snapshot(of: stream) }?.code
        }
        #expect(try await refusal() == .unknownStream)
        let ingest = try await harness.publishFrames(Encoded.baseline)
        // It says that it is a picture, and is none.
        ingest.write(Encoded.picture(0, isKeyFrame: true))
        #expect(try await refusal() == .undecodablePicture)
        ingest.finish()
        await harness.hear(ingest)
        #expect(try await refusal() == .notPublishing)
    }

    @Test func `sound alone has no picture`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let name = try Self.stream("radio")
        let ingest = try await harness.gateway.ingest(stream: name, by: .loopback, onEnd: { _ in })
        ingest.configure(.opus(channels: 2))
        for number in 0..<40 as Range<Int64> { ingest.write(Encoded.opus(at: number * 20_000)) }
        await harness.hear(ingest)
        let refusal = await #expect(throws: GatewayRefusal.self) {
            _ = try await harness.gateway.snapshot(of: name)
        }
        #expect(refusal?.code == .noPicture)
    }
}

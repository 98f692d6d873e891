import Media
import MediaIO
import Primitives
import Synchronization
import Testing

@testable import Gateway

/// A reader that notes what it is told.
final class NotingReader: FrameReader {
    private let heard = Mutex<[FrameEvent]>([])

    func receive(_ event: FrameEvent) { heard.withLock { $0.append(event) } }

    var events: [FrameEvent] { heard.withLock { $0 } }

    /// In short: `began`, `h264`, `opus`, the numbers of pictures, `a` for sound, `ended`, `closed`, `clock`.
    var notes: [String] {
        events.map { event in
            switch event {
            case .began: "began"
            case .configured(let configuration): configuration.codec.rawValue
            case .frame(let frame): frame.codec.kind == .video ? "\(frame.payload[6])" : "a"
            case .clock: "clock"
            case .ended: "ended"
            case .closed: "closed"
            }
        }
    }

    var epochs: [PublishEpoch] {
        events.compactMap { if case .began(let epoch) = $0 { epoch } else { nil } }
    }
}

@Suite("A stream's frames and their readers")
struct FrameLaneTests {
    private let lane = FrameLane(wallClock: { 1_790_000_000_000_000_000 })

    private func begin() -> FrameLane.Writer {
        let writer = lane.open()
        writer.begin(unixNanosecondsAtZero: 5, kinds: [.video, .audio])
        writer.configure(Encoded.baseline)
        writer.configure(.opus(channels: 2))
        return writer
    }

    @Test func `a reader that comes late is told all that counts since the last key frame`() {
        let writer = begin()
        for number in 0..<6 as Range<Int64> { writer.write(Encoded.picture(number, isKeyFrame: number % 4 == 0)) }
        writer.write(Encoded.opus(at: 200_000))
        let reader = NotingReader()
        #expect(lane.attach(reader).awaitsKeyFrame == false)
        #expect(reader.notes == ["began", "h264", "opus", "4", "5", "a"])
        writer.write(Encoded.picture(6))
        #expect(reader.notes.last == "6")
        #expect(reader.epochs.first?.kinds == [.video, .audio])
    }

    @Test func `readers stay from publisher to publisher, whose numbers rise`() {
        let reader = NotingReader()
        _ = lane.attach(reader)
        let first = begin()
        first.write(Encoded.picture(0, isKeyFrame: true))
        let second = begin()
        // Whoever was replaced is not heard any more.
        first.write(Encoded.picture(1))
        second.write(Encoded.picture(2, isKeyFrame: true))
        lane.end()
        second.write(Encoded.picture(3))
        lane.close()
        #expect(
            reader.notes == [
                "began", "h264", "opus", "0", "ended", "began", "h264", "opus", "2", "ended", "closed",
            ])
        #expect(reader.epochs.map(\.number) == [1_790_000_000_000, 1_790_000_000_001])
        let late = NotingReader()
        _ = lane.attach(late)
        #expect(late.notes == ["closed"])
    }

    @Test func `a lane that is made from another one has its epochs`() {
        let reader = NotingReader()
        _ = lane.attach(reader)
        for number in [7, 9] as [UInt64] {
            lane.open().begin(unixNanosecondsAtZero: 0, kinds: [.video], number: number)
        }
        #expect(reader.epochs.map(\.number) == [7, 9])
    }

    @Test func `a picture begins with a key frame, and with its decoder known`() {
        let reader = NotingReader()
        _ = lane.attach(reader)
        let writer = lane.open()
        writer.write(Encoded.picture(0, isKeyFrame: true))
        writer.begin(unixNanosecondsAtZero: 0, kinds: [.video])
        writer.write(Encoded.picture(1, isKeyFrame: true))
        writer.configure(Encoded.baseline)
        writer.write(Encoded.picture(2))
        writer.write(Encoded.picture(3, isKeyFrame: true))
        writer.configure(Encoded.baseline)
        #expect(reader.notes == ["began", "h264", "3"])
    }

    @Test func `a group of pictures beyond the bound is not kept, in bytes or in frames`() {
        let writer = begin()
        writer.write(Encoded.picture(0, isKeyFrame: true))
        var large = Encoded.picture(1)
        large.payload += [UInt8](repeating: 0, count: 1 << 20)
        for _ in 0..<7 { writer.write(large) }
        let early = NotingReader()
        #expect(lane.attach(early).awaitsKeyFrame == false)
        #expect(early.notes.count == 3 + 8)
        writer.write(large)
        let late = NotingReader()
        #expect(lane.attach(late).awaitsKeyFrame)
        writer.write(Encoded.picture(2))
        writer.write(Encoded.opus(at: 80_000))
        writer.write(Encoded.picture(3, isKeyFrame: true))
        #expect(late.notes == ["began", "h264", "opus", "a", "3"])
        #expect(early.notes.suffix(4) == ["1", "2", "a", "3"])

        for number in 0..<Int64(FrameHistory.maximumFrames) { writer.write(Encoded.opus(at: number)) }
        #expect(lane.attach(NotingReader()).awaitsKeyFrame)
    }

    @Test func `sound alone has nothing to wait for`() {
        let writer = lane.open()
        writer.begin(unixNanosecondsAtZero: 0, kinds: [.audio])
        writer.configure(.opus(channels: 2))
        writer.write(Encoded.opus(at: 0))
        let reader = NotingReader()
        #expect(lane.attach(reader).awaitsKeyFrame == false)
        writer.write(Encoded.opus(at: 20_000))
        #expect(reader.notes == ["began", "opus", "a"])
    }

    @Test func `a reader that was detached hears nothing more`() {
        let reader = NotingReader()
        let (number, _) = lane.attach(reader)
        #expect(lane.hasReaders)
        lane.detach(number)
        _ = begin()
        #expect(reader.notes.isEmpty)
        #expect(!lane.hasReaders)
    }
}

@Suite("Readers of a gateway's streams")
struct FrameReadingTests {
    @Test func `frames come whole and with their B-frames, AAC as AAC, across publishers`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let ingest = try await harness.gateway.ingest(stream: GatewayHarness.stream(), by: .loopback) { _ in }
        let reader = NotingReader()
        let reading = try await harness.gateway.attach(reader, to: GatewayHarness.stream())
        ingest.configure(Encoded.reordering)
        ingest.write(Encoded.picture(0, isKeyFrame: true))
        ingest.configure(.aac(audioSpecificConfig: [0x11, 0x90]))
        await harness.hear(ingest)
        ingest.write(Encoded.picture(1, shownAt: 3))
        ingest.write(Encoded.picture(2, shownAt: 1, reference: 0))
        var sound = Encoded.opus(at: 80_000)
        sound.codec = .aac
        ingest.write(sound)
        #expect(reader.notes.prefix(1) == ["began"])
        #expect(Set(reader.notes[1...2]) == ["h264", "aac"])
        #expect(reader.notes.dropFirst(3) == ["0", "1", "2", "a"])
        #expect(reader.epochs.first?.kinds == [.video, .audio])

        let next = try await harness.publishFrames(Encoded.baseline)
        ingest.write(Encoded.picture(9, isKeyFrame: true))
        next.write(Encoded.picture(7, isKeyFrame: true))
        let rest = Array(reader.notes.dropFirst(7))
        #expect(rest.prefix(2) == ["ended", "began"])
        #expect(rest.suffix(1) == ["7"])
        #expect(!rest.contains("9"))
        await harness.gateway.detach(reading)
        await harness.gateway.remove(try GatewayHarness.stream())
        #expect(reader.notes.last == "7")
    }

    @Test func `another size is told before its first picture`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let ingest = try await harness.publishFrames(Encoded.baseline)
        let reader = NotingReader()
        _ = try await harness.gateway.attach(reader, to: GatewayHarness.stream())
        ingest.write(Encoded.picture(0, isKeyFrame: true))
        let larger = Encoded.baseline(widthInMacroblocks: 80, heightInMacroblocks: 45)
        ingest.write(Encoded.picture(1, isKeyFrame: true, sets: larger))
        let configurations = reader.events.compactMap { event in
            if case .configured(let configuration) = event, configuration.codec == .h264 { configuration } else { nil }
        }
        #expect(configurations == [Encoded.baseline, larger])
    }

    @Test func `a late reader of a long group has a key frame asked for`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let asked = Mutex(0)
        let ingest = try await harness.publishFrames(
            Encoded.baseline, onKeyFrameRequest: { asked.withLock { $0 += 1 } })
        ingest.write(Encoded.picture(0, isKeyFrame: true))
        for number in 0..<Int64(FrameHistory.maximumFrames) { ingest.write(Encoded.opus(at: number)) }
        _ = try await harness.gateway.attach(NotingReader(), to: GatewayHarness.stream())
        #expect(asked.withLock { $0 } == 1)
    }

    @Test func `a session is tapped while somebody reads it, and each publisher anew`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let stream = try GatewayHarness.stream()
        _ = try await harness.publish()
        #expect(await harness.gateway.streams[stream]?.tap == nil)
        let first = try await harness.gateway.attach(NotingReader(), to: stream)
        let second = try await harness.gateway.attach(NotingReader(), to: stream)
        let tap = try #require(await harness.gateway.streams[stream]?.tap)
        #expect(tap.tracks.map(\.codec) == [.h264, .opus])
        _ = try await harness.publish()
        #expect(try #require(await harness.gateway.streams[stream]?.tap).id != tap.id)
        await harness.gateway.detach(first)
        #expect(await harness.gateway.streams[stream]?.tap != nil)
        await harness.gateway.detach(second)
        #expect(await harness.gateway.streams[stream]?.tap == nil)
    }

    @Test func `nobody reads what is not there`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        await #expect(throws: GatewayRefusal.self) {
            try await harness.gateway.attach(NotingReader(), to: GatewayHarness.stream())
        }
    }

    @Test func `observers are told in order how streams begin and end`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let stream = try GatewayHarness.stream()
        let news = Mutex<[StreamNews]>([])
        await harness.gateway.observeStreams { item in news.withLock { $0.append(item) } }
        _ = try await harness.publishFrames(Encoded.baseline)
        let ingest = try await harness.publishFrames(Encoded.baseline)
        let late = Mutex<[StreamNews]>([])
        await harness.gateway.observeStreams { item in late.withLock { $0.append(item) } }
        #expect(late.withLock { $0 } == [.published(stream)])
        ingest.finish()
        await harness.hear(ingest)
        await harness.gateway.remove(stream)
        #expect(
            news.withLock { $0 } == [
                .published(stream), .unpublished(stream), .published(stream), .unpublished(stream), .removed(stream),
            ])
    }
}

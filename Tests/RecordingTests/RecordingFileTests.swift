import Foundation
import ISOBMFF
import Logging
import Media
import Primitives
import TestSupport
import Testing

@testable import Recording

/// A directory that is removed with the test.
final class Scratch {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)").path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: "\(path)/\(name)"))) }

    func write(_ bytes: some Sequence<UInt8>, _ name: String) throws {
        let file = URL(filePath: "\(path)/\(name)")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }

    var files: [String] { (FileManager.default.subpaths(atPath: path) ?? []).filter { $0.hasSuffix(".mp4") }.sorted() }
}

@Suite("Recordings on disk")
struct RecordingFileTests {
    private let scratch: Scratch
    private let name = "20260921T141320123Z.mp4"

    init() throws {
        scratch = try Scratch()
    }

    private func muxed() throws -> Files.File {
        var muxer = RecordingMuxer(limits: .init())
        return try #require(Files(&muxer, Stream.beginning + Stream.events(seconds: 0..<3) + [.ended]).files.first)
    }

    private func writer(
        _ archive: RecordingArchive, news: @escaping (RecordingWriter.News) -> Void = { _ in }
    )
        throws -> RecordingWriter
    {
        RecordingWriter(
            stream: try #require(StreamName("cam")), configuration: RecordingConfiguration(directory: scratch.path),
            archive: archive, report: news)
    }

    @Test func `a complete file is found again as it was`() throws {
        let archive = RecordingArchive(directory: scratch.path)
        let writer = try writer(archive)
        for event in Stream.beginning + Stream.events(seconds: 0..<3) { writer.receive(event, at: 0) }
        let running = try #require(archive.list(stream: nil, after: nil, limit: 10).recordings.first)
        #expect(!running.isComplete)
        #expect(running.seconds == 2)
        #expect(archive.parts(of: running.id)?.index.entries.count == 2)
        writer.end()
        let done = try #require(archive.recording(running.id))
        #expect(done.isComplete)
        #expect(scratch.files == ["cam/\(name)"])

        let again = RecordingArchive(directory: scratch.path)
        #expect(again.load().isEmpty)
        #expect(again.recording(done.id) == done)
        #expect(again.parts(of: done.id)?.index.entries.count == 3)
    }

    @Test func `wherever a crash cuts a file off, all whole fragments are kept and the rest goes`() throws {
        let file = try muxed()
        let whole = file.bytes
        let ends = file.fragments.reduce(into: [file.header.count]) { $0.append($0[$0.count - 1] + $1.bytes.count) }
        var generator = SeededGenerator(seed: 3)
        let somewhere = (0..<200).map { _ in Int.random(in: 1..<whole.count, using: &generator) }
        let lengths = ends + ends.map { $0 + 1 } + ends.map { $0 - 1 } + somewhere
        for length in lengths where length <= whole.count {
            try scratch.write(whole.prefix(length), "cam/\(name)")
            let archive = RecordingArchive(directory: scratch.path)
            _ = archive.load()
            let fragments = ends.dropFirst().count { $0 <= length }
            guard length >= file.header.count else {
                #expect(archive.list(stream: nil, after: nil, limit: 9).recordings.isEmpty, "cut at \(length)")
                continue
            }
            let recording = try #require(archive.list(stream: nil, after: nil, limit: 9).recordings.first)
            #expect(recording.bytes == ends[fragments], "cut at \(length)")
            #expect(recording.seconds == Double(fragments), "cut at \(length)")
            let repaired = try scratch.bytes("cam/\(name)")
            #expect(repaired.prefix(ends[fragments]) == whole.prefix(ends[fragments]))
            #expect(RecordingArchive(directory: scratch.path).load().isEmpty, "complete by now")
        }
    }

    @Test func `an index that lies is not believed`() throws {
        let file = try muxed()
        var index = RandomAccessIndex(trackIdentifier: 1)
        index.entries = [.init(time: 0, offset: 7), .init(time: 90_000, offset: 1 << 40)]
        try scratch.write(file.bytes + index.bytes, "cam/\(name)")
        let archive = RecordingArchive(directory: scratch.path)
        #expect(archive.load().count == 1)
        #expect(archive.list(stream: nil, after: nil, limit: 9).recordings.first?.seconds == 3)
    }

    @Test func `what is no recording is left alone`() throws {
        for name in ["cam/notes.txt", "cam/20260231T131320123Z.mp4", "cam/\(name).part", "..odd/\(name)", "\(name)"] {
            try scratch.write([1, 2, 3], name)
        }
        try scratch.write([1, 2, 3], "cam/\(name)")
        let archive = RecordingArchive(directory: scratch.path)
        #expect(archive.load().isEmpty)
        #expect(archive.list(stream: nil, after: nil, limit: 9).recordings.isEmpty)
        #expect(try scratch.bytes("cam/\(name)") == [1, 2, 3])
        #expect(archive.parts(of: "../../etc/passwd") == nil)
        #expect(throws: RecordingRemovalError.self) { try archive.remove("cam-\(name)") }
    }

    @Test func `a directory that vanishes pauses the recording, which goes on by itself`() throws {
        let archive = RecordingArchive(directory: scratch.path)
        var news: [String] = []
        let writer = try writer(archive) { item in
            switch item {
            case .began: news.append("began")
            case .paused(let reason, _): news.append(reason)
            case .resumed: news.append("resumed")
            case .written, .completed: break
            }
        }
        for event in Stream.beginning + Stream.events(seconds: 0..<2) { writer.receive(event, at: 0) }
        try FileManager.default.removeItem(atPath: scratch.path)
        for event in Stream.events(seconds: 2..<4) { writer.receive(event, at: 1_000) }
        #expect(news == ["began", "directory-gone"])
        #expect(writer.isPaused)
        // Nothing is tried before its time.
        for event in Stream.events(seconds: 4..<6) { writer.receive(event, at: 5_999) }
        #expect(scratch.files.isEmpty)
        for event in Stream.events(seconds: 6..<9) { writer.receive(event, at: 6_000) }
        #expect(news == ["began", "directory-gone", "began", "resumed"])
        writer.end()
        #expect(scratch.files.count == 1)
    }

    @Test func `a place that cannot be written says so once`() throws {
        try scratch.write([1], "cam")
        let archive = RecordingArchive(directory: scratch.path)
        var pauses: [String] = []
        let writer = try writer(archive) { if case .paused(let reason, _) = $0 { pauses.append(reason) } }
        for step in 0..<5 as Range<Int64> {
            for event in Stream.beginning + Stream.events(seconds: 0..<1) { writer.receive(event, at: step * 10_000) }
        }
        #expect(pauses == ["directory-gone"])
    }

    @Test func `two files of the same millisecond have two names`() throws {
        let archive = RecordingArchive(directory: scratch.path)
        let writer = try writer(archive)
        for _ in 0..<2 {
            for event in Stream.beginning + Stream.events(seconds: 0..<2) + [.ended] { writer.receive(event, at: 0) }
        }
        #expect(scratch.files == ["cam/\(name)", "cam/20260921T141320124Z.mp4"])
    }

    @Test func `old recordings go, and the oldest of too many, but none that is being written`() throws {
        let archive = RecordingArchive(directory: scratch.path)
        let size = try muxed().bytes.count + 100
        for number in 0..<6 as Range<Int64> {
            let writer = try writer(archive)
            for event in [.clock(unixNanosecondsAtZero: 0)] + Stream.beginning { writer.receive(event, at: 0) }
            writer.receive(.clock(unixNanosecondsAtZero: number * 3_600_000_000_000), at: 0)
            for event in Stream.events(seconds: 0..<3) { writer.receive(event, at: 0) }
            if number > 0 { writer.end() }
        }
        #expect(archive.enforce(RecordingRetention(), at: 1 << 60) == 0)
        // Two hours and a half after 1970: those of one and two o'clock are younger than two hours.
        #expect(archive.enforce(RecordingRetention(age: .seconds(5_400)), at: 9_000_000) == 0)
        #expect(archive.enforce(RecordingRetention(age: .seconds(5_400)), at: 10_000_000) == 1)
        #expect(archive.enforce(RecordingRetention(bytes: Int64(size * 3)), at: 0) == 2)
        let left = archive.list(stream: nil, after: nil, limit: 10).recordings
        #expect(left.map { $0.unixMilliseconds / 3_600_000 } == [5, 4, 0])
        #expect(left.last?.isComplete == false)
        #expect(throws: RecordingRemovalError.self) { try archive.remove(try #require(left.last).id) }
        #expect(scratch.files.count == 3)
    }

    @Test func `lists come in pages, the newest first`() throws {
        let archive = RecordingArchive(directory: scratch.path)
        for (number, name) in ["a", "b", "a", "b", "a"].enumerated() {
            var recording = Recording(stream: try #require(StreamName(name)), unixMilliseconds: Int64(number))
            recording.isComplete = true
            archive.begin(recording, RecordingParts(headerSize: 0, trackIdentifier: 1, timescale: 1))
        }
        let first = archive.list(stream: StreamName("a"), after: nil, limit: 2)
        #expect(first.recordings.map(\.unixMilliseconds) == [4, 2])
        let second = archive.list(stream: StreamName("a"), after: first.next, limit: 2)
        #expect(second.recordings.map(\.unixMilliseconds) == [0])
        #expect(second.next == nil)
        #expect(archive.list(stream: nil, after: "gone", limit: 2).recordings.isEmpty)
    }

    @Test func `times are written as names in the order of time, and read back`() {
        let times: [Int64] = [0, 1, 951_782_400_000, 1_709_164_800_999, 1_790_000_000_123, 4_102_444_799_999]
        #expect(RecordingTime.text(1_709_164_800_999) == "20240229T000000999Z")
        #expect(times.map(RecordingTime.text) == times.map(RecordingTime.text).sorted())
        for time in times { #expect(RecordingTime.milliseconds(RecordingTime.text(time)) == time) }
        for day in stride(from: Int64(0), to: 200 * 366, by: 1) {
            #expect(RecordingTime.milliseconds(RecordingTime.text(day * 86_400_000)) == day * 86_400_000)
        }
        for text in ["", "20230229T000000000Z", "20240229T000000000", "../../../../../../z", "20240229T250000000Z"] {
            #expect(RecordingTime.milliseconds(text) == nil)
        }
        #expect(RecordingTime.text(.max) == "99991231T235959999Z")
        #expect(RecordingTime.text(.min) == "19700101T000000000Z")
    }
}

@Suite("What waits for the disk")
struct RecordingQueueTests {
    @Test func `a queue that is full loses frames up to a key frame that finds room, and tells what counts again`()
        throws
    {
        let queue = RecordingQueue(limit: 100_000)
        var dropped = 0
        nonisolated(unsafe) let count = UnsafeMutablePointer<Int>.allocate(capacity: 1)
        defer { count.deallocate() }
        count.initialize(to: 0)
        let recording = StreamRecording(id: 7, queue: queue) { count.pointee += 1 }
        for event in Stream.beginning + Stream.events(seconds: 0..<10, size: 2_000, hasSound: false) {
            recording.receive(event)
        }
        dropped = count.pointee
        #expect(dropped > 150)
        let items = queue.take(timeout: .never)
        #expect(items.count { if case .gap = $0 { true } else { false } } == 1)
        // Taken, but not done with: there is no room yet.
        recording.receive(.frame(Stream.picture(250, isKeyFrame: true)))
        #expect(count.pointee == dropped + 1)
        for item in items { queue.release(item) }
        recording.receive(.frame(Stream.picture(251, isKeyFrame: false)))
        #expect(count.pointee == dropped + 2)
        recording.receive(.frame(Stream.picture(275, isKeyFrame: true)))
        let rest = queue.take(timeout: .never).map { item in
            switch item {
            case .event(_, .began): "began"
            case .event(_, .configured): "configured"
            case .event(_, .frame): "frame"
            default: "other"
            }
        }
        #expect(rest == ["began", "configured", "configured", "frame"])
    }
}

import ISOBMFF
import Media
import Primitives
import Testing

@testable import Recording

@Suite("Files and fragments of a recording")
struct RecordingMuxerTests {
    private func files(
        _ events: [FrameEvent], limits: RecordingMuxer.Limits = .init()
    ) -> [Files.File] {
        var muxer = RecordingMuxer(limits: limits)
        return Files(&muxer, events).files
    }

    @Test func `fragments are a second long and begin with key frames`() throws {
        let files = files(Stream.beginning + Stream.events(seconds: 0..<10) + [.ended])
        #expect(files.count == 1)
        let file = try #require(files.first)
        #expect(file.codecs == [.h264, .aac])
        #expect(file.unixMilliseconds == 1_790_000_000_123)
        #expect(file.isClosed)
        #expect(file.fragments.map(\.time) == (0..<10).map { UInt64($0 * 90_000) })
        #expect(file.fragments.allSatisfy { $0.beginsWithKeyFrame })
        #expect(file.end == 900_000)
    }

    @Test func `a group without end is cut all the same, and what cannot be begun with is not said to be`() throws {
        let file = try #require(files(Stream.beginning + Stream.events(seconds: 0..<30, group: 10_000)).first)
        #expect(file.fragments.count == 29)
        #expect(file.fragments.map(\.beginsWithKeyFrame) == [true] + [Bool](repeating: false, count: 28))
    }

    @Test func `a fragment is bounded in bytes`() throws {
        let events = Stream.events(seconds: 0..<2, group: 10_000, size: 1 << 20)
        let file = try #require(files(Stream.beginning + events + [.ended]).first)
        for fragment in file.fragments {
            #expect(fragment.bytes.count < RecordingMuxer.maximumFragmentBytes + 2 << 20)
        }
        #expect(file.fragments.count >= 6)
    }

    @Test func `files follow each other at key frames, by time and by size, and nothing is lost between them`() {
        for limits in [
            RecordingMuxer.Limits(duration: 3_500_000), RecordingMuxer.Limits(bytes: 100_000),
        ] {
            let files = files(
                Stream.beginning + Stream.events(seconds: 0..<20, size: 1_000) + [.closed], limits: limits)
            #expect(files.count == 5)
            #expect(files.allSatisfy { $0.isClosed })
            let starts = files.map(\.unixMilliseconds)
            for (start, next) in zip(starts, starts.dropFirst()) { #expect(abs(next - start - 4_000) < 30) }
            let pictures = files.reduce(0) { $0 + Self.samples(of: $1, track: 1) }
            let sounds = files.reduce(0) { $0 + Self.samples(of: $1, track: 2) }
            #expect(pictures == 500)
            #expect(sounds == (20 * 48_000 + 1_023) / 1_024)
        }
    }

    /// By the sizes of payloads: a picture is 4 + 2 + 1,000 bytes, sound 4.
    private static func samples(of file: Files.File, track: UInt32) -> Int {
        var count = 0
        for fragment in file.fragments {
            var reader = ByteReader(fragment.bytes.span)
            guard let header = try? BoxHeader(parsing: &reader),
                let content = try? reader.readSpan(header.contentSize ?? 0),
                let summary = try? FragmentSummary(parsing: content)
            else { continue }
            for found in summary.tracks where found.identifier == track {
                count += Int((Double(found.duration) / (track == 1 ? 3_600 : 1_024)).rounded())
            }
        }
        return count
    }

    @Test func `another publisher, size or codec is another file`() {
        let larger = Stream.configuration("6742c01ed900f0113f2e0220000003002000000781e2c5c9")
        var events = Stream.beginning + Stream.events(seconds: 0..<2)
        events += [.ended, Stream.began(number: 2), .configured(Stream.baseline), .configured(Stream.aac)]
        events += Stream.events(seconds: 0..<2)
        events += [.configured(larger)] + Stream.events(seconds: 2..<4)
        events += [.configured(.opus(channels: 2))] + Stream.events(seconds: 4..<6, hasSound: false) + [.ended]
        let files = files(events)
        #expect(files.map(\.codecs) == [[.h264, .aac], [.h264, .aac], [.h264, .aac], [.h264, .opus]])
        #expect(files.allSatisfy { $0.isClosed && $0.end == 180_000 })
    }

    @Test func `sound that begins late is in the file from the next key frame on`() {
        var events: [FrameEvent] = [Stream.began(), .configured(Stream.baseline)]
        events += Stream.events(seconds: 0..<4, hasSound: false)
        events += [.configured(Stream.aac)] + Stream.events(seconds: 4..<6) + [.ended]
        let files = files(events)
        #expect(files.map(\.codecs) == [[.h264], [.h264, .aac]])
        #expect(files.map(\.end) == [360_000, 180_000])
    }

    @Test func `sound alone is recorded when no picture comes`() throws {
        let sounds = (0..<300 as Range<Int64>).map { FrameEvent.frame(Stream.sound($0)) }
        let alone = files([Stream.began([.audio]), .configured(Stream.aac)] + sounds + [.ended])
        #expect(alone.map(\.codecs) == [[.aac]])
        let file = try #require(alone.first)
        #expect(file.end == 300 * 1_024)
        #expect(file.fragments.allSatisfy { $0.beginsWithKeyFrame })

        let promised = files([Stream.began(), .configured(Stream.aac)] + sounds + [.ended])
        #expect(promised.map(\.end) == [300 * 1_024])
    }

    @Test func `a track that is promised and does not come is waited for within bounds`() throws {
        let events = Stream.events(seconds: 0..<4, group: 10_000, hasSound: false)
        let late = files([Stream.began(), .configured(Stream.baseline)] + events + [.ended])
        #expect(late.map(\.codecs) == [[.h264]])
        #expect(late.map(\.end) == [360_000])

        let large = Stream.events(seconds: 0..<1, group: 10_000, size: 1 << 20, hasSound: false)
        var muxer = RecordingMuxer(limits: .init())
        let files = Files(&muxer, [Stream.began(), .configured(Stream.baseline)] + large).files
        #expect(!files.isEmpty, "opened although only one second has come")
    }

    @Test func `frames that nobody can decode open nothing`() {
        let pictures = Stream.events(seconds: 0..<4, hasSound: false)
        #expect(files([Stream.began([.video])] + pictures).isEmpty)
        let broken = CodecConfiguration.h264(sps: [[0x67]], pps: [[0x68]])
        #expect(files([Stream.began([.video]), .configured(broken)] + pictures + [.ended]).isEmpty)
    }

    @Test func `after a failure a file begins with the next key frame`() {
        var muxer = RecordingMuxer(limits: .init())
        _ = Files(&muxer, Stream.beginning + Stream.events(seconds: 0..<2))
        muxer.abandon()
        let files = Files(&muxer, Stream.events(seconds: 2..<4) + [.ended]).files
        #expect(files.count == 1)
        #expect(files.map(\.end) == [180_000])
        #expect(files.map(\.unixMilliseconds) == [1_790_000_002_123])
    }
}

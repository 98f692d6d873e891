import ISOBMFF
import Media
import Primitives
import Testing

@Suite("Reading fragmented files")
struct ReadingTests {
    private static func track(_ identifier: UInt32, _ configuration: CodecConfiguration) throws -> MovieTrack {
        try MovieTrack(identifier: identifier, configuration: configuration)
    }

    private static let sps: [UInt8] = [
        0x67, 0x42, 0xC0, 0x1E, 0xD9, 0x00, 0xA4, 0x2F, 0xE2, 0x24, 0xC0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00,
        0x00, 0x03, 0x00, 0xF0, 0x3C, 0x58, 0xB9, 0x20,
    ]

    private static func header() throws -> [UInt8] {
        InitializationSegment.bytes(of: [
            try track(1, .h264(sps: [sps], pps: [[0x68, 0xCB, 0x83, 0xCB, 0x20]])), try track(2, .opus(channels: 2)),
        ])
    }

    /// The content of the first box of this type.
    private static func content(_ type: BoxType, of bytes: [UInt8]) throws -> [UInt8] {
        var reader = ByteReader(bytes.span)
        while reader.remaining > 0 {
            let header = try BoxHeader(parsing: &reader)
            let content = try reader.readArray(header.contentSize ?? reader.remaining)
            if header.type == type { return content }
        }
        throw ParseError.invalid(field: "no such box")
    }

    private static func fragment(_ samples: [MediaSample]) -> [UInt8] {
        MediaFragment(
            sequenceNumber: 5,
            tracks: [
                TrackFragment(trackIdentifier: 1, decodeTime: 1 << 33, samples: samples),
                TrackFragment(
                    trackIdentifier: 2, decodeTime: 960,
                    samples: [MediaSample(duration: 960, isKeyFrame: true, payload: [1])]),
            ]
        ).bytes()
    }

    @Test func `a head says its tracks, and every truncation of it throws`() throws {
        let content = try Self.content("moov", of: try Self.header())
        let summary = try MovieSummary(parsing: content.span)
        #expect(summary.tracks.map(\.codec) == [.h264, .opus])
        #expect(summary.tracks.map(\.identifier) == [1, 2])
        #expect(summary.tracks.map(\.timescale) == [90_000, 48_000])
        #expect((summary.tracks[0].width, summary.tracks[0].height) == (642, 362))
        #expect(summary.leading?.identifier == 1)
        var ends: Set<Int> = []
        var reader = ByteReader(content.span)
        while reader.remaining > 0 {
            let header = try BoxHeader(parsing: &reader)
            try reader.skip(header.contentSize ?? 0)
            ends.insert(reader.offset)
        }
        for length in 0..<content.count where !ends.contains(length) {
            #expect(throws: ParseError.self) { try MovieSummary(parsing: content.span.extracting(first: length)) }
        }
    }

    @Test func `a head of more tracks than anybody needs is refused`() throws {
        let tracks = try (1...17 as ClosedRange<UInt32>).map { try Self.track($0, .opus(channels: 2)) }
        let content = try Self.content("moov", of: InitializationSegment.bytes(of: tracks))
        #expect(throws: ParseError.limitExceeded(what: "tracks")) { try MovieSummary(parsing: content.span) }
    }

    @Test(arguments: [true, false])
    func `a fragment says from when to when it goes, whatever its samples have in common`(alike: Bool) throws {
        let samples = (0..<10 as Range<UInt32>).map {
            MediaSample(
                duration: alike ? 3_000 : 3_000 + $0, compositionOffset: alike ? 0 : Int32($0),
                isKeyFrame: alike || $0 == 0, payload: [UInt8](repeating: 1, count: Int($0)))
        }
        let content = try Self.content("moof", of: Self.fragment(samples))
        let summary = try FragmentSummary(parsing: content.span)
        #expect(summary.sequenceNumber == 5)
        #expect(summary.tracks.map(\.decodeTime) == [1 << 33, 960])
        #expect(summary.tracks.map(\.duration) == [alike ? 30_000 : 30_045, 960])
        #expect(summary.tracks.map(\.beginsWithKeyFrame) == [true, true])
        #expect(summary.tracks[0].end == 1 << 33 + (alike ? 30_000 : 30_045))
    }

    @Test func `a fragment that begins in between says so, and every truncation throws`() throws {
        let samples = (0..<3).map { MediaSample(duration: 3_000, isKeyFrame: $0 == 1, payload: [1]) }
        let content = try Self.content("moof", of: Self.fragment(samples))
        #expect(try FragmentSummary(parsing: content.span).tracks[0].beginsWithKeyFrame == false)
        var reader = ByteReader(content.span)
        var ends: Set<Int> = []
        while reader.remaining > 0 {
            let header = try BoxHeader(parsing: &reader)
            try reader.skip(header.contentSize ?? 0)
            ends.insert(reader.offset)
        }
        for length in 0..<content.count where !ends.contains(length) {
            #expect(throws: ParseError.self) { try FragmentSummary(parsing: content.span.extracting(first: length)) }
        }
    }

    @Test func `a run that claims more samples than there are is refused before anything is made of them`() throws {
        var bytes = try Self.content(
            "moof", of: Self.fragment([MediaSample(duration: 1, isKeyFrame: true, payload: [])]))
        let run = try #require(bytes.indices.first { Array(bytes[$0...].prefix(4)) == Array("trun".utf8) })
        for index in 0..<4 { bytes[run + 8 + index] = 0xFF }
        #expect(throws: ParseError.self) { try FragmentSummary(parsing: bytes.span) }
    }

    @Test func `an index is read back, found by the last bytes of its file`() throws {
        var index = RandomAccessIndex(trackIdentifier: 1)
        for number in 0..<100 as Range<UInt64> {
            index.entries.append(.init(time: number * 90_000, offset: 1_000 + number << 30))
        }
        let bytes = index.bytes
        #expect(try RandomAccessIndex(parsing: bytes.span) == index)
        let tail = Array(bytes.suffix(RandomAccessIndex.tailSize))
        #expect(RandomAccessIndex.size(fromTail: tail.span) == bytes.count)
        for length in 0..<bytes.count {
            #expect(throws: ParseError.self) { try RandomAccessIndex(parsing: bytes.span.extracting(first: length)) }
            let end = Array(bytes.prefix(length).suffix(RandomAccessIndex.tailSize))
            #expect(RandomAccessIndex.size(fromTail: end.span) == nil)
        }
    }

    @Test func `an index has bounds, and one that goes back is refused`() throws {
        var index = RandomAccessIndex(trackIdentifier: 1)
        for number in 0...UInt64(RandomAccessIndex.maximumEntries) {
            index.entries.append(.init(time: number, offset: number))
        }
        #expect(try RandomAccessIndex(parsing: index.bytes.span).entries.count == RandomAccessIndex.maximumEntries)
        index.entries = [.init(time: 5, offset: 10), .init(time: 4, offset: 20)]
        #expect(throws: ParseError.self) { try RandomAccessIndex(parsing: index.bytes.span) }
        index.entries = [.init(time: 5, offset: 10), .init(time: 6, offset: 10)]
        #expect(throws: ParseError.self) { try RandomAccessIndex(parsing: index.bytes.span) }
    }
}

import ISOBMFF
import Media
import Primitives
import TestSupport
import Testing

@Suite("Initialization segments and fragments, ISO/IEC 14496-12")
struct MediaFragmentTests {
    private let video = try? MovieTrack(identifier: 1, configuration: TrackSamples.h264)
    private let audio = try? MovieTrack(identifier: 2, configuration: TrackSamples.aac)

    @Test func `an initialization segment describes its tracks and holds no samples`() throws {
        let tracks = [try #require(video), try #require(audio)]
        let boxes = try BoxTree.boxes(of: InitializationSegment.bytes(of: tracks))
        #expect(boxes.map(\.type) == ["ftyp", "moov"])
        let movie = try #require(boxes.at("moov"))
        #expect(movie.children.map(\.type) == ["mvhd", "trak", "trak", "mvex"])
        let header = try #require(boxes.at("moov/trak/tkhd"))
        #expect(header.content.number(at: 12) == 1)
        #expect(header.content.number(at: 76) == 642 << 16)
        #expect(header.content.number(at: 80) == 362 << 16)
        let media = movie.children.filter { $0.type == "trak" }.map(\.children)
        #expect(media.map { $0.at("mdia/mdhd")?.content.number(at: 12) } == [90_000, 44_100])
        #expect(media.map { $0.at("mdia/minf/stbl/stsz")?.content.number(at: 8) } == [0, 0])
        #expect(try #require(boxes.at("moov/mvex")).children.map { $0.content.number(at: 4) } == [1, 2])
    }

    @Test func `a track that stands alone is a CMAF track`() throws {
        let boxes = try BoxTree.boxes(of: InitializationSegment.bytes(of: [try #require(video)]))
        let brands = try #require(boxes.at("ftyp")).content
        #expect(brands.firstIndex(of: "cmfc") != nil)
    }

    @Test func `the data offsets of two tracks point at their samples`() throws {
        let fragment = MediaFragment(
            sequenceNumber: 7,
            tracks: [
                TrackFragment(
                    trackIdentifier: 1, decodeTime: 1 << 33,
                    samples: [
                        MediaSample(duration: 3_000, compositionOffset: 6_000, isKeyFrame: true, payload: [1, 2, 3]),
                        MediaSample(duration: 3_001, compositionOffset: -3_000, isKeyFrame: false, payload: [4]),
                    ]),
                TrackFragment(
                    trackIdentifier: 2, decodeTime: 44_100,
                    samples: [MediaSample(duration: 1_024, isKeyFrame: true, payload: [5, 6])]),
            ])
        let bytes = fragment.bytes()
        let boxes = try BoxTree.boxes(of: bytes)
        #expect(boxes.map(\.type) == ["moof", "mdat"])
        #expect(boxes.at("moof/mfhd")?.content.number(at: 4) == 7)
        let runs = try #require(boxes.at("moof")).children.filter { $0.type == "traf" }
        #expect(runs.map { $0.children.at("tfdt")?.content.number(at: 4, bytes: 8) } == [1 << 33, 44_100])

        let first = try #require(runs[0].children.at("trun")).content
        // Version 1: data offset, durations, sizes, flags, and signed composition offsets.
        #expect(first.number(at: 0) == 0x0100_0F01)
        #expect(first.number(at: 4) == 2)
        #expect(bytes[Int(first.number(at: 8))] == 1)
        let samples = (0..<8).map { UInt32(first.number(at: 12 + 4 * $0)) }
        #expect(samples == [3_000, 3, 0x0200_0000, 6_000, 3_001, 1, 0x0101_0000, UInt32(bitPattern: -3_000)])

        let second = try #require(runs[1].children.at("trun")).content
        // The rest is in the defaults, because all samples have the same.
        #expect(second.number(at: 0) == 0x0100_0201)
        #expect(bytes[Int(second.number(at: 8))] == 5)
        let defaults = try #require(runs[1].children.at("tfhd")).content
        #expect(defaults.number(at: 0) == 0x02_0028)
        #expect(defaults.number(at: 8) == 1_024)
        #expect(defaults.number(at: 12) == 0x0200_0000)
        #expect(boxes.at("mdat")?.content == [1, 2, 3, 4, 5, 6])
    }

    @Test func `a fragment can begin a segment and say when it was captured`() throws {
        let track = TrackFragment(
            trackIdentifier: 1, decodeTime: 90,
            samples: [MediaSample(duration: 1, isKeyFrame: true, payload: [])])
        let time = NTPTime(unixNanoseconds: 1_700_000_000_000_000_000)
        let fragment = MediaFragment(sequenceNumber: 1, tracks: [track], captureTime: time)
        let boxes = try BoxTree.boxes(of: fragment.bytes(beginsSegment: true))
        #expect(boxes.map(\.type) == ["styp", "prft", "moof", "mdat"])
        let reference = try #require(boxes.at("prft")).content
        #expect(reference.number(at: 4) == 1)
        #expect(reference.number(at: 8, bytes: 8) == time.rawValue)
        #expect(reference.number(at: 16, bytes: 8) == 90)
    }

    @Test func `every truncation of a box header throws`() throws {
        let large = TrackSamples.hex("00000001 6d646174 0000000100000000")
        var reader = ByteReader(large.span)
        let header = try BoxHeader(parsing: &reader)
        #expect(header.type == "mdat")
        #expect(header.contentSize == (1 << 32) - 16)
        for length in large.indices {
            let cut = Array(large[..<length])
            #expect(throws: ParseError.self) {
                var reader = ByteReader(cut.span)
                _ = try BoxHeader(parsing: &reader)
            }
        }
    }

    @Test(arguments: ["00000007 6d646174", "00000001 6d646174 000000000000000f", "00000001 6d646174 ffffffffffffffff"])
    func `a box smaller than its header or larger than any file is refused`(text: String) {
        let bytes = TrackSamples.hex(text)
        #expect(throws: ParseError.self) {
            var reader = ByteReader(bytes.span)
            _ = try BoxHeader(parsing: &reader)
        }
    }
}

import ISOBMFF
import Media
import Primitives
import TestSupport
import Testing

@Suite("Tracks of a file")
struct MovieTrackTests {
    @Test(arguments: [
        (TrackSamples.h264, nil as EncodedFrame?, "avc1.64001e", 642, 362),
        (TrackSamples.h265, nil, "hvc1.1.6.L63.90", 642, 362),
        (TrackSamples.av1, nil, "av01.0.01M.08", 642, 362),
        (.vp9, TrackSamples.vp9KeyFrame, "vp09.00.21.08", 640, 360),
        (.vp8, TrackSamples.vp8KeyFrame, "vp08.00.21.08", 640, 360),
    ])
    func `a video track is named and measured by what the stream says of itself`(
        configuration: CodecConfiguration, keyFrame: EncodedFrame?, name: String, width: Int, height: Int
    ) throws {
        let track = try MovieTrack(identifier: 1, configuration: configuration, keyFrame: keyFrame)
        #expect(track.codecsParameter == name)
        #expect(track.width == width)
        #expect(track.height == height)
        #expect(track.timescale == 90_000)
    }

    @Test(arguments: [
        ([0x12, 0x10] as [UInt8], "mp4a.40.2", 44_100 as UInt32, 2, 1_024 as UInt32),
        ([0x11, 0x88], "mp4a.40.2", 48_000, 1, 1_024), ([0x11, 0x8C], "mp4a.40.2", 48_000, 1, 960),
        ([0x2B, 0x92, 0x08, 0x00], "mp4a.40.5", 22_050, 2, 1_024),
    ])
    func `an AAC track runs on the sampling rate of its core`(
        config: [UInt8], name: String, timescale: UInt32, channels: Int, frame: UInt32
    ) throws {
        let track = try MovieTrack(identifier: 2, configuration: .aac(audioSpecificConfig: config))
        #expect(track.codecsParameter == name)
        #expect(track.timescale == timescale)
        #expect(track.channels == channels)
        #expect(track.frameTicks == frame)
    }

    @Test func `an Opus track of more than two channels is refused`() throws {
        let track = try MovieTrack(identifier: 1, configuration: .opus(channels: 2))
        #expect(track.codecsParameter == "opus")
        #expect(track.timescale == 48_000)
        #expect(throws: ParseError.self) { try MovieTrack(identifier: 1, configuration: .opus(channels: 6)) }
    }

    @Test func `an AV1 track without configuration OBUs is described by its first key frame`() throws {
        guard case .av1(let units) = TrackSamples.av1 else { return }
        let keyFrame = TrackSamples.frame(.av1, units + [0x32, 0x01, 0x00])
        let track = try MovieTrack(
            identifier: 1, configuration: .av1(configurationOBUs: []), keyFrame: keyFrame)
        #expect(track == (try MovieTrack(identifier: 1, configuration: TrackSamples.av1)))
        #expect(throws: ParseError.self) {
            try MovieTrack(identifier: 1, configuration: .av1(configurationOBUs: []), keyFrame: nil)
        }
    }

    @Test(arguments: [
        CodecConfiguration.h264(sps: [], pps: []), .h264(sps: [[0x67]], pps: [[0x68]]),
        .h265(vps: [], sps: [[0x42, 1]], pps: []), .av1(configurationOBUs: [0x0A, 0x01, 0x00]), .vp8, .vp9,
        .aac(audioSpecificConfig: [0x12]), .aac(audioSpecificConfig: [0x12, 0x10] + [UInt8](repeating: 0, count: 63)),
    ])
    func `a configuration that does not say what a file must is refused`(configuration: CodecConfiguration) {
        #expect(throws: ParseError.self) { try MovieTrack(identifier: 1, configuration: configuration) }
    }

    @Test func `every truncation of a key frame of VP8 and VP9 is refused`() {
        for (frame, needed) in [(TrackSamples.vp8KeyFrame, 10), (TrackSamples.vp9KeyFrame, 9)] {
            for length in 0..<needed {
                var cut = frame
                cut.payload = Array(frame.payload.prefix(length))
                let configuration: CodecConfiguration = frame.codec == .vp8 ? .vp8 : .vp9
                #expect(throws: ParseError.self) {
                    try MovieTrack(identifier: 1, configuration: configuration, keyFrame: cut)
                }
            }
        }
    }

    @Test func `the parameter sets of an H264 track are in its sample entry`() throws {
        let track = try MovieTrack(identifier: 1, configuration: TrackSamples.h264)
        let file = InitializationSegment.bytes(of: [track])
        let start = try #require(file.firstIndex(of: "avcC")) + 4
        let length = Int(file.number(at: start - 8)) - 8
        let content = Array(file[start..<(start + length)])
        let record = try content.withRecord { span throws(ParseError) in
            try AVCDecoderConfigurationRecord(parsing: span)
        }
        #expect(record.configuration == TrackSamples.h264)
        // The chroma extension of the High profiles: 4:2:0 of 8 bits.
        #expect(content.suffix(4) == [0xFD, 0xF8, 0xF8, 0])
    }

    @Test func `the parameter sets of an H265 track are in its sample entry`() throws {
        let track = try MovieTrack(identifier: 1, configuration: TrackSamples.h265)
        let file = InitializationSegment.bytes(of: [track])
        let start = try #require(file.firstIndex(of: "hvcC")) + 4
        let length = Int(file.number(at: start - 8)) - 8
        let content = Array(file[start..<(start + length)])
        let record = try content.withRecord { span throws(ParseError) in
            try HEVCDecoderConfigurationRecord(parsing: span)
        }
        #expect(record.configuration == TrackSamples.h265)
        #expect(Array(content[1..<13]) == TrackSamples.hex("016000000090000000000 03f".filter { $0 != " " }))
    }
}

extension [UInt8] {
    /// `#expect` lends no spans.
    func withRecord<Record>(_ parse: (Span<UInt8>) throws(ParseError) -> Record) throws(ParseError) -> Record {
        try parse(span)
    }
}

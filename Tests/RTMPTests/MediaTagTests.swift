import Media
import Primitives
import RTMP
import TestSupport
import Testing

@Suite("FLV and Enhanced RTMP tags")
struct MediaTagTests {
    private func parse(_ bytes: [UInt8], _ kind: MediaKind) throws -> MediaTag.Parsed {
        try MediaTag.parse(bytes.span, kind: kind)
    }

    private static func fourCC(_ text: String) -> [UInt8] { Array(text.utf8) }

    // MARK: - Classic tags

    @Test func `H_264 comes as a configuration, frames and an end`() throws {
        #expect(
            try parse([0x17, 0, 0, 0, 0, 1, 2], .video)
                == .tag(MediaTag(codec: .h264, content: .configuration([1, 2]), isKeyFrame: true))
        )
        #expect(
            try parse([0x27, 1, 0xFF, 0xFF, 0xFE, 9], .video)
                == .tag(MediaTag(codec: .h264, content: .frame([9]), isKeyFrame: false, compositionTime: -2))
        )
        #expect(
            try parse([0x17, 2, 0, 0, 0], .video)
                == .tag(MediaTag(codec: .h264, content: .endOfSequence, isKeyFrame: true))
        )
    }

    @Test func `H_265 is understood under the number that old encoders use`() throws {
        #expect(
            try parse([0x1C, 1, 0, 0, 40, 9], .video)
                == .tag(MediaTag(codec: .h265, content: .frame([9]), isKeyFrame: true, compositionTime: 40))
        )
    }

    @Test func `AAC comes as a configuration and frames`() throws {
        #expect(
            try parse([0xAF, 0, 0x11, 0x90], .audio)
                == .tag(MediaTag(codec: .aac, content: .configuration([0x11, 0x90]), isKeyFrame: true))
        )
        #expect(
            try parse([0xAF, 1, 7], .audio)
                == .tag(MediaTag(codec: .aac, content: .frame([7]), isKeyFrame: true))
        )
    }

    @Test(arguments: [
        ([UInt8](), MediaKind.audio), ([], .video), ([0xAF], .audio), ([0xAF, 0], .audio), ([0xAF, 1], .audio),
        ([0x57, 0], .video), ([0x27, 1, 0, 0, 0], .video), ([0x27, 9, 0, 0, 0, 1], .video),
    ])
    func `silence, seek commands and empty frames are nothing`(bytes: [UInt8], kind: MediaKind) throws {
        #expect(try parse(bytes, kind) == .nothing)
    }

    @Test(arguments: [
        (UInt8(0x2F), MediaKind.audio, "MP3 audio"), (0xE0, .audio, "MP3 audio"), (0x3F, .audio, "PCM audio"),
        (0x12, .video, "Sorenson H.263 video"), (0x14, .video, "VP6 video"),
    ])
    func `other codecs are refused by name`(first: UInt8, kind: MediaKind, name: String) throws {
        #expect(try parse([first, 0, 0, 0, 0], kind) == .unsupportedCodec(name: name))
    }

    // MARK: - Enhanced tags

    @Test(arguments: [
        ("avc1", Codec.h264), ("hvc1", .h265), ("av01", .av1), ("vp09", .vp9), ("vp08", .vp8),
    ])
    func `video is named by four letters`(name: String, codec: Codec) throws {
        let fourCC = Self.fourCC(name)
        #expect(
            try parse([0x90] + fourCC + [1, 2], .video)
                == .tag(MediaTag(codec: codec, content: .configuration([1, 2]), isKeyFrame: true))
        )
        // Only codecs with reordering carry a composition time in CodedFrames.
        let offset: [UInt8] = codec == .h264 || codec == .h265 ? [0, 0, 33] : []
        #expect(
            try parse([0xA1] + fourCC + offset + [7], .video)
                == .tag(
                    MediaTag(
                        codec: codec,
                        content: .frame([7]),
                        isKeyFrame: false,
                        compositionTime: offset.isEmpty ? 0 : 33
                    )
                )
        )
        #expect(
            try parse([0x93] + fourCC + [7], .video)
                == .tag(MediaTag(codec: codec, content: .frame([7]), isKeyFrame: true))
        )
        #expect(
            try parse([0x92] + fourCC, .video)
                == .tag(MediaTag(codec: codec, content: .endOfSequence, isKeyFrame: true))
        )
    }

    @Test(arguments: [("Opus", Codec.opus), ("mp4a", .aac)])
    func `audio is named by four letters`(name: String, codec: Codec) throws {
        let fourCC = Self.fourCC(name)
        #expect(
            try parse([0x90] + fourCC + [1], .audio)
                == .tag(MediaTag(codec: codec, content: .configuration([1]), isKeyFrame: true))
        )
        #expect(
            try parse([0x91] + fourCC + [1], .audio)
                == .tag(MediaTag(codec: codec, content: .frame([1]), isKeyFrame: true))
        )
    }

    @Test func `the colour metadata that ffmpeg sends is passed over`() throws {
        #expect(try parse([0xD4] + Self.fourCC("hvc1") + [2, 0, 9], .video) == .nothing)
        #expect(try parse([0x94] + Self.fourCC("Opus") + [1, 2], .audio) == .nothing)
        #expect(try parse([0xD1, 0], .video) == .nothing)  // a seek command
    }

    @Test(arguments: [("fLaC", "FLAC"), (".mp3", "MP3"), ("ac-3", "AC-3"), ("xxxx", "an unknown codec")])
    func `other enhanced codecs are refused by name`(fourCC: String, name: String) throws {
        #expect(try parse([0x91] + Self.fourCC(fourCC) + [1], .audio) == .unsupportedCodec(name: name))
    }

    @Test func `ModEx adds nanoseconds, in both forms of its length`() throws {
        let short: [UInt8] = [0x97, 2, 0x01, 0xE2, 0x40, 0x01]
        let long: [UInt8] = [0x97, 255, 0, 2, 0x01, 0xE2, 0x40, 0x01]
        for prefix in [short, long] {
            #expect(
                try parse(prefix + Self.fourCC("av01") + [7], .video)
                    == .tag(
                        MediaTag(codec: .av1, content: .frame([7]), isKeyFrame: true, timestampOffset: 123_456)
                    )
            )
        }
    }

    @Test func `ModEx packets of other kinds are passed over, one after the other`() throws {
        let bytes: [UInt8] = [0x97, 0, 0xFF, 0x17, 0, 0xFF, 0x11] + Self.fourCC("Opus") + [7]
        #expect(
            try parse(bytes, .audio) == .tag(MediaTag(codec: .opus, content: .frame([7]), isKeyFrame: true))
        )
        let endless =
            [UInt8](repeating: 0x97, count: 1) + Array(repeatElement([0, 0, 0x07] as [UInt8], count: 100).joined())
        #expect(throws: ParseError.limitExceeded(what: "ModEx packets")) { try parse(endless, .video) }
    }

    @Test func `of several tracks the first is taken`() throws {
        let expected = MediaTag(
            codec: .h265,
            content: .frame([7]),
            isKeyFrame: true,
            isMultitrack: true
        )
        let hvc1 = Self.fourCC("hvc1")
        // One track; many tracks of one codec; many tracks of many codecs. Packet type 3: no composition time.
        #expect(try parse([0x96, 0x03] + hvc1 + [0, 7], .video) == .tag(expected))
        #expect(
            try parse([0x96, 0x13] + hvc1 + [1, 0, 0, 2, 8, 8] + [0, 0, 0, 1, 7], .video) == .tag(expected)
        )
        #expect(
            try parse(
                [0x96, 0x23] + Self.fourCC("av01") + [1, 0, 0, 1, 8] + hvc1 + [0, 0, 0, 1, 7],
                .video
            )
                == .tag(expected)
        )
        #expect(try parse([0x96, 0x03] + hvc1 + [1, 7], .video) == .nothing)
        #expect(throws: ParseError.invalid(field: "multitrack packet type")) {
            try parse([0x96, 0x06] + hvc1 + [0, 7], .video)
        }
    }

    @Test func `a track whose length lies throws`() {
        #expect(throws: ParseError.self) {
            try parse([0x96, 0x13] + Self.fourCC("hvc1") + [0, 0xFF, 0xFF, 0xFF, 7], .video)
        }
    }

    // MARK: - Round trips, truncations, garbage

    @Test(arguments: [Codec.h264, .h265, .av1, .vp8, .vp9, .aac, .opus])
    func `what is written comes back`(codec: Codec) throws {
        let hasOffset = codec == .h264 || codec == .h265
        let isKeyFrame = codec.kind == .audio
        for content in [MediaTag.Content.configuration([1, 2, 3]), .frame([4, 5])] {
            let isFrame = content == .frame([4, 5])
            let tag = MediaTag(
                codec: codec,
                content: content,
                isKeyFrame: isKeyFrame || !isFrame,
                compositionTime: hasOffset && isFrame ? -5 : 0
            )
            var writer = ByteWriter()
            tag.write(to: &writer)
            #expect(try parse(writer.bytes, codec.kind) == .tag(tag))
        }
    }

    @Test func `a tag cut inside its header throws`() {
        let headers: [([UInt8], MediaKind)] = [
            ([0x17, 1, 0, 0, 0], .video), ([0x91] + Self.fourCC("hvc1") + [0, 0, 0], .video),
            ([0x97, 2, 0, 0, 1, 0x03] + Self.fourCC("av01"), .video),
            ([0x96, 0x13] + Self.fourCC("hvc1") + [0, 0, 0, 1, 7], .video),
        ]
        for (header, kind) in headers {
            for length in 1..<header.count {
                // Without its length field a multitrack body is empty, which is allowed.
                if header[1] == 0x13, length == 6 { continue }
                #expect(throws: ParseError.self) { try parse(Array(header[..<length]), kind) }
            }
        }
    }

    @Test func `random tags never trap`() {
        for seed in UInt64(0)..<3_000 {
            var generator = SeededGenerator(seed: seed)
            let count = Int.random(in: 0...40, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            _ = try? parse(bytes, .video)
            _ = try? parse(bytes, .audio)
        }
    }
}

import Media
import Primitives
import RTP
import Testing

@testable import Transcoding

@Suite("The test pattern")
struct TestPatternTests {
    /// Three tenths of a second before half past two.
    private static let wallClock = WallClock(timeOfDay: (14 * 3_600 + 30 * 60) * 1_000_000 - 300_000)

    private func units(_ frame: EncodedFrame) throws -> [[UInt8]] {
        try NALUnits.ranges(lengthPrefixed: frame.payload.span).map { Array(frame.payload[$0]) }
    }

    private func parameterSets(_ configurations: [CodecConfiguration]) -> [[UInt8]] {
        guard case .h264(let sps, let pps) = configurations.first else { return [] }
        return sps + pps
    }

    /// The first `count` pictures, with a key frame asked for at the index `asked`.
    private func pictures(
        _ count: Int64, from generator: inout TestPatternGenerator, asked: Int64 = -1
    ) throws -> [EncodedFrame] {
        var frames: [EncodedFrame] = []
        for index in 0..<count {
            let frame = generator.picture(index, asKeyFrame: index == asked)
            frames.append(try #require(frame, "the encoder holds no picture back"))
        }
        return frames
    }

    @Test func `media time 0 falls on the frame grid of the wall clock`() throws {
        let generator = try TestPatternGenerator(settings: .init(), wallClock: WallClock(timeOfDay: 5_010_000))
        let (start, delay) = (generator.timeOfDayAtStart, generator.startDelay)
        #expect(start == 5_033_333)
        #expect(delay == 23_333)
    }

    @Test func `the video is baseline, without reordering, of the size asked for`() throws {
        let generator = try TestPatternGenerator(settings: .init(), wallClock: Self.wallClock)
        let sets = parameterSets(generator.configurations)
        let unit = try #require(sets.first)
        let sps = try H264SequenceParameterSet(parsing: unit.span)
        #expect(sps.profileLevelID.hasPrefix("42c0"))
        #expect(sps.width == 640)
        #expect(sps.height == 360)
        #expect(!sps.allowsReordering)
        #expect(sets.count == 2)
    }

    @Test func `key frames come every two seconds and when asked for`() throws {
        var generator = try TestPatternGenerator(
            settings: .init(width: 320, height: 180, framesPerSecond: 10), wallClock: Self.wallClock)
        let frames = try pictures(50, from: &generator, asked: 33)
        #expect(frames.map(\.decodeTime) == (0..<50).map { $0 * 100_000 })
        #expect(frames.allSatisfy { $0.presentationTime == $0.decodeTime })
        #expect(frames.indices.filter { frames[$0].isKeyFrame } == [0, 20, 33])
        for frame in frames {
            #expect(try units(frame).contains { $0[0] & 0x1F == 5 } == frame.isKeyFrame)
        }
    }

    @Test func `flash and beep begin together on the full second`() throws {
        var generator = try TestPatternGenerator(
            settings: .init(width: 320, height: 180), wallClock: Self.wallClock)
        let sets = parameterSets(generator.configurations)
        let decoder = try TestH264Decoder()
        var flashes: [Int64] = []
        for frame in try pictures(60, from: &generator) {
            let picture = try #require(try decoder.decode(sets + units(frame)).first)
            #expect(picture.width == 320)
            #expect(picture.height == 180)
            // The middle of the flash field, whose side is a sixth of the height.
            if picture.luma(x: 320 - 30, y: 135 + 15) > 180 { flashes.append(frame.decodeTime) }
        }
        #expect(flashes == [300_000, 333_333, 366_666, 1_300_000, 1_333_333, 1_366_666])

        let opus = try TestOpusDecoder()
        var loud: [Int64] = []
        for index in Int64(0)..<100 {
            let made = generator.packet(index)
            let packet = try #require(made)
            #expect(packet.decodeTime == index * 20_000)
            for (offset, sample) in try opus.decode(packet.payload).enumerated() where abs(sample) > 0.1 {
                loud.append(packet.decodeTime + Int64(offset) * 1_000_000 / 48_000)
            }
        }
        let first = try #require(loud.first)
        #expect(abs(first - 300_000) < 5_000)
        let end = try #require(loud.last { $0 < 600_000 })
        #expect(abs(end - 400_000) < 5_000)
        let second = try #require(loud.first { $0 > 600_000 })
        #expect(abs(second - 1_300_000) < 5_000)
    }

    @Test func `the picture moves and keeps to its bitrate`() throws {
        var generator = try TestPatternGenerator(settings: .init(), wallClock: Self.wallClock)
        let sizes = try pictures(90, from: &generator).map(\.payload.count)
        #expect((100_000...1_300_000).contains(sizes.reduce(0, +) * 8 / 3))
        #expect(sizes.allSatisfy { $0 > 100 })
    }

    @Test func `real frames go through packets and come out as they were`() throws {
        var generator = try TestPatternGenerator(settings: .init(), wallClock: Self.wallClock)
        let configurations = generator.configurations
        var packetizer = RTPPacketizer(codec: .h264, payloadType: 96, ssrc: 1, firstSequenceNumber: 0)
        for frame in try pictures(10, from: &generator) {
            var burst = PacketBurst()
            try packetizer.packetize(frame, configuration: configurations.first, timestamp: 0, into: &burst)
            let payloads = try burst.entries.enumerated().map { position, entry in
                let packet = Array(burst.bytes[Int(entry.offset)..<Int(entry.offset + entry.length)])
                let header = try RTPHeader(parsing: packet.span)
                #expect(header.marker == (position == burst.entries.count - 1))
                return Array(packet[header.payloadRange])
            }
            let first = try #require(payloads.first)
            #expect(KeyFrameDetector.startsKeyFrame(first.span, codec: .h264) == frame.isKeyFrame)
            let expected = try (frame.isKeyFrame ? parameterSets(configurations) : []) + units(frame)
            #expect(try depacketize(payloads) == expected)
        }
    }

    private func depacketize(_ payloads: [[UInt8]]) throws -> [[UInt8]] {
        var units: [[UInt8]] = []
        for payload in payloads {
            switch payload[0] & 0x1F {
            case 24:
                var reader = ByteReader(payload.span)
                try reader.skip(1)
                while reader.remaining > 0 {
                    let length: UInt16 = try reader.readInteger()
                    units.append(try reader.readArray(Int(length)))
                }
            case 28 where payload[1] & 0x80 != 0:
                units.append([payload[0] & 0xE0 | payload[1] & 0x1F] + payload[2...])
            case 28:
                units[units.count - 1] += payload[2...]
            default:
                units.append(payload)
            }
        }
        return units
    }

    @Test(arguments: [(641, 360, 30), (640, 8, 30), (640, 360, 0), (640, 360, 1_000), (100_000, 360, 30)])
    func `settings out of range are a typed error`(width: Int, height: Int, rate: Int) {
        let source = TestPatternSource(
            settings: .init(width: width, height: height, framesPerSecond: rate), configuration: { _ in },
            frame: { _ in })
        #expect(throws: TranscodingError.self) { try source.start() }
    }

    @Test func `the source announces both tracks, then sends both on one clock`() async throws {
        enum Event: Sendable {
            case configuration(CodecConfiguration)
            case frame(EncodedFrame)
        }
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        let source = TestPatternSource(
            settings: .init(width: 160, height: 90),
            configuration: { continuation.yield(.configuration($0)) }, frame: { continuation.yield(.frame($0)) })
        try source.start()
        var codecs: [Codec] = []
        var times: [Codec: [Int64]] = [:]
        for await event in events {
            switch event {
            case .configuration(let configuration):
                #expect(times.isEmpty)
                codecs.append(configuration.codec)
            case .frame(let frame):
                times[frame.codec, default: []].append(frame.decodeTime)
            }
            if (times[.h264]?.count ?? 0) >= 5, (times[.opus]?.count ?? 0) >= 5 { break }
        }
        source.stop()
        #expect(codecs == [.h264, .opus])
        for track in times.values { #expect(track == track.sorted()) }
    }

    // MARK: Drawing

    @Test func `the clock is written as people read it`() {
        #expect(TestPatternPainter.clockText(at: 0) == "00:00:00.000")
        #expect(TestPatternPainter.clockText(at: 86_399_999_999) == "23:59:59.999")
        #expect(TestPatternPainter.clockText(at: 3_723_004_999) == "01:02:03.004")
        #expect(TestPatternPainter.clockText(at: 86_400_000_000) == "00:00:00.000")
    }

    @Test func `what lies outside the picture is not drawn`() {
        var picture = Picture(width: 16, height: 8)
        picture.fill(x: -10, y: -10, width: 12, height: 12, .white)
        picture.fill(x: 14, y: 6, width: 100, height: 100, .white)
        picture.fill(x: 40, y: 0, width: 4, height: 4, .white)
        #expect(picture.luma.filter { $0 == Picture.Color.white.luma }.count == 8)
        #expect(picture.luma.count == 128)
        #expect(picture.blue.count == 32)
    }

    @Test func `every character of the clock has a shape of its own`() {
        var shapes: Set<[UInt8]> = []
        for character in "0123456789:." {
            var picture = Picture(width: 12, height: 14)
            BitmapFont.draw(String(character), x: 0, y: 0, scale: 2, color: .white, on: &picture)
            #expect(picture.luma.contains(Picture.Color.white.luma))
            shapes.insert(picture.luma)
        }
        #expect(shapes.count == 12)
    }
}

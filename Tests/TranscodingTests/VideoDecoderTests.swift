import Media
import Primitives
import TestSupport
import Testing

@testable import Transcoding

@Suite("Video decoder and scaler")
struct VideoDecoderTests {
    private func decode(_ film: TestFilm) throws -> [DecodedPicture] {
        var decoder = try VideoDecoder(film.configuration)
        var pictures: [DecodedPicture] = []
        for frame in film.frames { pictures += try decoder.decode(frame) }
        return pictures + decoder.finish()
    }

    @Test(arguments: ["libx264", "libx265", "libvpx", "libvpx-vp9", "libaom-av1"])
    func `every codec gives each picture once, in order, at its time`(encoder: String) throws {
        let options: [String: String] =
            switch encoder {
            case "libaom-av1": ["cpu-used": "8", "usage": "realtime", "lag-in-frames": "0"]
            case "libvpx", "libvpx-vp9": ["deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"]
            case "libx265": ["preset": "ultrafast", "x265-params": "log-level=none"]
            default: ["preset": "veryfast"]
            }
        let film = try TestFilm(encoder, count: 40, options: options)
        let pictures = try decode(film)
        #expect(pictures.count == 40)
        for (number, picture) in pictures.enumerated() {
            #expect(picture.width == 160 && picture.height == 96)
            let start = try #require(pictures.first).time
            #expect(abs(picture.time - start - Int64(number) * 1_000_000 / 30) <= 1)
            let luma = Int(try #require(picture.luma(x: 80, y: 10)))
            #expect(abs(luma - TestFilm.brightness(ofPicture: number)) <= 6)
        }
    }

    @Test func `B-frames come out in the order in which they are shown`() throws {
        let film = try TestFilm(
            count: 60, bFrames: 3, options: ["preset": "veryfast", "x264-params": "b-pyramid=normal:b-adapt=0"])
        #expect(film.frames.contains { $0.presentationTime < $0.decodeTime + 60_000 })
        #expect(film.frames.map(\.presentationTime) != film.frames.map(\.presentationTime).sorted())
        let pictures = try decode(film)
        #expect(pictures.map(\.time) == pictures.map(\.time).sorted())
        #expect(pictures.count == 60)
    }

    @Test func `AV1 key frames without a sequence header get that of the configuration`() throws {
        let film = try TestFilm(
            "libaom-av1", count: 10, options: ["cpu-used": "8", "usage": "realtime", "lag-in-frames": "0"])
        var frames = film.frames
        let payload = frames[0].payload
        let units = try OpenBitstreamUnit.units(of: payload.span)
        let header = try #require(units.first { $0.type == OpenBitstreamUnit.sequenceHeader })
        let end = header.payload.upperBound
        let start = header.payload.lowerBound - 1 - header.header.count
        frames[0].payload.removeSubrange(start..<end)
        #expect(CodecConfiguration(inBandOf: frames[0]) == nil)
        var decoder = try VideoDecoder(film.configuration)
        var count = 0
        for frame in frames { count += try decoder.decode(frame).count }
        #expect(count == 10)
    }

    @Test func `the picture size may change with a key frame that brings its parameter sets along`() throws {
        let small = try TestFilm(count: 10)
        let large = try TestFilm(count: 10, width: 320, height: 192)
        guard case .h264(let sps, let pps) = large.configuration else { return }
        var frames = small.frames + large.frames
        var writer = ByteWriter(capacity: 64)
        for set in sps + pps {
            writer.write(UInt32(set.count))
            writer.write(set)
        }
        frames[10].payload = writer.bytes + frames[10].payload
        for index in 10..<20 {
            frames[index].presentationTime += 1_000_000
            frames[index].decodeTime += 1_000_000
        }
        var decoder = try VideoDecoder(small.configuration)
        var pictures: [DecodedPicture] = []
        for frame in frames { pictures += try decoder.decode(frame) }
        pictures += decoder.finish()
        #expect(pictures.map(\.width) == Array(repeating: 160, count: 10) + Array(repeating: 320, count: 10))
    }

    @Test(arguments: ["libx264", "libx265", "libvpx", "libvpx-vp9", "libaom-av1"])
    func `damaged frames are errors and harm nothing, and a key frame heals`(encoder: String) throws {
        let options: [String: String] =
            encoder == "libx265"
            ? ["preset": "ultrafast", "x265-params": "log-level=none"]
            : ["cpu-used": "8", "deadline": "realtime", "usage": "realtime", "lag-in-frames": "0"]
        let film = try TestFilm(encoder, count: 20, keyFrameInterval: 10, options: options)
        var decoder = try VideoDecoder(film.configuration)
        var generator = SeededGenerator(seed: 3)
        var errors = 0
        for round in 0..<30 {
            for frame in film.frames {
                var damaged = frame
                switch round % 3 {
                case 0:
                    damaged.payload = Array(
                        frame.payload.prefix(Int.random(in: 0...frame.payload.count, using: &generator)))
                case 1:
                    for _ in 0..<5 {
                        let index = Int.random(in: 0..<frame.payload.count, using: &generator)
                        damaged.payload[index] = UInt8.random(in: 0...255, using: &generator)
                    }
                default:
                    damaged.payload = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
                        UInt8.random(in: 0...255, using: &generator)
                    }
                }
                do {
                    _ = try decoder.decode(damaged)
                } catch { errors += 1 }
            }
        }
        #expect(errors > 100)
        decoder.reset()
        var count = 0
        for frame in film.frames { count += try decoder.decode(frame).count }
        count += decoder.finish().count
        #expect(count == 20)
    }

    @Test func `every truncation of a frame is harmless`() throws {
        let film = try TestFilm(count: 3)
        var decoder = try VideoDecoder(film.configuration)
        let whole = film.frames[0].payload
        for length in 0..<min(whole.count, 400) {
            var frame = film.frames[0]
            frame.payload = Array(whole.prefix(length))
            _ = try? decoder.decode(frame)
        }
    }

    @Test func `audio and another codec than the one configured are refused`() throws {
        #expect(throws: TranscodingError.self) {
            _ = try VideoDecoder(.opus(channels: 2)).codec
        }
        let film = try TestFilm(count: 1)
        #expect(throws: TranscodingError.self) {
            var decoder = try VideoDecoder(.vp8)
            _ = try decoder.decode(film.frames[0])
        }
    }

    @Test func `pictures are scaled by their shorter side, never made larger, to even sizes`() {
        func size(_ width: Int, _ height: Int, _ target: Int?) -> [Int] {
            let size = PictureScaler.size(ofPicture: (width, height), height: target)
            return [size.width, size.height]
        }
        #expect(size(1_920, 1_080, 720) == [1_280, 720])
        #expect(size(1_280, 720, 1_080) == [1_280, 720])
        #expect(size(720, 1_280, 480) == [480, 852])
        #expect(size(641, 361, nil) == [640, 360])
        #expect(size(1, 1, 720) == [2, 2])
        #expect(size(0, 0, 720) == [2, 2])
    }

    @Test func `a scaled picture shows the same, at the same time`() throws {
        let film = try TestFilm(count: 5)
        let picture = try #require(try decode(film).last)
        let scaled = try PictureScaler().scale(picture, width: 80, height: 48)
        #expect(scaled.width == 80 && scaled.height == 48)
        #expect(scaled.time == picture.time)
        #expect(abs(Int(try #require(scaled.luma(x: 40, y: 5))) - TestFilm.brightness(ofPicture: 4)) <= 6)
        let same = try PictureScaler().scale(picture, width: 160, height: 96)
        #expect(same === picture)
        #expect(throws: TranscodingError.self) { try PictureScaler().scale(picture, width: 3, height: 48) }
    }
}

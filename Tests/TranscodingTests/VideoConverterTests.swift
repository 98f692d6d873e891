import Media
import TestSupport
import Testing

@testable import Transcoding

@Suite("Video converter")
struct VideoConverterTests {
    /// What came out of a converter, by rendition.
    struct Made {
        var configurations: [Int: [CodecConfiguration]] = [:]
        var frames: [Int: [EncodedFrame]] = [:]

        mutating func take(_ rendition: Int, _ output: VideoConverter.Output) {
            switch output {
            case .configured(let configuration): configurations[rendition, default: []].append(configuration)
            case .frame(let frame): frames[rendition, default: []].append(frame)
            }
        }
    }

    private func convert(_ film: TestFilm, to renditions: [VideoRendition]) -> (Made, VideoConverter.Statistics) {
        var converter = VideoConverter(renditions: renditions)
        var made = Made()
        converter.configure(film.configuration) { made.take($0, $1) }
        for frame in film.frames { converter.convert(frame) { made.take($0, $1) } }
        converter.finish { made.take($0, $1) }
        return (made, converter.statistics)
    }

    /// Decodes what was made, as a viewer does.
    private func watch(_ made: Made, _ rendition: Int = 0) throws -> [DecodedPicture] {
        var decoder = try VideoDecoder(try #require(made.configurations[rendition]?.first))
        var pictures: [DecodedPicture] = []
        for frame in made.frames[rendition] ?? [] { pictures += try decoder.decode(frame) }
        return pictures + decoder.finish()
    }

    @Test(arguments: [Codec.h264, .vp8])
    func `a stream with B-frames comes out without, every picture at its time`(codec: Codec) throws {
        let film = try TestFilm(
            count: 60, bFrames: 3, options: ["preset": "veryfast", "x264-params": "b-pyramid=normal:b-adapt=0"])
        let (made, statistics) = convert(film, to: [VideoRendition(codec: codec)])
        let frames = try #require(made.frames[0])
        #expect(frames.allSatisfy { $0.codec == codec && $0.decodeTime == $0.presentationTime })
        #expect(frames.map(\.presentationTime) == film.frames.map(\.presentationTime).sorted())
        let pictures = try watch(made)
        #expect(pictures.count == 60)
        for (number, picture) in pictures.enumerated() {
            let luma = Int(try #require(picture.luma(x: 80, y: 10)))
            #expect(abs(luma - TestFilm.brightness(ofPicture: number)) <= 8)
        }
        #expect(statistics.encoded == 60 && statistics.failure == nil)
        if codec == .h264 {
            var filter = VideoReorderingFilter()
            filter.configure(try #require(made.configurations[0]?.first))
            #expect(!filter.isPossible, "the parameter sets promise an order in which nothing waits")
        }
    }

    @Test func `times that stop or jump ahead stay in order, and pictures go on`() throws {
        var film = try TestFilm(count: 60, options: ["tune": "zerolatency"])
        for index in film.frames.indices {
            // An hour ahead from the 20th on; the 30th to 34th all at one time.
            let shift: Int64 = index >= 20 ? 3_600_000_000 : 0
            let standing = (30..<35).contains(index) ? film.frames[30].decodeTime : film.frames[index].decodeTime
            let time = (30..<35).contains(index) && index > 30 ? standing : film.frames[index].decodeTime + shift
            film.frames[index].decodeTime = time
            film.frames[index].presentationTime = time
        }
        let (made, statistics) = convert(film, to: [VideoRendition(codec: .h264)])
        let times = try #require(made.frames[0]).map(\.presentationTime)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
        #expect(times.last == film.frames.last?.presentationTime)
        #expect(times.count >= 55 && statistics.failure == nil && statistics.undecodable == 0)
    }

    @Test func `nothing is held back where nothing is reordered`() throws {
        let film = try TestFilm(count: 20, options: ["tune": "zerolatency"])
        var converter = VideoConverter(renditions: [VideoRendition(codec: .h264), VideoRendition(codec: .vp8)])
        converter.configure(film.configuration) { _, _ in }
        for frame in film.frames {
            var times: [Int64] = []
            converter.convert(frame) { if case .frame(let frame) = $1 { times.append(frame.presentationTime) } }
            #expect(times == [frame.presentationTime, frame.presentationTime])
        }
    }

    @Test func `a ladder has its key frames on the publisher's, in all renditions`() throws {
        let film = try TestFilm(count: 70, width: 320, height: 192, keyFrameInterval: 25)
        let (made, _) = convert(
            film,
            to: [
                VideoRendition(codec: .h264, height: 192), VideoRendition(codec: .h264, height: 96),
                VideoRendition(codec: .h264, height: 48, bitrate: 100_000),
            ])
        let expected = film.frames.filter(\.isKeyFrame).map(\.presentationTime)
        #expect(expected.count == 3)
        for rendition in 0..<3 {
            let frames = try #require(made.frames[rendition])
            #expect(frames.count == 70)
            #expect(frames.filter(\.isKeyFrame).map(\.presentationTime) == expected)
            let pictures = try watch(made, rendition)
            #expect(pictures.allSatisfy { $0.height == [192, 96, 48][rendition] })
        }
    }

    @Test func `key frames come when asked for, though not too often, and at least every four seconds`() throws {
        let film = try TestFilm(count: 300, keyFrameInterval: 1_000)
        var converter = VideoConverter(renditions: [VideoRendition(codec: .h264)])
        converter.configure(film.configuration) { _, _ in }
        var keys: [Int] = []
        for (number, frame) in film.frames.enumerated() {
            // Asked for all the time in the first second, and once later.
            if number < 30 || number == 50 { converter.requestKeyFrame() }
            converter.convert(frame) {
                if case .frame(let frame) = $1, frame.isKeyFrame { keys.append(number) }
            }
        }
        #expect(keys == [0, 12, 24, 36, 50, 170, 290])
    }

    @Test func `another size opens encoders anew, with a key frame`() throws {
        let small = try TestFilm(count: 10)
        let large = try TestFilm(count: 10, width: 320, height: 192)
        var converter = VideoConverter(renditions: [
            VideoRendition(codec: .h264), VideoRendition(codec: .h264, height: 48),
        ])
        var made = Made()
        converter.configure(small.configuration) { made.take($0, $1) }
        for frame in small.frames { converter.convert(frame) { made.take($0, $1) } }
        converter.configure(large.configuration) { made.take($0, $1) }
        for var frame in large.frames {
            frame.presentationTime += 1_000_000
            converter.convert(frame) { made.take($0, $1) }
        }
        converter.finish { made.take($0, $1) }
        for rendition in 0..<2 {
            #expect(made.configurations[rendition]?.count == 2)
            let frames = try #require(made.frames[rendition])
            #expect(frames.count == 20)
            #expect(frames.indices.filter { frames[$0].isKeyFrame } == [0, 10])
        }
        let sizes = made.configurations[0]?.compactMap { configuration -> Int? in
            guard case .h264(let sps, _) = configuration, let first = sps.first else { return nil }
            return (try? H264SequenceParameterSet(parsing: first.span))?.width
        }
        #expect(sizes == [160, 320])
    }

    @Test func `after a damaged frame nothing comes out before the next key frame`() throws {
        let film = try TestFilm(count: 60)
        var converter = VideoConverter(renditions: [VideoRendition(codec: .h264)])
        converter.configure(film.configuration) { _, _ in }
        var times: [Int64] = []
        for (number, var frame) in film.frames.enumerated() {
            if number == 10 { frame.payload = [0, 0, 0, 9, 1, 2] }
            converter.convert(frame) { if case .frame(let frame) = $1 { times.append(frame.presentationTime) } }
        }
        converter.finish { if case .frame(let frame) = $1 { times.append(frame.presentationTime) } }
        let expected = film.frames.map(\.presentationTime)
        #expect(times.suffix(30) == expected.suffix(30))
        #expect(times.count <= 40 && times.count >= 38)
        let statistics = converter.statistics
        #expect(statistics.undecodable == 20)
    }

    @Test func `garbage of any length in every codec does no harm`() throws {
        var generator = SeededGenerator(seed: 4)
        let film = try TestFilm(count: 1)
        for configuration in [film.configuration, .vp8, .vp9, .av1(configurationOBUs: []), .h264(sps: [], pps: [])] {
            var converter = VideoConverter(renditions: [VideoRendition(codec: .h264)])
            converter.configure(configuration) { _, _ in }
            for number in 0..<200 {
                let payload = (0..<Int.random(in: 0...300, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
                let frame = EncodedFrame(
                    codec: configuration.codec, decodeTime: Int64(number), presentationTime: Int64(number),
                    isKeyFrame: true, payload: payload)
                converter.convert(frame) { _, _ in }
            }
            let undecodable = converter.statistics.undecodable
            #expect(undecodable > 50)
        }
    }

    @Test func `when there is no time pictures are decoded and left out, except key frames`() throws {
        let film = try TestFilm(count: 60)
        var converter = VideoConverter(renditions: [VideoRendition(codec: .h264)])
        converter.configure(film.configuration) { _, _ in }
        var times: [Int64] = []
        for (number, frame) in film.frames.enumerated() {
            converter.convert(frame, isLate: (10..<50).contains(number)) {
                if case .frame(let frame) = $1 { times.append(frame.presentationTime) }
            }
        }
        converter.finish { if case .frame(let frame) = $1 { times.append(frame.presentationTime) } }
        let statistics = converter.statistics
        #expect(statistics.decoded == 60)
        #expect(statistics.skipped > 35 && statistics.skipped < 40)
        #expect(times.count == 60 - Int(statistics.skipped))
        #expect(times.contains(film.frames[30].presentationTime), "a key frame")
    }

    @Test func `an encoder or decoder that is not there is named, and nothing comes out`() throws {
        let film = try TestFilm(count: 2)
        var converter = VideoConverter(renditions: [VideoRendition(codec: .h264)], encoder: "h264_nothing")
        converter.configure(film.configuration) { _, _ in }
        for frame in film.frames { converter.convert(frame) { _, _ in Issue.record("there is no encoder") } }
        converter.finish { _, _ in Issue.record("there is no encoder") }
        let failure = converter.statistics.failure
        #expect(failure == .codecUnavailable(name: "h264_nothing encoder"))
        let transcoder = VideoTranscoder(renditions: [VideoRendition(codec: .h265)]) { _, _ in }
        #expect(throws: TranscodingError.codecUnavailable(name: "h265 encoder")) { try transcoder.start() }
    }

    @Test(arguments: [(15, Codec.h264), (30, .h264), (60, .h264), (30, .vp8)] as [(Int32, Codec)])
    func `the bitrate holds at any number of pictures per second`(rate: Int32, codec: Codec) throws {
        // Stripes that move by half their width: hard enough that the bitrate is the limit.
        let film = try TestFilm(
            count: Int(rate) * 6, width: 320, height: 192, framesPerSecond: rate, keyFrameInterval: rate * 2,
            options: ["preset": "ultrafast", "tune": "zerolatency"])
        let (made, _) = convert(film, to: [VideoRendition(codec: codec, bitrate: 60_000)])
        let frames = try #require(made.frames[0]).dropFirst(Int(rate) * 2)
        let bits = frames.reduce(0) { $0 + $1.payload.count * 8 }
        #expect(bits / 4 < 100_000)
    }
}

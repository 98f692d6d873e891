import Foundation
import Media
import MediaClient
import Testing

private func h264(_ count: Int, step: Int64 = 33_000) -> [EncodedFrame] {
    (0..<count).map { index in
        let time = Int64(index) * step
        let slice: [UInt8] = [index == 0 ? 0x65 : 0x41, 0x88, 0x84] + Array(repeating: UInt8(index + 1), count: 40)
        let sets = index == 0 ? [ParameterSets.h264SPS, ParameterSets.h264PPS] : []
        return EncodedFrame(
            codec: .h264, decodeTime: time, presentationTime: time, isKeyFrame: index == 0,
            payload: lengthPrefixed(sets + [slice]))
    }
}

private func opus(_ count: Int, from start: Int64 = 0) -> [EncodedFrame] {
    (0..<count).map { index in
        let time = start + Int64(index) * 20_000
        return EncodedFrame(
            codec: .opus, decodeTime: time, presentationTime: time, isKeyFrame: true,
            payload: [0xFC, 0xFF, 0xFE, UInt8(truncatingIfNeeded: index)])
    }
}

/// The NAL units of a frame, without delimiters.
private func units(_ frame: EncodedFrame) throws -> [[UInt8]] {
    try NALUnits.ranges(lengthPrefixed: frame.payload.span).map { Array(frame.payload[$0]) }
        .filter { H264NALUnitType.of($0[0]) != H264NALUnitType.accessUnitDelimiter }
}

private func write(_ frames: [EncodedFrame], to path: String) throws {
    var writer = try FilmWriter(path: path, expecting: Set(frames.map(\.codec.kind)))
    for frame in frames { try writer.write(frame) }
    try writer.finish()
}

private func readAll(_ path: String) throws -> (configurations: [CodecConfiguration], frames: [EncodedFrame]) {
    var reader = try FilmReader(path: path)
    var frames: [EncodedFrame] = []
    while let frame = try reader.read() { frames.append(frame) }
    return (reader.configurations, frames)
}

@Suite("Media files")
struct FilmTests {
    @Test(arguments: ["mkv", "mp4", "ts"])
    func `H.264 and Opus come out of a file as they went in`(suffix: String) throws {
        let file = TemporaryFile(suffix)
        let (pictures, sounds) = (h264(30), opus(50))
        try write((pictures + sounds).sorted { $0.decodeTime < $1.decodeTime }, to: file.path)
        let (configurations, frames) = try readAll(file.path)
        #expect(configurations.contains(.h264(sps: [ParameterSets.h264SPS], pps: [ParameterSets.h264PPS])))
        let video = frames.filter { $0.codec == .h264 }
        #expect(try video.map(units).map(\.last) == pictures.map(units).map(\.last))
        #expect(video.map(\.isKeyFrame) == pictures.map(\.isKeyFrame))
        for (read, written) in zip(video, pictures) {
            // Containers count in milliseconds, or in ticks of 90 kHz.
            #expect(abs(read.decodeTime - video[0].decodeTime - written.decodeTime) <= 1_000)
            #expect(read.presentationTime == read.decodeTime)
        }
        let audio = frames.filter { $0.codec == .opus }
        #expect(audio.map(\.payload) == sounds.map(\.payload))
    }

    @Test(arguments: ["mkv", "mp4"])
    func `H.265 comes out of a file as it went in`(suffix: String) throws {
        let sets = [ParameterSets.h265VPS, ParameterSets.h265SPS, ParameterSets.h265PPS]
        let frames = (0..<10).map { index in
            let time = Int64(index) * 33_000
            let slice: [UInt8] = [index == 0 ? 0x26 : 0x02, 0x01, 0x80] + Array(repeating: 7, count: 30)
            return EncodedFrame(
                codec: .h265, decodeTime: time, presentationTime: time, isKeyFrame: index == 0,
                payload: lengthPrefixed((index == 0 ? sets : []) + [slice]))
        }
        let file = TemporaryFile(suffix)
        try write(frames, to: file.path)
        let (configurations, read) = try readAll(file.path)
        #expect(configurations == [.h265(vps: [sets[0]], sps: [sets[1]], pps: [sets[2]])])
        #expect(try read.map(units).map(\.last) == frames.map(units).map(\.last))
        #expect(TrackDescription(configurations[0]).formatParameters["profile-id"] == "1")
    }

    @Test(arguments: [
        (Codec.vp8, "libvpx", "webm"), (.vp9, "libvpx-vp9", "webm"), (.vp9, "libvpx-vp9", "mp4"),
        (.av1, "libaom-av1", "mkv"), (.av1, "libaom-av1", "mp4"),
    ])
    func `the size of the picture is found, and frames come out as they went in`(
        codec: Codec, encoder: String, suffix: String
    ) throws {
        let frames = try encodedPictures(codec, encoder: encoder, count: 5)
        try #require(frames.count == 5 && frames[0].isKeyFrame)
        let file = TemporaryFile(suffix)
        try write(frames, to: file.path)
        let (configurations, read) = try readAll(file.path)
        #expect(configurations.map(\.codec) == [codec])
        // A container leaves temporal delimiters out.
        let sent = frames.map {
            codec == .av1 && $0.payload.starts(with: [0x12, 0]) ? Array($0.payload.dropFirst(2)) : $0.payload
        }
        #expect(read.map(\.payload) == sent)
    }

    @Test func `a file begins with the first key frame`() throws {
        let file = TemporaryFile("mkv")
        var late = h264(40)
        for index in late.indices {
            late[index].decodeTime += 500_000
            late[index].presentationTime += 500_000
        }
        let early = Array(h264(5).dropFirst())
        let frames = (early + opus(60) + late).sorted { $0.decodeTime < $1.decodeTime }
        try write(frames, to: file.path)
        let read = try readAll(file.path).frames
        #expect(read.count { $0.codec == .h264 } == 40)
        #expect(read.count { $0.codec == .opus } == 35)
        #expect(read.first { $0.codec == .h264 }?.decodeTime == 0)
    }

    @Test func `sound alone is written when the picture never comes, and waits in bounded memory`() throws {
        let file = TemporaryFile("mkv")
        var writer = try FilmWriter(path: file.path, expecting: [.video, .audio])
        for frame in opus(FilmWriter.maximumWaiting + 100) { try writer.write(frame) }
        try writer.finish()
        #expect(writer.frameCount == FilmWriter.maximumWaiting)
    }

    @Test func `a file to which nothing came is an error`() throws {
        let file = TemporaryFile("mkv")
        #expect(throws: FilmError.nothingToWrite(path: file.path)) {
            var writer = try FilmWriter(path: file.path, expecting: [.video])
            try writer.finish()
        }
        #expect(throws: FilmError.unknownFormat(path: "picture.thing")) {
            _ = try FilmWriter(path: "picture.thing", expecting: [.video])
        }
        #expect(throws: FilmError.self) {
            var writer = try FilmWriter(path: "/nowhere/film.mkv", expecting: [.video])
            try writer.write(h264(1)[0])
        }
    }

    @Test func `files that are none are refused`() throws {
        #expect(throws: FilmError.self) { _ = try FilmReader(path: "/nowhere/film.mp4") }
        let file = TemporaryFile("mp4")
        try Data("no film at all".utf8).write(to: URL(filePath: file.path))
        #expect(throws: FilmError.self) { _ = try FilmReader(path: file.path) }
    }

    @Test func `a file that is cut short anywhere, or wrong anywhere, never traps`() throws {
        let file = TemporaryFile("mkv")
        try write((h264(5) + opus(8)).sorted { $0.decodeTime < $1.decodeTime }, to: file.path)
        let whole = try Data(contentsOf: URL(filePath: file.path))
        let other = TemporaryFile("mkv")
        for length in stride(from: 0, to: whole.count, by: 37) {
            try whole.prefix(length).write(to: URL(filePath: other.path))
            _ = try? readAll(other.path)
            var changed = whole
            changed[length] ^= 0x15
            try changed.write(to: URL(filePath: other.path))
            _ = try? readAll(other.path)
        }
    }

    @Test func `a file whose parameter sets allow B-frames and whose pictures change places says so`() throws {
        var frames = h264(30)
        frames[0].payload = lengthPrefixed([ParameterSets.h264ReorderedSPS, ParameterSets.h264PPS, [0x65, 0x88, 0x84]])
        for index in frames.indices {
            // I P B P B …, shown one frame later than decoded.
            frames[index].presentationTime += index % 2 == 1 ? 66_000 : index == 0 ? 33_000 : 0
        }
        let file = TemporaryFile("mkv")
        try write(frames, to: file.path)
        let reader = try FilmReader(path: file.path)
        #expect(reader.video?.isReordered == true)
        let plain = TemporaryFile("mkv")
        try write(h264(30), to: plain.path)
        let other = try FilmReader(path: plain.path)
        #expect(other.video?.isReordered == false)
    }
}

@Suite("Films as live streams")
struct FilmPlayerTests {
    private func play(_ frames: [EncodedFrame], loops: Bool, count: Int) async throws -> [EncodedFrame] {
        let file = TemporaryFile("mkv")
        try write(frames, to: file.path)
        let (stream, report) = AsyncStream.makeStream(of: EncodedFrame.self)
        let player = FilmPlayer(
            try FilmReader(path: file.path), loops: loops, refusesReordering: true, frame: { report.yield($0) },
            end: { _ in report.finish() })
        var played: [EncodedFrame] = []
        for await frame in stream {
            played.append(frame)
            if played.count == count { break }
        }
        player.stop()
        return played
    }

    @Test func `every frame is given out once, and then the film ends`() async throws {
        let played = try await play(h264(12, step: 5_000), loops: false, count: 100)
        #expect(played.count == 12)
    }

    @Test func `a film that loops goes on in time`() async throws {
        let played = try await play(h264(6, step: 5_000), loops: true, count: 20)
        #expect(played.count == 20)
        let times = played.map(\.decodeTime)
        #expect(zip(times, times.dropFirst()).allSatisfy { (4_000...6_000).contains($1 - $0) }, "\(times)")
        #expect(played.indices.filter { played[$0].isKeyFrame } == [0, 6, 12, 18])
    }

    @Test func `pictures that change places unannounced end a film that may not have them`() async throws {
        var frames = h264(12, step: 5_000)
        frames[0].payload = lengthPrefixed([ParameterSets.h264ReorderedSPS, ParameterSets.h264PPS, [0x65, 0x88, 0x84]])
        frames[6].presentationTime += 12_000
        let played = try await play(frames, loops: false, count: 100)
        #expect(played.count == 7)
    }
}

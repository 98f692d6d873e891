import HLS
import ISOBMFF
import Media
import Primitives
import TestSupport
import Testing

@Suite("Segments and parts, RFC 8216bis §4.4 and §6.2")
struct SegmentingTests {
    /// What must hold for every playlist, whatever was published.
    private func expectValid(
        _ stream: VirtualStream, _ kind: RenditionName, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let playlist = try stream.playlist(kind)
        #expect(playlist.text.hasPrefix("#EXTM3U\n"), sourceLocation: sourceLocation)
        #expect(playlist.targetDuration > 0, sourceLocation: sourceLocation)
        for segment in playlist.complete {
            #expect(segment.duration.rounded() <= playlist.targetDuration, sourceLocation: sourceLocation)
            #expect(segment.map != nil || segment.isGap, sourceLocation: sourceLocation)
            guard !segment.isGap else { continue }
            #expect(try !stream.media(segment.uri ?? "").isEmpty, sourceLocation: sourceLocation)
            if let map = segment.map { #expect(try !stream.media(map).isEmpty, sourceLocation: sourceLocation) }
        }
        for segment in playlist.segments {
            for (index, part) in segment.parts.enumerated() {
                #expect(part.duration <= playlist.partTarget + 1e-5, sourceLocation: sourceLocation)
                let isLast = segment.uri != nil && index == segment.parts.count - 1
                if !isLast {
                    #expect(part.duration >= 0.85 * playlist.partTarget, sourceLocation: sourceLocation)
                }
            }
            if segment.uri != nil, !segment.parts.isEmpty {
                let sum = segment.parts.reduce(0) { $0 + $1.duration }
                #expect(abs(sum - segment.duration) < 1e-3, sourceLocation: sourceLocation)
                let pieces = try segment.parts.flatMap { try stream.media($0.uri) }
                #expect(try pieces == stream.media(segment.uri ?? ""), sourceLocation: sourceLocation)
            }
        }
    }

    @Test func `segments begin with key frames and parts last as long as announced`() throws {
        var stream = VirtualStream()
        stream.begin()
        stream.configure(VirtualStream.h264, VirtualStream.opus)
        stream.play(20)
        try expectValid(stream, .video)
        try expectValid(stream, .audio)
        let video = try stream.playlist(.video)
        #expect(video.targetDuration == 2)
        #expect(video.partTarget == 0.5)
        #expect(video.complete.count >= 9)
        #expect(video.tags["EXT-X-INDEPENDENT-SEGMENTS"] != nil)
        for segment in video.complete.suffix(2) {
            #expect(segment.parts.count == 4)
            #expect(segment.parts.map(\.isIndependent) == [true, false, false, false])
        }
    }

    @Test func `sound is cut where the picture is, and both have the same numbers`() throws {
        var stream = VirtualStream()
        stream.begin()
        stream.configure(VirtualStream.h264, VirtualStream.aac)
        stream.play(20, audio: VirtualStream.aac)
        let (video, audio) = (try stream.playlist(.video), try stream.playlist(.audio))
        try expectValid(stream, .audio)
        #expect(video.segments.map(\.number).first == audio.segments.map(\.number).first)
        for (left, right) in zip(video.complete, audio.complete) {
            #expect(left.number == right.number)
            #expect(abs(left.duration - right.duration) < 0.06)
        }
    }

    @Test(arguments: [900, 1_000_000])
    func `a group of pictures of half a minute, or without end, is cut without claiming independence`(
        length: Int
    ) throws {
        var stream = VirtualStream()
        stream.groupLength = length
        stream.begin()
        stream.configure(VirtualStream.h264, VirtualStream.opus)
        stream.play(62)
        try expectValid(stream, .video)
        try expectValid(stream, .audio)
        let video = try stream.playlist(.video)
        #expect(video.targetDuration == 6)
        #expect(video.complete.count >= 9)
        #expect(video.tags["EXT-X-INDEPENDENT-SEGMENTS"] == nil)
        let independent = video.segments.flatMap(\.parts).count { $0.isIndependent }
        #expect(independent <= 62 * 30 / length + 1)
    }

    @Test func `a stream whose segments have waited asks for a key frame once each`() throws {
        var stream = VirtualStream()
        stream.groupLength = 1_000_000
        stream.begin([.video])
        stream.configure(VirtualStream.h264)
        stream.play(1.5, audio: nil)
        #expect(!stream.presentation.wantsKeyFrame)
        stream.play(0.6, audio: nil)
        #expect(stream.presentation.wantsKeyFrame)
        stream.presentation.wantsKeyFrame = false
        stream.play(1, audio: nil)
        #expect(!stream.presentation.wantsKeyFrame)
    }

    @Test(arguments: [Int64(40_000), 41_667, 66_667, 100_000, 200_000, 500_000])
    func `parts keep to their target at any frame rate, with timestamps in milliseconds`(interval: Int64) throws {
        var stream = VirtualStream()
        stream.begin([.video])
        stream.configure(VirtualStream.h264)
        let group = 2_000_000 / interval
        for index in 0..<(20_000_000 / interval) {
            stream.send(.h264, at: index * interval / 1_000 * 1_000, isKey: index % group == 0)
        }
        try expectValid(stream, .video)
    }

    @Test func `sound alone is cut into segments of its own`() throws {
        var stream = VirtualStream()
        stream.begin([.audio])
        stream.configure(VirtualStream.aac)
        stream.play(20, video: false, audio: VirtualStream.aac)
        try expectValid(stream, .audio)
        #expect(stream.presentation.kinds == [.audio])
        #expect(try stream.playlist(.audio).complete.count >= 9)
    }

    @Test func `a picture alone has no playlist of sound`() throws {
        var stream = VirtualStream()
        stream.begin([.video])
        stream.configure(VirtualStream.h264)
        stream.play(10, audio: nil)
        try expectValid(stream, .video)
        #expect(stream.presentation.kinds == [.video])
    }

    @Test func `sound that starts late is silent until then`() throws {
        var stream = VirtualStream()
        stream.begin()
        stream.configure(VirtualStream.h264)
        stream.play(5, audio: nil)
        stream.configure(VirtualStream.opus)
        stream.play(15)
        try expectValid(stream, .video)
        try expectValid(stream, .audio)
        let (video, audio) = (try stream.playlist(.video), try stream.playlist(.audio))
        #expect(video.complete.last?.number == audio.complete.last?.number)
        #expect(abs((audio.complete.last?.duration ?? 0) - 2) < 0.1)
        #expect(audio.complete.allSatisfy { !$0.isGap })
    }

    @Test func `sound that stops is replaced by silence, so that the picture goes on`() throws {
        var stream = VirtualStream()
        stream.begin()
        stream.configure(VirtualStream.h264, VirtualStream.aac)
        stream.play(10, audio: VirtualStream.aac)
        stream.play(10, audio: nil)
        try expectValid(stream, .audio)
        let (video, audio) = (try stream.playlist(.video), try stream.playlist(.audio))
        #expect(video.complete.count == audio.complete.count)
        #expect(abs(audio.complete.reduce(0) { $0 + $1.duration } - video.complete.reduce(0) { $0 + $1.duration }) < 2)
    }

    @Test func `a picture that stops leaves the sound alone, and comes back behind a discontinuity`() throws {
        var stream = VirtualStream()
        stream.begin()
        stream.configure(VirtualStream.h264, VirtualStream.opus)
        stream.play(10)
        stream.play(10, video: false)
        let gaps = try stream.playlist(.video).complete.filter(\.isGap)
        #expect(!gaps.isEmpty)
        stream.play(8.1)
        try expectValid(stream, .video)
        try expectValid(stream, .audio)
        let (video, audio) = (try stream.playlist(.video), try stream.playlist(.audio))
        #expect(video.complete.map(\.number) == audio.complete.map(\.number))
        #expect(video.segments.map(\.isDiscontinuous) == audio.segments.map(\.isDiscontinuous))
        #expect(video.segments.count { $0.isDiscontinuous } == 2)
        #expect(video.complete.last?.isGap == false)
    }

    @Test(arguments: [Int64(60_000_000), -5_000_000])
    func `timestamps that jump or go back leave segments and parts as they must be`(jump: Int64) throws {
        var stream = VirtualStream()
        stream.begin()
        stream.configure(VirtualStream.h264, VirtualStream.opus)
        stream.play(10)
        stream.videoTime += jump
        stream.audioTime += jump
        stream.play(20)
        try expectValid(stream, .video)
        try expectValid(stream, .audio)
    }

    @Test func `a pause in the picture that no part could hold is a discontinuity in both`() throws {
        var stream = VirtualStream()
        stream.begin()
        stream.configure(VirtualStream.h264, VirtualStream.opus)
        stream.play(10)
        stream.play(1.2, video: false)
        stream.play(8.1)
        try expectValid(stream, .video)
        try expectValid(stream, .audio)
        let (video, audio) = (try stream.playlist(.video), try stream.playlist(.audio))
        #expect(video.segments.count { $0.isDiscontinuous } == 1)
        #expect(video.segments.map(\.isDiscontinuous) == audio.segments.map(\.isDiscontinuous))
    }

    @Test func `another publisher begins another epoch behind a discontinuity`() throws {
        var stream = VirtualStream()
        stream.begin(number: 100)
        stream.configure(VirtualStream.h264, VirtualStream.opus)
        stream.play(7)
        let before = try stream.playlist(.video)
        stream.presentation.receive(.ended, at: stream.now)
        stream.begin(number: 200)
        stream.configure(VirtualStream.h264, VirtualStream.aac)
        stream.play(8.1, audio: VirtualStream.aac)
        for kind in [RenditionName.video, .audio] {
            try expectValid(stream, kind)
            let playlist = try stream.playlist(kind)
            #expect(playlist.segments.count { $0.isDiscontinuous } == 1)
            let second = try #require(playlist.segments.first { $0.isDiscontinuous })
            #expect(second.uri?.contains("-200-") == true)
            #expect(playlist.text.contains("ENDLIST") == false)
        }
        // What was published stays what it was.
        let after = try stream.playlist(.video)
        #expect(after.segments.prefix(before.complete.count).map(\.uri) == before.complete.map(\.uri))
        // The sound has another codec, and so another initialization segment.
        #expect(Set(try stream.playlist(.audio).segments.compactMap(\.map)).count == 2)
    }

    @Test func `a stream that is over ends its playlists, and only then`() throws {
        var stream = VirtualStream()
        stream.begin()
        stream.configure(VirtualStream.h264, VirtualStream.opus)
        stream.play(7)
        stream.presentation.receive(.ended, at: stream.now)
        #expect(try stream.playlist(.video).tags["EXT-X-ENDLIST"] == nil)
        stream.presentation.receive(.closed, at: stream.now)
        let playlist = try stream.playlist(.video)
        #expect(playlist.tags["EXT-X-ENDLIST"] != nil)
        #expect(playlist.hint == nil)
        #expect(playlist.segments.allSatisfy { $0.uri != nil })
        #expect(abs(playlist.complete.reduce(0) { $0 + $1.duration } - 7) < 0.1)
    }

    @Test func `a resolution that changes begins with an initialization segment of its own`() throws {
        var stream = VirtualStream()
        stream.begin([.video])
        stream.configure(VirtualStream.h264)
        stream.play(6, audio: nil)
        stream.configure(
            .h264(
                sps: [VirtualStream.hex("674d401ef201485fc4498088000003000800000301e3020007a12000f427261803c58b4480")],
                pps: [[0x68, 1]]))
        stream.play(6, audio: nil)
        try expectValid(stream, .video)
        let playlist = try stream.playlist(.video)
        #expect(Set(playlist.segments.compactMap(\.map)).count == 2)
        #expect(playlist.segments.count { $0.isDiscontinuous } == 1)
    }

    @Test func `another codec in the middle of a stream begins behind a discontinuity, in picture and sound`() throws {
        var stream = VirtualStream()
        stream.begin()
        stream.configure(VirtualStream.h264, VirtualStream.opus)
        stream.play(6)
        stream.configure(.vp8)
        // A key frame of 320x240 (RFC 6386 §9.1).
        let payload: [UInt8] = [0x10, 0, 0, 0x9D, 0x01, 0x2A, 0x40, 0x01, 0xF0, 0x00]
        for index in 0..<180 as Range<Int64> {
            let time = stream.videoTime + index * stream.videoInterval
            stream.presentation.receive(
                .frame(
                    EncodedFrame(
                        codec: .vp8, decodeTime: time, presentationTime: time, isKeyFrame: index % 60 == 0,
                        payload: index % 60 == 0 ? payload : [0x11, 0, 0])),
                at: stream.now)
            while stream.audioTime <= time { stream.sendAudio(VirtualStream.opus) }
        }
        stream.configure(VirtualStream.aac)
        for _ in 0..<200 { stream.sendAudio(VirtualStream.aac) }
        try expectValid(stream, .video)
        try expectValid(stream, .audio)
        let (video, audio) = (try stream.playlist(.video), try stream.playlist(.audio))
        #expect(Set(video.segments.compactMap(\.map)).count == 2)
        #expect(Set(audio.segments.compactMap(\.map)).count == 2)
        #expect(video.segments.count(where: \.isDiscontinuous) >= 1)
        #expect(audio.segments.count(where: \.isDiscontinuous) >= 2)
    }

    @Test func `dates are those of the capture`() throws {
        var stream = VirtualStream()
        stream.begin()
        stream.configure(VirtualStream.h264, VirtualStream.opus)
        stream.play(6.1)
        let dates = try stream.playlist(.video).complete.map(\.date)
        #expect(dates.first == "2027-01-15T08:00:00.000Z")
        #expect(dates.dropFirst().first??.hasPrefix("2027-01-15T08:00:01.99") == true)
    }
}

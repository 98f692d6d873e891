import Media
import Synchronization
import TestSupport
import Testing

@testable import Transcoding

@Suite("Video transcoder")
struct VideoTranscoderTests {
    private func frame(_ time: Int64, isKeyFrame: Bool = false) -> EncodedFrame {
        EncodedFrame(codec: .h264, decodeTime: time, presentationTime: time, isKeyFrame: isKeyFrame, payload: [])
    }

    private static let epoch = PublishEpoch(number: 7, unixNanosecondsAtZero: 1_000, kinds: [.audio, .video])

    @Test func `events come out of each rendition in the order in which they went in`() async throws {
        let film = try TestFilm(count: 20)
        let (made, continuation) = AsyncStream.makeStream(of: (Int, FrameEvent).self)
        let transcoder = VideoTranscoder(renditions: [
            VideoRendition(codec: .h264), VideoRendition(codec: .vp8, height: 48),
        ]) { continuation.yield(($0, $1)) }
        try transcoder.start()
        transcoder.receive(.began(Self.epoch))
        transcoder.receive(.configured(.opus(channels: 2)))
        transcoder.receive(.configured(film.configuration))
        for item in film.frames.prefix(6) { transcoder.receive(.frame(item)) }
        transcoder.receive(.clock(unixNanosecondsAtZero: 5))
        transcoder.receive(.ended)
        transcoder.receive(.closed)
        var told: [[String]] = [[], []]
        var times: [[Int64]] = [[], []]
        for await (rendition, event) in made {
            switch event {
            case .began(let epoch):
                #expect(epoch.number == 7 && epoch.kinds == [.video])
                told[rendition].append("began")
            case .configured(let configuration): told[rendition].append("configured \(configuration.codec)")
            case .frame(let frame): times[rendition].append(frame.presentationTime)
            case .clock: told[rendition].append("clock")
            case .ended: told[rendition].append("ended")
            case .closed: told[rendition].append("closed")
            }
            if told.allSatisfy({ $0.last == "closed" }) { break }
        }
        #expect(told[0] == ["began", "configured h264", "clock", "ended", "closed"])
        #expect(told[1] == ["began", "configured vp8", "clock", "ended", "closed"])
        let expected = film.frames.prefix(6).map(\.presentationTime)
        #expect(times == [expected, expected])
        #expect(transcoder.statistics.dropped == 0)
        #expect(transcoder.statistics.conversion.encoded == 6)
    }

    @Test func `two publishers in turn are two epochs, the second with times of its own`() async throws {
        let film = try TestFilm(count: 3)
        let (made, continuation) = AsyncStream.makeStream(of: FrameEvent.self)
        let transcoder = VideoTranscoder(renditions: [VideoRendition(codec: .h264)]) { continuation.yield($1) }
        try transcoder.start()
        for number in 1...2 {
            var epoch = Self.epoch
            epoch.number = UInt64(number)
            transcoder.receive(.began(epoch))
            transcoder.receive(.configured(film.configuration))
            for item in film.frames { transcoder.receive(.frame(item)) }
        }
        transcoder.receive(.closed)
        var frames: [EncodedFrame] = []
        var configured = 0
        for await event in made {
            if case .frame(let frame) = event { frames.append(frame) }
            if case .configured = event { configured += 1 }
            if case .closed = event { break }
        }
        #expect(configured == 2)
        #expect(frames.map(\.presentationTime) == (film.frames + film.frames).map(\.presentationTime))
        #expect(frames.indices.filter { frames[$0].isKeyFrame } == [0, 3])
    }

    @Test(arguments: [512, 16])
    func `a backlog that is full forgets everything up to the next key frame, and says so once`(limit: Int) {
        let backlog = FrameBacklog()
        _ = backlog.push(.began(Self.epoch), at: 0)
        var alarms = 0
        func push(_ count: Int) {
            for index in 0..<count {
                // Either the number or the bytes reach their bound.
                var item = frame(Int64(index))
                if limit == 16 { item.payload = [UInt8](repeating: 0, count: 1 << 20) }
                if backlog.push(.frame(item), at: 0) { alarms += 1 }
            }
        }
        push(limit)
        #expect(alarms == 0)
        push(11)
        #expect(alarms == 1)
        #expect(backlog.droppedCount == UInt64(limit + 11))
        _ = backlog.push(.frame(frame(5_000, isKeyFrame: true)), at: 0)
        _ = backlog.push(.frame(frame(5_001)), at: 0)
        guard case .began? = backlog.pop()?.event else {
            Issue.record("events other than frames are kept")
            return
        }
        let first = backlog.pop()
        guard case .frame(let key)? = first?.event else {
            Issue.record("no frame")
            return
        }
        #expect(key.isKeyFrame && first?.isAfterGap == true && first?.backlog == 1)
        #expect(backlog.pop()?.isAfterGap == false)
    }

    @Test func `after two seconds of waiting frames are forgotten, and a key frame that comes then is kept`() {
        let backlog = FrameBacklog()
        for second in 0...2 { #expect(!backlog.push(.frame(frame(0)), at: Int64(second) * 1_000_000)) }
        #expect(backlog.push(.frame(frame(1, isKeyFrame: true)), at: 2_000_001))
        #expect(backlog.droppedCount == 3)
        #expect(backlog.pop()?.backlog == 0)
    }

    @Test func `whoever begins with a group of pictures so far begins with its last picture`() async throws {
        let film = try TestFilm(count: 60, keyFrameInterval: 100)
        var converter = VideoConverter(renditions: [VideoRendition(codec: .h264)])
        converter.configure(film.configuration) { _, _ in }
        var times: [Int64] = []
        for (number, frame) in film.frames.enumerated() {
            converter.convert(frame, isLate: number < 50) {
                if case .frame(let frame) = $1 {
                    if times.isEmpty { #expect(frame.isKeyFrame) }
                    times.append(frame.presentationTime)
                }
            }
        }
        #expect(times.first.map { $0 >= film.frames[45].presentationTime } == true)
        #expect(times.count >= 8)
        let skipped = converter.statistics.skipped
        #expect(skipped == 0, "nobody has missed them")
    }

    @Test func `events other than frames do not grow either`() {
        let backlog = FrameBacklog()
        for number in 0..<1_000 {
            var epoch = Self.epoch
            epoch.number = UInt64(number)
            _ = backlog.push(.ended, at: 0)
            _ = backlog.push(.began(epoch), at: 0)
            _ = backlog.push(.configured(.vp8), at: 0)
            _ = backlog.push(.configured(.h264(sps: [], pps: [])), at: 0)
            _ = backlog.push(.clock(unixNanosecondsAtZero: 1), at: 0)
        }
        var kept = 0
        _ = backlog.push(.closed, at: 0)
        while let item = backlog.pop() {
            kept += 1
            if case .began(let epoch) = item.event { #expect(epoch.number == 999) }
            if case .closed = item.event { break }
        }
        #expect(kept == 4)
        backlog.close()
        #expect(!backlog.push(.frame(frame(0)), at: 0))
        #expect(backlog.pop() == nil)
    }

    @Test func `a transcoder that cannot keep up asks for a key frame and counts what it left out`() async throws {
        let film = try TestFilm(count: 100, keyFrameInterval: 100)
        let asked = Mutex(0)
        let gate = Mutex(())
        let (made, continuation) = AsyncStream.makeStream(of: FrameEvent.self)
        // Holds the thread until everything is there.
        let transcoder = VideoTranscoder(
            renditions: [VideoRendition(codec: .h264)], needsKeyFrame: { asked.withLock { $0 += 1 } }
        ) { _, event in
            gate.withLock { _ in }
            continuation.yield(event)
        }
        try transcoder.start()
        let rounds = 6
        gate.withLock { _ in
            transcoder.receive(.began(Self.epoch))
            transcoder.receive(.configured(film.configuration))
            for _ in 0..<rounds { for item in film.frames { transcoder.receive(.frame(item)) } }
            transcoder.receive(.closed)
        }
        var frames: [EncodedFrame] = []
        for await event in made {
            if case .frame(let frame) = event { frames.append(frame) }
            if case .closed = event { break }
        }
        // The backlog is full at frame 512: what follows up to the end has no key frame.
        #expect(asked.withLock { $0 } == 1)
        #expect(transcoder.statistics.dropped == 600)
        #expect(frames.isEmpty)
    }
}

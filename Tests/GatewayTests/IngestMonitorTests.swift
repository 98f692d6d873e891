import Media
import Testing
import Transcoding

@testable import Gateway

/// A publisher in virtual time: a reading each second, as a test wants it.
private struct Watched {
    var monitor = IngestMonitor()
    var video = IngestReading(kind: .video, codec: .h264, keyFrameInterval: 2)
    var audio = IngestReading(kind: .audio, codec: .opus)
    var declaredBitrate: Int?
    var isDatagrams = true
    var clockJumps = 0
    var transcoding: [IngestWarning] = []
    private(set) var now = ContinuousClock.now

    /// Seconds of a stream of 30 frames and 50 sounds, 1 Mbit/s, as `change` leaves it.
    mutating func pass(_ seconds: Int, _ change: (inout Watched) -> Void = { _ in }) {
        for _ in 0..<seconds {
            now += .seconds(1)
            video.packets += 120
            video.frames += 30
            video.bytes += 125_000
            video.silence = 0.01
            audio.packets += 50
            audio.frames += 50
            audio.bytes += 8_000
            audio.silence = 0.01
            change(&self)
            monitor.observe(
                IngestReadings(
                    tracks: [video, audio], declaredBitrate: declaredBitrate, clockJumps: clockJumps,
                    transcoding: transcoding, isDatagrams: isDatagrams),
                at: now)
        }
    }

    var codes: [String] { monitor.findings.map(\.warning.code) }
    func age(_ code: String) -> Duration? {
        monitor.findings.first { $0.warning.code == code }.map { now - $0.since }
    }
}

@Suite("Publishers watched all the time")
struct IngestMonitorTests {
    @Test func `nothing is said in an hour of a sane stream`() {
        var watched = Watched()
        watched.video.jitter = 0.01
        watched.video.lateness = 0.04
        watched.audio.lateness = 0.02
        watched.declaredBitrate = 1_100_000
        var said: Set<String> = []
        for _ in 0..<3_600 {
            watched.pass(1)
            said.formUnion(watched.codes)
        }
        #expect(said.isEmpty)
        #expect(watched.monitor.window.count == IngestMonitor.windowLength)
    }

    @Test func `losses are told of, since when, and no more when they have ended`() {
        var watched = Watched()
        watched.pass(20)
        watched.pass(20) { $0.video.lost += 6 }
        #expect(watched.codes == ["uplink-loss"])
        #expect((13...19).contains(watched.age("uplink-loss").map { $0 / .seconds(1) } ?? 0))
        #expect(
            watched.monitor.findings[0].warning.message.hasPrefix("3 %")
                || watched.monitor.findings[0].warning.message.hasPrefix("4 %"))
        // Fewer than would begin a finding, and more than end one.
        watched.pass(20) { $0.video.lost += 2 + Int($0.video.packets / 120 % 2) }
        #expect(watched.codes == ["uplink-loss"])
        watched.pass(12)
        #expect(watched.codes == [])
    }

    @Test func `a short loss, and one over TCP, are no finding`() {
        var watched = Watched()
        watched.pass(10)
        watched.pass(1) { $0.video.lost += 10 }
        watched.pass(10)
        #expect(watched.codes == [])
        watched.isDatagrams = false
        watched.pass(10) { $0.video.lost += 60 }
        #expect(watched.codes == [])
    }

    @Test func `jitter is told of beyond 50 ms, and until it is below 30`() {
        var watched = Watched()
        watched.video.jitter = 0.08
        watched.pass(12)
        #expect(watched.codes == ["uplink-jitter"])
        watched.video.jitter = 0.04
        watched.pass(12)
        #expect(watched.codes == ["uplink-jitter"])
        watched.video.jitter = 0.02
        watched.pass(6)
        #expect(watched.codes == [])
    }

    @Test func `a picture that stops while sound goes on is frozen at once`() {
        var watched = Watched()
        watched.pass(10)
        watched.pass(1) { $0.video.silence = 2.1 }
        #expect(watched.codes == ["video-frozen"])
        watched.pass(3)
        #expect(watched.codes == [])
        // When nothing comes at all, something else is wrong.
        watched.pass(5) {
            $0.video.silence = 3
            $0.audio.silence = 3
        }
        #expect(watched.codes == [])
    }

    @Test func `tiny frames for ten seconds are a still picture`() {
        var watched = Watched()
        watched.pass(20) { $0.video.stillFrames += 29 }
        #expect(watched.codes == ["video-still"])
        watched.pass(9)
        #expect(watched.codes == [])
    }

    @Test(arguments: [(Codec.opus, 50, 3), (.opus, 50, 12), (.aac, 47, 10)])
    func `sound of the size of silence is silent`(codec: Codec, frames: Int, size: Int) {
        var watched = Watched()
        watched.audio.codec = codec
        let silence = { (watched: inout Watched) in
            watched.audio.frames += frames - 50
            watched.audio.bytes += frames * size - 8_000
        }
        watched.pass(8, silence)
        #expect(watched.codes == [], "somebody draws breath")
        watched.pass(10, silence)
        #expect(watched.codes == ["audio-silent"])
        watched.pass(10)
        #expect(watched.codes == [])
    }

    @Test func `who pauses where the encoder stops sending is not silent before a minute has passed`() {
        var watched = Watched()
        watched.audio.jitter = 0.005
        // DTX: a packet every 400 ms.
        let pause = { (watched: inout Watched) in
            watched.audio.packets -= 47
            watched.audio.frames -= 47
            watched.audio.bytes -= 7_970
            watched.audio.silence = 0.3
        }
        for _ in 0..<20 {
            watched.pass(9)
            watched.pass(45) {
                pause(&$0)
            }
            #expect(watched.codes == [])
        }
        watched.pass(30, pause)
        #expect(watched.codes == ["audio-silent"])
        watched.pass(10)
        #expect(watched.codes == [])
    }

    @Test func `quiet sound is not silent`() {
        var watched = Watched()
        watched.pass(30) { $0.audio.bytes += 50 * 30 - 8_000 }
        #expect(watched.codes == [])
    }

    @Test func `picture and sound apart by their publisher's clock are told of with who is late`() {
        var watched = Watched()
        watched.video.lateness = 0.45
        watched.audio.lateness = 0.05
        watched.pass(12)
        #expect(watched.codes == ["av-skew"])
        #expect(watched.monitor.findings[0].warning.message.hasPrefix("The picture comes 400 ms later than the sound"))
        watched.video.lateness = 0.1
        watched.pass(12)
        #expect(watched.codes == [])
        watched.audio.lateness = nil
        watched.video.lateness = 5
        watched.pass(12)
        #expect(watched.codes == [], "without a clock nothing is known")
    }

    @Test func `far less than the encoder declares is told of`() {
        var watched = Watched()
        watched.declaredBitrate = 4_000_000
        watched.pass(20)
        #expect(watched.codes == ["bitrate-low"])
        #expect(watched.monitor.findings[0].warning.message.contains("declares 4000 kbit/s and sends 1064"))
        watched.declaredBitrate = 1_500_000
        watched.pass(10)
        #expect(watched.codes == [])
    }

    @Test func `far more than the encoder declares is told of, and until it is near`() {
        var watched = Watched()
        watched.declaredBitrate = 600_000
        watched.pass(12)
        #expect(watched.codes == [], "a difficult picture")
        watched.pass(8)
        #expect(watched.codes == ["bitrate-high"])
        #expect(watched.monitor.findings[0].warning.message.contains("declares 600 kbit/s and sends 1064"))
        watched.declaredBitrate = 750_000
        watched.pass(20)
        #expect(watched.codes == ["bitrate-high"], "1.4 times as much would not begin a finding, and does not end one")
        watched.declaredBitrate = 1_000_000
        watched.pass(4)
        #expect(watched.codes == [])
    }

    @Test func `tracks that declare their bitrates are compared without those that do not`() {
        var watched = Watched()
        watched.audio.declaredBitrate = 64_000
        watched.pass(30)
        #expect(watched.codes == [])
        watched.video.declaredBitrate = 3_000_000
        watched.pass(30)
        #expect(watched.codes == ["bitrate-low"])
        #expect(watched.monitor.findings[0].warning.message.contains("declares 3064 kbit/s and sends 1064"))
    }

    @Test func `key frames far apart are told of in time, from when on, and until they are near`() {
        var watched = Watched()
        watched.video.keyFrameInterval = 4
        watched.pass(30)
        watched.video.keyFrameInterval = 10
        watched.pass(8)
        #expect(watched.codes == [], "one that was late")
        watched.pass(22)
        #expect(watched.codes == ["long-gop"])
        #expect(watched.age("long-gop") == .seconds(29))
        watched.video.keyFrameInterval = 4
        watched.pass(10)
        #expect(watched.age("long-gop") == .seconds(39), "no better than what begins no finding")
        watched.video.keyFrameInterval = 2
        watched.pass(2)
        #expect(watched.codes == ["long-gop"])
        watched.pass(1)
        #expect(watched.codes == [])
    }

    @Test func `a single key frame and no more is told of, unless nothing comes at all`() {
        var watched = Watched()
        watched.video.keyFrameInterval = nil
        watched.video.keyFrameAge = 0
        watched.pass(14) { $0.video.keyFrameAge? += 1 }
        #expect(watched.codes == ["long-gop"])
        #expect(watched.monitor.findings[0].warning.message.hasPrefix("Key frames are 14 s or more apart"))
        var away = Watched()
        away.video.keyFrameInterval = nil
        away.video.keyFrameAge = 0
        away.pass(14) {
            $0.video.keyFrameAge? += 1
            ($0.video.silence, $0.audio.silence) = ($0.video.keyFrameAge, $0.video.keyFrameAge)
        }
        #expect(away.codes == [])
    }

    @Test func `sender reports are missed after the time they may take, until one comes`() {
        var watched = Watched()
        watched.audio.hasPublisherClock = false
        watched.pass(15)
        #expect(watched.codes == [])
        watched.pass(5)
        #expect(watched.codes == ["no-sender-reports-audio"])
        #expect(watched.age("no-sender-reports-audio") == .seconds(19))
        watched.video.hasPublisherClock = false
        watched.pass(20)
        #expect(watched.codes == ["no-sender-reports-audio", "no-sender-reports-video"])
        (watched.audio.hasPublisherClock, watched.video.hasPublisherClock) = (true, true)
        watched.pass(2)
        #expect(watched.codes == [])
        watched.audio.hasPublisherClock = false
        watched.pass(30) { $0.audio.silence = 6 }
        #expect(watched.codes == [], "a track that sends nothing has nothing to report")
        watched.isDatagrams = false
        watched.pass(30)
        #expect(watched.codes == [], "RTMP has none")
    }

    @Test func `timestamps that jump are told of at once, since the first jump, and for a minute`() {
        var watched = Watched()
        watched.clockJumps = 3
        watched.pass(10)
        #expect(watched.codes == [], "another publisher's")
        watched.pass(1) { $0.clockJumps += 1 }
        #expect(watched.codes == ["timestamps-jumped"])
        watched.pass(50)
        watched.pass(1) { $0.clockJumps += 1 }
        watched.pass(59)
        #expect(watched.age("timestamps-jumped") == .seconds(110))
        watched.pass(1)
        #expect(watched.codes == [])
        // A publisher that begins anew counts anew.
        watched.clockJumps = 0
        watched.pass(10)
        #expect(watched.codes == [])
    }

    @Test func `what transcoders say is told of at once, since when, and as long as they say it`() {
        var watched = Watched()
        watched.pass(10)
        watched.transcoding = [.transcodeOverloaded, .transcodeFailed(.threadUnavailable)]
        watched.pass(9)
        #expect(Set(watched.codes) == ["transcode-overloaded", "transcode-failed"])
        #expect(watched.age("transcode-overloaded") == .seconds(8))
        watched.transcoding = []
        watched.pass(2)
        #expect(watched.codes == [])
    }

    @Test func `key frames by scene are irregular, unless viewers can ask for them`() {
        var watched = Watched()
        let intervals = [0.4, 2, 1.1, 8.3, 0.7, 3]
        for interval in intervals {
            watched.video.keyFrameInterval = interval
            watched.pass(2)
        }
        watched.pass(4)
        #expect(watched.codes == ["irregular-key-frames"])
        #expect(watched.monitor.findings[0].warning.message.contains("between 0.4 and 8.3 s"))
        #expect(watched.monitor.keyFrameIntervals.count == IngestMonitor.maximumIntervals)
        for interval in [2.0, 2.01, 2.02, 2.01, 2, 1.99, 2.0, 2.01] {
            watched.video.keyFrameInterval = interval
            watched.pass(2)
        }
        #expect(watched.codes == [])
        var asked = Watched()
        asked.video.answersKeyFrameRequests = true
        for interval in intervals {
            asked.video.keyFrameInterval = interval
            asked.pass(3)
        }
        #expect(asked.codes == [])
    }

    @Test(arguments: [(0.02, "later"), (-0.02, "earlier")])
    func `frames that fall behind the clock, or run ahead of it, are told of`(step: Double, word: String) {
        var watched = Watched()
        watched.isDatagrams = false
        watched.video.lateness = 0
        watched.audio.lateness = 0
        watched.pass(40) {
            $0.video.lateness? += step
            $0.audio.lateness? += step
        }
        #expect(watched.codes == ["timestamps-drift"])
        #expect(watched.monitor.findings[0].warning.message.contains(word))
        watched.pass(100)
        #expect(watched.codes == [], "late, but no later than before")
    }

    @Test func `other tracks are not compared with those of before`() {
        var watched = Watched()
        watched.pass(10)
        watched.video.codec = .vp8
        watched.video.packets = 0
        watched.video.bytes = 0
        watched.pass(1)
        #expect(watched.monitor.window.count == 1)
        watched.pass(10)
        #expect(watched.codes == [])
    }

    @Test func `every finding says what it means in plain words`() {
        let all: [IngestWarning] = [
            .uplinkLoss(0.034), .uplinkJitter(0.08), .frozenPicture, .stillPicture, .silentSound, .skew(0.3),
            .skew(-0.3),
            .lowBitrate(1, of: 2), .highBitrate(2, of: 1), .irregularKeyFrames(0.5, 5), .drift(1), .drift(-1),
            .longGroupOfPictures(seconds: 8), .noSenderReports(.audio), .noSenderReports(.video), .timestampsJumped,
        ]
        for warning in all {
            #expect(warning.message.hasSuffix("."))
            for encoder in ["OBS", "ffmpeg", "GStreamer"] {
                #expect(warning.message.contains(encoder), "\(warning.code)")
            }
        }
        #expect(Set(all.map(\.code)).count == 14)
    }
}

import Media
import Synchronization

/// Makes the frames of the test pattern one by one, for whatever clock the caller keeps.
struct TestPatternGenerator: ~Copyable {
    /// Microseconds of an Opus packet.
    static let packetDuration: Int64 = 20_000
    /// Media further behind than this (microseconds) is skipped rather than caught up.
    static let maximumLag: Int64 = 500_000

    private let settings: TestPatternSource.Settings
    private let painter: TestPatternPainter
    private let tone = TestPatternTone()
    private let video: any VideoEncoder
    private var audio: OpusAudioEncoder
    /// The picture that must be a key frame if none has been asked for before.
    private var nextKeyFrame: Int64 = 0
    /// The time of day at media time 0, in microseconds since midnight.
    let timeOfDayAtStart: Int64
    /// Microseconds from the wall clock that was given to media time 0.
    let startDelay: Int64

    /// Opens the encoders.
    ///
    /// Media time 0 becomes the next moment that is a whole number of frames away from a full second of `wallClock`: so
    /// a frame falls on each full second, and flash and beep begin together.
    init(settings: TestPatternSource.Settings, wallClock: WallClock) throws(TranscodingError) {
        guard (16...3_840).contains(settings.width), (16...2_160).contains(settings.height),
            settings.width % 2 == 0, settings.height % 2 == 0, (1...120).contains(settings.framesPerSecond),
            settings.keyFrameSeconds > 0
        else { throw .invalidConfiguration("test pattern size or frame rate") }
        let video = try VideoEncoderBackend.open(
            VideoEncoderSettings(
                codec: .h264, width: settings.width, height: settings.height, bitrate: settings.videoBitrate),
            like: nil,
            preferring: "auto"
        )
        let audio = try OpusAudioEncoder(bitrate: settings.audioBitrate)
        self.video = video
        self.audio = audio
        self.settings = settings
        painter = TestPatternPainter(width: settings.width, height: settings.height)

        let rate = Int64(settings.framesPerSecond)
        let (second, fraction) = wallClock.timeOfDay.quotientAndRemainder(dividingBy: 1_000_000)
        let frame = (fraction * rate + 999_999) / 1_000_000
        timeOfDayAtStart = second * 1_000_000 + frame * 1_000_000 / rate
        startDelay = timeOfDayAtStart - wallClock.timeOfDay
    }

    var configurations: [CodecConfiguration] {
        [video.configuration, .opus(channels: OpusAudioEncoder.channels)]
    }

    /// Microseconds of media time of picture `index`.
    func time(ofPicture index: Int64) -> Int64 {
        index * 1_000_000 / Int64(settings.framesPerSecond)
    }

    /// Encodes picture `index`; `nil` when the encoder fails on it.
    mutating func picture(_ index: Int64, asKeyFrame: Bool) -> EncodedFrame? {
        let time = time(ofPicture: index)
        guard let picture = DecodedPicture(painter.picture(at: timeOfDayAtStart + time), time: time) else { return nil }
        let isDue = index >= nextKeyFrame
        let frame = try? video.encode(picture, asKeyFrame: asKeyFrame || isDue)
        if frame?.isKeyFrame == true {
            nextKeyFrame = index + Int64(settings.framesPerSecond * settings.keyFrameSeconds)
        }
        return frame
    }

    /// Encodes packet `index`; `nil` when the encoder fails on it.
    mutating func packet(_ index: Int64) -> EncodedFrame? {
        let time = index * Self.packetDuration
        // What goes into the encoder now comes out of a decoder `lookahead` samples later.
        let lead = Int64(audio.lookahead) * 1_000_000 / Int64(OpusAudioEncoder.sampleRate)
        guard let payload = try? audio.encode(tone.samples(at: timeOfDayAtStart + time + lead)) else { return nil }
        return EncodedFrame(
            codec: .opus,
            decodeTime: time,
            presentationTime: time,
            isKeyFrame: true,
            payload: payload
        )
    }

    /// Makes frames in real time until `control` says stop.
    mutating func run(
        _ control: TestPatternSource.Control,
        configuration: (CodecConfiguration) -> Void,
        frame: (EncodedFrame) -> Void
    ) {
        for item in configurations { configuration(item) }
        let clock = DeadlineClock(startingIn: startDelay)
        var nextPicture: Int64 = 0
        var nextPacket: Int64 = 0
        while !control.isStopped.load(ordering: .relaxed) {
            let pictureTime = time(ofPicture: nextPicture)
            let packetTime = nextPacket * Self.packetDuration
            let due = min(pictureTime, packetTime)
            clock.sleep(until: due)
            let now = clock.now
            if now - due > Self.maximumLag {
                nextPicture = max(nextPicture, now * Int64(settings.framesPerSecond) / 1_000_000)
                nextPacket = max(nextPacket, now / Self.packetDuration)
                continue
            }
            if packetTime == due {
                if let packet = packet(nextPacket) { frame(packet) }
                nextPacket += 1
            }
            if pictureTime == due {
                let wantsKeyFrame = control.wantsKeyFrame.exchange(false, ordering: .relaxed)
                if let picture = picture(nextPicture, asKeyFrame: wantsKeyFrame) { frame(picture) }
                nextPicture += 1
            }
        }
    }
}

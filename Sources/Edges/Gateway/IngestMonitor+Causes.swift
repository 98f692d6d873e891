import Media

/// What counts as wrong.
extension IngestMonitor {
    /// A share of packets lost to begin and to end by; one in fifty is what sound begins to suffer from.
    private static let loss = (begins: 0.02, ends: 0.01)
    /// Seconds of jitter; browsers hold back what varies more.
    private static let jitter = (begins: 0.05, ends: 0.03)
    /// Seconds between picture and sound; from 0.1 on people notice.
    private static let skew = (begins: 0.2, ends: 0.12)
    /// Of what the encoder declares.
    private static let bitrate = (begins: 0.5, ends: 0.6)
    private static let excess = (begins: 1.5, ends: 1.3)
    /// Seconds between key frames: 4, and the tenth more that an encoder with a varying frame rate may take.
    private static let keyFrames = (begins: 4.1, ends: 3.9)
    /// Seconds of a minute.
    private static let drift = (begins: 0.4, ends: 0.3)
    /// Seconds without a picture while sound comes.
    private static let longestStillness = 2.0
    /// Bytes of a sound frame that holds nothing: Opus needs three for silence and AAC about ten.
    private static let silentFrame = [Codec.opus: 12, .aac: 24]
    /// Frames of sound each second below which an encoder has stopped sending (DTX): 2.5 while nobody speaks.
    private static let fewestFrames = 5.0

    static func patience(of code: String) -> Patience {
        switch code {
        case IngestWarning.frozenPicture.code, IngestWarning.transcodeOverloaded.code, "transcode-failed": .none
        case IngestWarning.timestampsJumped.code: .event
        case IngestWarning.noSenderReports(.audio).code, IngestWarning.noSenderReports(.video).code: .reports
        case IngestWarning.silentSound.code, IngestWarning.stillPicture.code, IngestWarning.lowBitrate(0, of: 1).code,
            IngestWarning.highBitrate(1, of: 1).code, IngestWarning.longGroupOfPictures(seconds: 0).code:
            .long
        default: .mean
        }
    }

    /// What is wrong with the window that ends now.
    func present(at now: Moment) -> [(IngestWarning, Patience)] {
        let media = [uplinkLoss, uplinkJitter, frozenPicture, stillPicture, otherBitrate]
        let order = [longGroupOfPictures, irregularKeyFrames]
        let clocks = [newJumps > 0 ? .timestampsJumped : nil, skew, drift(at: now)]
        return (media + order + clocks).compactMap { $0 }.map { ($0, Self.patience(of: $0.code)) }
            + [silentSound].compactMap(\.self) + missingReports.map { ($0, .reports) }
            + (window.last?.transcoding ?? []).map { ($0, .none) }
    }

    private func threshold(_ limits: (begins: Double, ends: Double), _ code: String) -> Double {
        isTold(code) ? limits.ends : limits.begins
    }

    /// How a total has grown over the window, of all tracks or those of a kind.
    private func growth(_ total: KeyPath<IngestReading, Int>, of kind: MediaKind? = nil) -> Int {
        func sum(_ readings: IngestReadings?) -> Int {
            (readings?.tracks ?? []).filter { kind == nil || $0.kind == kind }.reduce(0) { $0 + $1[keyPath: total] }
        }
        return sum(window.last) - sum(window.first)
    }

    /// Whether the window is long enough for a mean.
    private var isFull: Bool { window.count == Self.windowLength }
    /// Seconds, as readings come.
    private var length: Double { Double(window.count - 1) }

    private var uplinkLoss: IngestWarning? {
        guard isFull, let now = window.last, now.isDatagrams else { return nil }
        let (lost, came) = (growth(\.lost), growth(\.packets))
        guard came + lost >= 50 else { return nil }
        let share = Double(lost) / Double(came + lost)
        let warning = IngestWarning.uplinkLoss(share)
        return share >= threshold(Self.loss, warning.code) ? warning : nil
    }

    private var uplinkJitter: IngestWarning? {
        guard isFull, let jitter = window.last?.tracks.compactMap(\.jitter).max() else { return nil }
        let warning = IngestWarning.uplinkJitter(jitter)
        return jitter >= threshold(Self.jitter, warning.code) ? warning : nil
    }

    private var frozenPicture: IngestWarning? {
        guard let video = window.last?.first(.video), let audio = window.last?.first(.audio),
            video.silence ?? 0 >= Self.longestStillness, audio.silence ?? .infinity < 1
        else { return nil }
        return .frozenPicture
    }

    private var stillPicture: IngestWarning? {
        let frames = growth(\.frames, of: .video)
        guard isFull, frames >= 20, growth(\.stillFrames, of: .video) * 10 >= frames * 9 else { return nil }
        return .stillPicture
    }

    private var silentSound: (IngestWarning, Patience)? {
        guard isFull, let audio = window.last?.first(.audio), let most = Self.silentFrame[audio.codec] else {
            return nil
        }
        let (frames, bytes) = (growth(\.frames, of: .audio), growth(\.bytes, of: .audio))
        guard frames > 0, audio.silence ?? 0 < 2 else { return nil }
        // An encoder that stops sending does so because somebody pauses, which may last.
        if Double(frames) / length < Self.fewestFrames { return (.silentSound, .pause) }
        return bytes <= frames * most ? (.silentSound, .long) : nil
    }

    private var skew: IngestWarning? {
        guard isFull else { return nil }
        let skews = window.compactMap { readings -> Double? in
            guard let video = readings.first(.video)?.lateness, let audio = readings.first(.audio)?.lateness else {
                return nil
            }
            return video - audio
        }
        guard skews.count == window.count else { return nil }
        let median = skews.sorted()[skews.count / 2]
        let warning = IngestWarning.skew(median)
        return abs(median) >= threshold(Self.skew, warning.code) ? warning : nil
    }

    /// What is declared, of all tracks or of some, and what came of the same within the window, in bits per second.
    private var declaration: (declared: Int, measured: Int)? {
        func measured(_ kind: MediaKind?) -> Int { Int(Double(growth(\.bytes, of: kind)) * 8 / length) }
        guard isFull, let now = window.last else { return nil }
        if let declared = now.declaredBitrate { return (declared, measured(nil)) }
        var sum = (declared: 0, measured: 0)
        for kind in [MediaKind.video, .audio] {
            let rates = now.tracks.filter { $0.kind == kind }.map(\.declaredBitrate)
            guard !rates.contains(nil) else { continue }
            sum.declared += rates.reduce(0) { $0 + ($1 ?? 0) }
            sum.measured += measured(kind)
        }
        return sum
    }

    private var otherBitrate: IngestWarning? {
        guard let (declared, measured) = declaration, declared > 0 else { return nil }
        let share = Double(measured) / Double(declared)
        let less = IngestWarning.lowBitrate(measured, of: declared)
        if share < threshold(Self.bitrate, less.code) { return less }
        let more = IngestWarning.highBitrate(measured, of: declared)
        return share > threshold(Self.excess, more.code) ? more : nil
    }

    private var missingReports: [IngestWarning] {
        guard let now = window.last, now.isDatagrams, now.tracks.count > 1 else { return [] }
        return now.tracks.filter { $0.silence ?? .infinity < 5 && !$0.hasPublisherClock }.map {
            .noSenderReports($0.kind)
        }
    }

    private var longGroupOfPictures: IngestWarning? {
        guard let video = window.last?.first(.video), !video.answersKeyFrameRequests else { return nil }
        let closed = video.keyFrameInterval ?? 0
        // Some encoders make one key frame and no more; one that sends nothing at all is another matter.
        let open = video.silence ?? .infinity < 1 ? video.keyFrameAge ?? 0 : 0
        let warning = IngestWarning.longGroupOfPictures(seconds: max(closed, open), isOpen: open > closed)
        return max(closed, open) > threshold(Self.keyFrames, warning.code) ? warning : nil
    }

    private var irregularKeyFrames: IngestWarning? {
        guard keyFrameIntervals.count >= 4, let least = keyFrameIntervals.min(), let most = keyFrameIntervals.max(),
            most >= 2.5, most >= least * 2
        else { return nil }
        return .irregularKeyFrames(least, most)
    }

    private func drift(at now: Moment) -> IngestWarning? {
        guard let punctual, now - punctual.at >= .seconds(20),
            let lateness = window.last?.tracks.compactMap(\.lateness).min()
        else { return nil }
        let moved = lateness - punctual.lateness
        let warning = IngestWarning.drift(moved)
        return abs(moved) >= threshold(Self.drift, warning.code) ? warning : nil
    }
}

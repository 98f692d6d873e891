import Media

/// Watches a publisher all the time, and says what is wrong, since when.
///
/// A value without a clock: it is shown readings about once a second. A finding begins when its cause has lasted for a while, and ends
/// when the cause has been away for a while; figures have to be better to end one than to begin it.
struct IngestMonitor {
    typealias Moment = ContinuousClock.Instant

    /// Something that is wrong at present.
    struct Finding {
        var warning: IngestWarning
        var since: Moment
    }

    /// How long a cause is looked for before it is told of, and how long it has to be away.
    struct Patience {
        var onset: Duration
        var release: Duration

        /// For figures that are means over ``windowLength`` readings already.
        static let mean = Patience(onset: .seconds(3), release: .seconds(5))
        /// For what happens in quiet moments of a sane stream too.
        static let long = Patience(onset: .seconds(8), release: .seconds(3))
        /// For what somebody who speaks now and then does on purpose.
        static let pause = Patience(onset: .seconds(60), release: .seconds(3))
        /// For what is a finding as soon as it is so.
        static let none = Patience(onset: .zero, release: .seconds(2))
        /// For what happens in a moment, and is looked into by people who come to see it later.
        static let event = Patience(onset: .zero, release: .seconds(60))
        /// For what publishers send every five seconds or more often (RFC 3550 §6.2).
        static let reports = Patience(onset: .seconds(15), release: .seconds(2))
    }

    private struct Cause {
        var warning: IngestWarning
        var firstSeen: Moment
        var lastSeen: Moment
        var isTold = false
    }

    /// Readings that means are taken over: five seconds.
    static let windowLength = 6
    /// Intervals between key frames that are compared.
    static let maximumIntervals = 6

    private(set) var window: [IngestReadings] = []
    private(set) var keyFrameIntervals: [Double] = []
    private(set) var punctual: (lateness: Double, at: Moment)?
    /// Jumps of the publisher's clock since the last readings.
    private(set) var newJumps = 0
    private var jumps: Int?
    private var causes: [String: Cause] = [:]

    /// At most one for each code, in the order of their beginnings.
    var findings: [Finding] {
        causes.values.filter(\.isTold).map { Finding(warning: $0.warning, since: $0.firstSeen) }
            .sorted { ($0.since, $0.warning.code) < ($1.since, $1.warning.code) }
    }

    /// Whether a cause is told of at present; figures must then be better to end it than they had to be to begin it.
    func isTold(_ code: String) -> Bool { causes[code]?.isTold == true }

    /// Takes the figures of this moment.
    mutating func observe(_ readings: IngestReadings, at now: Moment) {
        // Another encoder, or other tracks: nothing of before can be compared.
        if let last = window.last, last.tracks.map(\.codec) != readings.tracks.map(\.codec) { window = [] }
        window.append(readings)
        if window.count > Self.windowLength { window.removeFirst() }
        noteKeyFrames(readings)
        // What the first readings hold may be another publisher's.
        newJumps = jumps.map { max(readings.clockJumps - $0, 0) } ?? 0
        jumps = readings.clockJumps
        notePunctuality(readings, at: now)
        for (warning, patience) in present(at: now) { see(warning, patience, at: now) }
        for (code, cause) in causes where now - cause.lastSeen >= Self.patience(of: code).release {
            causes[code] = nil
        }
    }

    private mutating func see(_ warning: IngestWarning, _ patience: Patience, at now: Moment) {
        var cause = causes[warning.code] ?? Cause(warning: warning, firstSeen: now, lastSeen: now)
        // Before it is told of, a cause that comes and goes begins anew each time.
        if !cause.isTold, now - cause.lastSeen > .seconds(2) { cause.firstSeen = now }
        cause.warning = warning
        cause.lastSeen = now
        if now - cause.firstSeen >= patience.onset { cause.isTold = true }
        causes[warning.code] = cause
    }

    private mutating func noteKeyFrames(_ readings: IngestReadings) {
        guard let video = readings.first(.video), !video.answersKeyFrameRequests, let interval = video.keyFrameInterval,
            interval != keyFrameIntervals.last
        else { return }
        keyFrameIntervals.append(interval)
        if keyFrameIntervals.count > Self.maximumIntervals { keyFrameIntervals.removeFirst() }
    }

    /// Remembers how late frames were a minute ago, at most.
    private mutating func notePunctuality(_ readings: IngestReadings, at now: Moment) {
        // Encoders begin with what they have collected.
        guard !readings.isDatagrams, window.count == Self.windowLength,
            let lateness = readings.tracks.compactMap(\.lateness).min()
        else {
            punctual = nil
            return
        }
        guard let before = punctual else {
            punctual = (lateness, now)
            return
        }
        // A clock that was set anew, or a minute that is over: both begin another comparison.
        if abs(lateness - before.lateness) > 4.5 || now - before.at >= .seconds(60) { punctual = (lateness, now) }
    }
}

package import Primitives
import RTP

/// What the path to one viewer carries, from whatever that viewer reports.
///
/// Three kinds of receivers, told apart by what comes:
/// - Transport-wide feedback: the smaller of the delay-based and the loss-based estimate of draft-ietf-rmcat-gcc-02,
///   with probes. The first one is there after a quarter of a second of feedback, or with the first probe.
/// - REMB: the receiver's own estimate, and the loss-based limit below it.
/// - Receiver reports only: no estimate, until they report more than 10% loss; then the loss-based limit.
///
/// The driver calls ``didSend(transportSequenceNumber:size:at:)`` for each packet, the `receive` methods for what comes
/// back, and ``advance(to:)`` at least every 100 ms; then it reads ``estimate``. Nothing is allocated after `init`.
package struct BandwidthEstimator: ~Copyable {
    /// Where estimates start and end.
    package struct Configuration: Sendable {
        /// What is assumed with the first feedback, until more is known.
        package var start = Bitrate.kilobits(300)
        /// What the estimate never falls below: sound, and a little.
        package var minimum = Bitrate.kilobits(50)
        /// What it never exceeds.
        package var maximum = Bitrate.megabits(50)
        /// Whether packets carry transport-wide numbers.
        package var sendsTransportSequenceNumbers: Bool
        /// Whether padding can be sent, which needs a retransmission stream: its numbers, and so its nonces, are free.
        package var canPad: Bool

        package init(sendsTransportSequenceNumbers: Bool = true, canPad: Bool = true) {
            self.sendsTransportSequenceNumbers = sendsTransportSequenceNumbers
            self.canPad = canPad
        }
    }

    /// Feedback that does not come for this long, while packets are sent, is a path that has failed.
    static var feedbackTimeout: Interval { .seconds(2) }
    /// What is left of the estimate after each further second of silence.
    static var silenceFactor: Double { 0.8 }
    /// A round trip is taken for this until one is known, and never for longer than the second.
    static var initialRoundTrip: Interval { .milliseconds(100) }
    static var maximumRoundTrip: Interval { .seconds(1) }
    /// A limit for a viewer without feedback ends when it is this much more than we send.
    static var reportCeiling: Double { 2 }
    /// A queue that has shown this lately may not have drained.
    static var queueMemory: Interval { .seconds(5) }

    let configuration: Configuration
    var history: SendHistory?
    var clock = ArrivalClock()
    var groups = InterArrival()
    var trendline = TrendlineEstimator()
    var detector = OveruseDetector()
    var rate: AIMDRateControl
    var arriving = RateWindow()
    var sending = RateWindow()
    var loss = LossController()
    var coverage = FeedbackCoverage()
    var reports = LossReports()
    var applicationLimit = ApplicationLimit()
    var probes = ProbeController()

    /// What the receiver allows us.
    var cap: Bitrate?
    var roundTrip: Interval?
    var lastSentAt: Instant?
    /// When feedback last said something about a packet of ours; `nil` before the first.
    var lastFeedbackAt: Instant?
    var lastSilenceAt: Instant?
    /// Whether feedback has said more than where we start from.
    var isSettled = false
    var overusedAt: Instant?

    /// The estimate, or where it starts: what is compared with what we send.
    var working: Bitrate

    /// What somebody could make use of: the rate of the highest layer or of the whole stream; `nil` for no more than now.
    ///
    /// While it is above the estimate, there are probes.
    package var wanted: Bitrate?

    /// The transport-wide number that the next packet must carry.
    package private(set) var nextTransportSequenceNumber: UInt16

    /// An estimator that knows nothing; `firstSequenceNumber` is free to choose.
    package init(_ configuration: Configuration, firstSequenceNumber: UInt16 = 0) {
        self.configuration = configuration
        history = configuration.sendsTransportSequenceNumbers ? SendHistory() : nil
        nextTransportSequenceNumber = firstSequenceNumber
        rate = AIMDRateControl(start: configuration.start)
        working = configuration.start
    }

    // MARK: Sending

    /// Notes a packet that carries a transport-wide number, just before it leaves.
    ///
    /// - Parameters:
    ///   - number: ``nextTransportSequenceNumber``, for media, retransmissions and padding alike.
    ///   - size: Bytes on the wire, as far as known.
    ///   - now: When it leaves.
    /// - Complexity: O(1); never allocates.
    @inline(__always)
    package mutating func didSend(transportSequenceNumber number: UInt16, size: Int, at now: Instant) {
        history?.add(number, size: size, probe: probes.currentID, at: now)
        nextTransportSequenceNumber = number &+ 1
        probes.didSend(size, at: now)
        didSend(size: size, at: now)
    }

    /// Notes a packet without a transport-wide number, just before it leaves.
    @inline(__always)
    package mutating func didSend(size: Int, at now: Instant) {
        lastSentAt = now
        sending.add(size, at: now)
        applicationLimit.didSend(size, estimate: working, at: now)
    }

    // MARK: Probing

    /// Makes the beginning of a replay, which is about to be sent at `bitrate`, the first probe.
    package mutating func beginReplay(at bitrate: Bitrate, now: Instant) {
        guard history != nil else { return }
        probes.beginReplay(at: bitrate, now: now)
    }

    /// Ends the probe that ``beginReplay(at:now:)`` began, if it is not long complete.
    package mutating func endReplay(at now: Instant) {
        probes.endReplay(at: now)
    }

    /// Whether a probe is being sent, so that ``paddingDue(at:)`` is worth a call each ``Pacer/interval``.
    package var isProbing: Bool { probes.currentID != 0 }

    /// Bytes of padding to send now, after the media of this tick; 0 outside of probes.
    ///
    /// They go on the retransmission stream: packets sent again are better padding than zeros.
    package func paddingDue(at now: Instant) -> Int {
        guard configuration.canPad, let probe = probes.probe else { return 0 }
        return probe.due(at: now)
    }

    // MARK: Time

    /// Lets time pass: begins probes, and gives up on a path that reports nothing.
    ///
    /// At least every 100 ms; a probe begins no sooner than the next call.
    package mutating func advance(to now: Instant) {
        applicationLimit.update(at: now)
        // Who is sent nothing, as while a picture is paused, has nothing to report.
        if let lastFeedbackAt, let lastSentAt, lastSentAt - lastFeedbackAt > Self.feedbackTimeout,
            lastSentAt > lastSilenceAt ?? lastFeedbackAt, now - (lastSilenceAt ?? lastFeedbackAt) >= .seconds(1)
        {
            lastSilenceAt = now
            rate.limit(to: max(rate.bitrate * Self.silenceFactor, configuration.minimum))
            combine()
        }
        guard configuration.canPad, lastFeedbackAt != nil, !loss.isHeavy(at: now) else { return }
        probes.advance(estimate: working, wanted: wanted, isIdle: isIdle, overusedAt: overusedAt, at: now)
    }

    /// Whether we send clearly less than the estimate: it stops growing a little before ``ApplicationLimit`` says so.
    var isIdle: Bool { applicationLimit.since != nil || (sending.bitrate ?? .zero) < working * 0.8 }

    // MARK: The result

    /// What the path carries; `nil` while nothing speaks against sending at once whatever there is.
    package var estimate: Bitrate? {
        hasEstimate ? working : nil
    }

    private var hasEstimate: Bool { isSettled || cap != nil || loss.limit != nil }

    /// Works the estimate out again after one of its parts has moved.
    mutating func combine() {
        var combined = isSettled ? rate.bitrate : (cap ?? loss.limit ?? working)
        if let cap { combined = min(combined, cap) }
        if let limit = loss.limit { combined = min(combined, limit) }
        working = min(max(combined, configuration.minimum), configuration.maximum)
    }
}

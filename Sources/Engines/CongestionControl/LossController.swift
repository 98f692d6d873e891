package import Primitives

/// The loss-based limit (draft-ietf-rmcat-gcc-02 §6).
///
/// Losses below 2% are taken for noise, above 10% for a full path; between them nothing grows. Differs from the draft in
/// that there is no limit at all until losses have been heavy: else As_hat would lag behind what probes find, or grow
/// without end. And what arrives in spite of the losses is free: a stream that does not give way would else take the
/// limit to nothing on a path that carries most of it.
package struct LossController: Sendable {
    package static let lowLoss = 0.02
    package static let highLoss = 0.1
    /// Losses are judged over at least this many packets and this long, so that chance does not make 5% look like 10%.
    package static let minimumPackets = 50
    package static let minimumTime = Interval.milliseconds(500)
    /// The part of what arrives that losses leave at least while there is a queue: less than all, for it must drain.
    private static let drainingPart = 0.7
    /// The same where nothing speaks of a queue.
    ///
    /// What is sent again arrives too, so on a path that loses at random this much of a stream is left, however much is
    /// lost: far above where a picture is taken away.
    private static let arrivingPart = 0.85
    private static let memory = Interval.seconds(3)
    /// What losses never go below: growth from nothing would take for ever.
    private static let minimum = Bitrate.kilobits(50)
    /// Growth per second while losses are low.
    private static let growthPerSecond = 1.08

    private var expected = 0
    private var lost = 0
    private var windowStart: Instant?
    private var lastDecrease: Instant?

    /// `nil` while losses limit nothing.
    package private(set) var limit: Bitrate?
    /// The part of packets lost in the last window judged, 0 to 1.
    package private(set) var lossFraction = 0.0
    /// Whether the other controllers may go up: between ``lowLoss`` and ``highLoss`` the draft keeps the rate.
    package var allowsGrowth: Bool { lossFraction < Self.lowLoss }
    /// Whether losses are taking the estimate down, now or a moment ago: one good window among bad ones is chance.
    package func isHeavy(at now: Instant) -> Bool {
        // What was lost long ago says nothing when nothing was sent since, as to a viewer whose picture is paused.
        let isJudged = windowStart.map { now - $0 < Self.memory } ?? false
        return (isJudged && lossFraction > Self.highLoss) || lastDecrease.map { now - $0 < Self.memory } ?? false
    }

    package init() {}

    /// Takes a report on packets.
    ///
    /// - Parameters:
    ///   - expected: Packets that were reported on for the first time; negative counts as 0.
    ///   - lost: How many of them are missing, less those that turned out to be late only.
    ///   - current: The estimate as the other controllers have it, or the rate we send at: what losses reduce.
    ///   - arriving: What arrives, as far as known; the limit does not stay below 85% of it, or 70%.
    ///   - ceiling: A limit that has grown above this limits nothing and is dropped.
    ///   - roundTrip: Time until a reduction can show.
    ///   - hasQueue: Whether packets have been delayed lately by a queue of their own.
    ///   - now: When the report came.
    package mutating func receive(
        expected: Int,
        lost: Int,
        current: Bitrate,
        arriving: Bitrate,
        ceiling: Bitrate,
        roundTrip: Interval,
        hasQueue: Bool,
        at now: Instant
    ) {
        self.expected += max(expected, 0)
        self.lost += lost
        let start = windowStart ?? now
        windowStart = start
        guard self.expected >= Self.minimumPackets, now - start >= Self.minimumTime else { return }
        lossFraction = min(max(Double(self.lost) / Double(self.expected), 0), 1)
        let elapsed = min((now - start).seconds, 1)
        self.expected = 0
        self.lost = 0
        windowStart = now
        judge(
            current: current,
            floor: max(arriving * (hasQueue ? Self.drainingPart : Self.arrivingPart), Self.minimum),
            ceiling: ceiling,
            roundTrip: roundTrip,
            elapsed: elapsed,
            at: now
        )
    }

    private mutating func judge(
        current: Bitrate,
        floor: Bitrate,
        ceiling: Bitrate,
        roundTrip: Interval,
        elapsed: Double,
        at now: Instant
    ) {
        if lossFraction > Self.highLoss {
            if let lastDecrease, now - lastDecrease < .milliseconds(300) + roundTrip { return }
            lastDecrease = now
            let before = min(limit ?? current, current)
            // What arrived in a bad moment is no limit for a better one, even if that is no good one.
            limit = max(before * (1 - 0.5 * lossFraction), min(floor, current))
        } else if lossFraction < Self.lowLoss, let limit {
            let grown = limit * (1 + (Self.growthPerSecond - 1) * elapsed) + .kilobits(1)
            self.limit = grown < ceiling ? grown : nil
        }
    }

    /// A probe has come through at this rate, with its losses: the path carries it.
    package mutating func lift(to found: Bitrate) {
        if let limit { self.limit = max(limit, found) }
    }
}

package import Primitives

/// The delay-based rate: up while nothing speaks against it, down when the path is overused
/// (draft-ietf-rmcat-gcc-02 §5.5).
package struct AIMDRateControl: Sendable {
    /// "beta": what is left of the received rate after overuse.
    package static let backoff = 0.85
    /// "eta": multiplicative growth per second far from the last known limit.
    private static let growthPerSecond = 1.08
    /// The estimate grows to this multiple of what arrives and not beyond: more has no evidence.
    private static let evidence = 1.5
    private static let evidenceOffset = Bitrate.kilobits(10)
    /// Additive growth never falls below this per second.
    private static let minimumGrowth = Bitrate.kilobits(4)
    private static let packetSize = 1_200.0
    /// Weight of the newest received rate at overuse in the average of them.
    private static let convergence = 0.05

    private enum State {
        case hold
        case increase
    }

    private var state = State.hold
    package private(set) var bitrate: Bitrate
    private var lastUpdate: Instant?
    private var lastDecrease: Instant?
    /// The received rate at past overuses in kbit/s, averaged, and its variance over the average.
    private var averageLimit: Double?
    private var variance = 0.4

    package init(start: Bitrate) {
        bitrate = start
    }

    /// When the rate was last reduced; `nil` if never.
    package var decreasedAt: Instant? { lastDecrease }
    /// Whether growth is additive, because the rate is about where the path was last full.
    package var isNearLimit: Bool { averageLimit != nil }

    /// Moves the rate after a feedback.
    ///
    /// - Parameters:
    ///   - signal: What the delay says.
    ///   - acknowledged: What arrives; `nil` when not known yet.
    ///   - roundTrip: Time from sending to feedback.
    ///   - mayGrow: Not while we send less than we may, for then calm proves nothing, nor while packets get lost.
    ///   - now: When the feedback came.
    package mutating func update(
        _ signal: OveruseDetector.Signal,
        acknowledged: Bitrate?,
        roundTrip: Interval,
        mayGrow: Bool,
        at now: Instant
    ) {
        let elapsed = max(min(lastUpdate.map { now - $0 } ?? .zero, .seconds(1)), .zero)
        lastUpdate = now
        // The table of §5.5: overuse decreases and then holds; underuse holds while the queue drains.
        switch (signal, state) {
        case (.overusing, _):
            decrease(acknowledged: acknowledged, roundTrip: roundTrip, at: now)
            state = .hold
        case (.underusing, _):
            state = .hold
        case (.normal, .hold):
            state = .increase
        case (.normal, .increase):
            if mayGrow {
                increase(acknowledged: acknowledged, roundTrip: roundTrip, elapsed: elapsed.seconds)
            }
        }
    }

    /// Takes a rate that a probe has found.
    package mutating func set(_ found: Bitrate) {
        bitrate = found
        if let averageLimit, found.bitsPerSecond / 1e3 > averageLimit + deviation(of: averageLimit) * 3 {
            self.averageLimit = nil
        }
    }

    /// Keeps the rate at or below a limit.
    package mutating func limit(to maximum: Bitrate) {
        bitrate = min(bitrate, maximum)
    }

    // MARK: Up

    private mutating func increase(acknowledged: Bitrate?, roundTrip: Interval, elapsed: Double) {
        if let acknowledged, let averageLimit,
            acknowledged.bitsPerSecond / 1e3 > averageLimit + 3 * deviation(of: averageLimit)
        {
            // More arrives than at any overuse we remember: the limit is elsewhere now.
            self.averageLimit = nil
        }
        let grown: Bitrate
        if averageLimit != nil {
            // About half a packet per response time, which "is estimated as the round-trip time plus 100 ms" (§5.5),
            // doubled for the time that the adaptive threshold needs.
            let response = 2 * (roundTrip.seconds + 0.1)
            let perFrame = bitrate.bitsPerSecond / 8 / 30
            let packet = perFrame / (perFrame / Self.packetSize).rounded(.up)
            let rate = max(Bitrate(bitsPerSecond: packet * 8 / response), Self.minimumGrowth)
            grown = bitrate + rate * elapsed
        } else {
            grown = bitrate * Self.power(elapsed) + Bitrate.kilobits(1) * elapsed
        }
        guard let acknowledged else { return bitrate = max(bitrate, grown) }
        let ceiling = acknowledged * Self.evidence + Self.evidenceOffset
        bitrate = max(bitrate, min(grown, ceiling))
    }

    /// ``growthPerSecond`` to the power of up to one second, to a few parts in 10,000: no library function needed.
    private static func power(_ elapsed: Double) -> Double {
        let exponent = 0.076_961 * elapsed
        return 1 + exponent * (1 + exponent / 2)
    }

    // MARK: Down

    private mutating func decrease(acknowledged: Bitrate?, roundTrip: Interval, at now: Instant) {
        // What was done just now has not had time to show.
        if let lastDecrease, now - lastDecrease < max(min(roundTrip, .milliseconds(200)), .milliseconds(10)) { return }
        lastDecrease = now
        let received = acknowledged ?? bitrate
        var reduced = received * Self.backoff
        if reduced > bitrate, let averageLimit {
            reduced = Bitrate.kilobits(averageLimit) * Self.backoff
        }
        bitrate = min(bitrate, reduced)
        guard acknowledged != nil else { return }
        note(limit: received.bitsPerSecond / 1e3)
    }

    private mutating func note(limit: Double) {
        if let averageLimit, abs(limit - averageLimit) > 3 * deviation(of: averageLimit) {
            self.averageLimit = nil
        }
        guard let average = averageLimit else {
            averageLimit = limit
            variance = 0.4
            return
        }
        let next = (1 - Self.convergence) * average + Self.convergence * limit
        let difference = next - limit
        variance = (1 - Self.convergence) * variance + Self.convergence * difference * difference / max(next, 1)
        variance = min(max(variance, 0.4), 2.5)
        averageLimit = next
    }

    private func deviation(of average: Double) -> Double { (variance * average).squareRoot() }
}

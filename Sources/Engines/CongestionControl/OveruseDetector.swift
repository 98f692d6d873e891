package import Primitives

/// Decides from the delay's trend whether the path is overused, with a threshold that adapts to it
/// (draft-ietf-rmcat-gcc-02 §5.4).
///
/// A fixed threshold would either starve beside a TCP flow, which makes queues grow and shrink all the time, or be blind
/// to the slow growth of a queue of our own.
package struct OveruseDetector: Sendable {
    /// What the delay says about the path.
    package enum Signal: Equatable, Sendable {
        case normal
        /// A queue grows.
        case overusing
        /// A queue becomes shorter.
        case underusing
    }

    /// The threshold in ms to begin with, and the range it stays in: del_var_th(0) and its clamp, §5.4.
    package static let initialThreshold = 12.5
    package static let thresholdRange = 6.0...600.0
    /// How fast the threshold follows a trend above and below it, per ms: K_u and K_d.
    ///
    /// The draft's 0.01 and 0.00018 are for its Kalman filter; these are for a trend line.
    private static let gainUp = 0.0087
    private static let gainDown = 0.039
    /// A trend that exceeds the threshold by more than this is an outlier, which must not move it (§5.4: 15 ms).
    private static let outlier = 15.0
    /// "overuse_time_th": how long the trend must stay above the threshold.
    private static let overuseTime = Interval.milliseconds(10)
    /// The slope is multiplied by this, and by the number of groups up to ``fullWeight``, for milliseconds.
    private static let slopeGain = 4.0
    private static let fullWeight = 60

    private var threshold = initialThreshold
    private var lastUpdate: Instant?
    private var overusingFor: Interval?
    private var overuseCount = 0
    private var previousSlope = 0.0

    package private(set) var signal = Signal.normal
    /// The trend that the threshold is compared with, in ms; for figures that people read.
    package private(set) var trend = 0.0

    package init() {}

    /// Takes the slope after the next group.
    ///
    /// - Parameters:
    ///   - slope: Milliseconds of delay gained per millisecond.
    ///   - groups: How many groups there were so far.
    ///   - sent: How long after the group before it the group was sent.
    ///   - arrival: When the group arrived.
    package mutating func update(slope: Double, groups: Int, sent: Interval, arrival: Instant) {
        let trend = Double(min(groups, Self.fullWeight)) * slope * Self.slopeGain
        if trend > threshold {
            // "If m(i) < m(i-1), over-use will not be signaled even if all the above conditions are met" (§5.4).
            // The first sample may have crossed the threshold anywhere in its interval.
            overusingFor = overusingFor.map { $0 + sent } ?? sent / 2
            overuseCount += 1
            if let overusingFor, overusingFor > Self.overuseTime, overuseCount > 1, slope >= previousSlope {
                signal = .overusing
                self.overusingFor = .zero
                overuseCount = 0
            }
        } else {
            overusingFor = nil
            overuseCount = 0
            signal = trend < -threshold ? .underusing : .normal
        }
        previousSlope = slope
        self.trend = trend
        adapt(to: trend, at: arrival)
    }

    private mutating func adapt(to trend: Double, at arrival: Instant) {
        defer { lastUpdate = arrival }
        let magnitude = abs(trend)
        guard let lastUpdate, magnitude <= threshold + Self.outlier else { return }
        let gain = magnitude < threshold ? Self.gainDown : Self.gainUp
        // A pause must not move the threshold all the way at once.
        let elapsed = min(max((arrival - lastUpdate).milliseconds, 0), 100)
        threshold += gain * (magnitude - threshold) * elapsed
        threshold = min(max(threshold, Self.thresholdRange.lowerBound), Self.thresholdRange.upperBound)
    }
}

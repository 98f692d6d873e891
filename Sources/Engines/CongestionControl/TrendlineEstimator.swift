import Primitives

/// The slope of the queueing delay over the last 20 groups: whether a queue grows, and how fast.
///
/// Takes the place of the Kalman filter in draft-ietf-rmcat-gcc-02 §5.3, as in the senders of today's browsers: a line
/// through the smoothed delay needs no model of the noise and is exact about what it has seen.
package struct TrendlineEstimator: Sendable {
    /// Groups that the line is drawn through.
    package static let window = 20
    /// The part of the smoothed delay that stays with each new group.
    private static let smoothing = 0.9

    private struct Sample {
        /// Milliseconds since the first group.
        var arrival = 0.0
        /// Milliseconds by which the way takes longer than for the first group, smoothed.
        var delay = 0.0
    }

    private var samples = InlineArray<20, Sample>(repeating: Sample())
    /// Groups so far; counting stops where it no longer matters.
    package private(set) var count = 0
    private var next = 0
    private var origin: Instant?
    private var delay = 0.0
    private var smoothedDelay = 0.0

    package init() {}

    /// Forgets everything, because the receiver's clock is another one.
    package mutating func reset() { self = TrendlineEstimator() }

    /// Takes the next group.
    ///
    /// - Returns: Milliseconds of delay gained per millisecond; `nil` until the window is full.
    package mutating func update(_ delta: InterArrival.Delta) -> Double? {
        let start = origin ?? delta.arrival
        origin = start
        delay += delta.variation.milliseconds
        smoothedDelay = Self.smoothing * smoothedDelay + (1 - Self.smoothing) * delay
        samples[next] = Sample(arrival: (delta.arrival - start).milliseconds, delay: smoothedDelay)
        next = (next + 1) % Self.window
        count = min(count + 1, 1_000)
        return count >= Self.window ? slope : nil
    }

    /// By least squares; `nil` when all groups came at the same time.
    private var slope: Double? {
        // A view: reading the array itself element by element would copy it each time.
        let samples = samples.span
        var sum = Sample()
        for index in samples.indices {
            sum.arrival += samples[index].arrival
            sum.delay += samples[index].delay
        }
        let mean = Sample(
            arrival: sum.arrival / Double(Self.window),
            delay: sum.delay / Double(Self.window)
        )
        var numerator = 0.0
        var denominator = 0.0
        for index in samples.indices {
            let distance = samples[index].arrival - mean.arrival
            numerator += distance * (samples[index].delay - mean.delay)
            denominator += distance * distance
        }
        return denominator > 0 ? numerator / denominator : nil
    }
}

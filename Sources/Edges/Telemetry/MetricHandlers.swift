import Metrics
import Synchronization

/// A counter or a gauge.
final class NumberMetric: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, Sendable {
    let kind: MetricFamily.Kind
    private let storage = Mutex(0.0)

    init(kind: MetricFamily.Kind) {
        self.kind = kind
    }

    var value: Double { storage.withLock { $0 } }

    func increment(by amount: Int64) { increment(by: Double(amount)) }
    func increment(by amount: Double) { storage.withLock { $0 += amount } }
    func decrement(by amount: Double) { storage.withLock { $0 -= amount } }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { storage.withLock { $0 = value } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func reset() { set(0.0) }
}

/// Observations of seconds in buckets from half a millisecond to ten seconds.
final class HistogramMetric: TimerHandler, RecorderHandler, Sendable {
    static let upperBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    private let storage = Mutex(
        HistogramSnapshot(
            upperBounds: upperBounds,
            counts: Array(repeating: 0, count: upperBounds.count + 1),
            sum: 0
        )
    )

    var snapshot: HistogramSnapshot { storage.withLock { $0 } }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        let bucket = Self.upperBounds.firstIndex { value <= $0 } ?? Self.upperBounds.count
        storage.withLock { histogram in
            histogram.counts[bucket] &+= 1
            histogram.sum += value
        }
    }
}

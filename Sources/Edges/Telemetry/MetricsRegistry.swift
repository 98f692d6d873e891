package import Metrics
import Synchronization

/// Keeps what is counted through swift-metrics, and adds what others measure at the moment of a scrape.
package final class MetricsRegistry: MetricsFactory, Sendable {
    /// Beyond this many label combinations new ones are counted nowhere.
    package static let maximumSeries = 2000

    private struct Series: Hashable {
        var name: String
        var labels: [MetricFamily.Label]
    }

    private struct State {
        var numbers: [Series: NumberMetric] = [:]
        var histograms: [Series: HistogramMetric] = [:]
        var collectors: [@Sendable () async -> [MetricFamily]] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// Adds a source of families that are read at each scrape, such as a snapshot of the media plane.
    ///
    /// - Parameter collect: Called once for each scrape.
    package func addCollector(_ collect: @escaping @Sendable () async -> [MetricFamily]) {
        state.withLock { $0.collectors.append(collect) }
    }

    /// Everything known now, in the text format of Prometheus.
    package func scrape() async -> String {
        let (own, collectors) = state.withLock { state in (Self.families(state), state.collectors) }
        var families = own
        for collect in collectors { families += await collect() }
        return PrometheusText.render(families)
    }

    private static func families(_ state: State) -> [MetricFamily] {
        var samples: [String: [MetricFamily.Sample]] = [:]
        var kinds: [String: MetricFamily.Kind] = [:]
        for (series, metric) in state.numbers {
            samples[series.name, default: []].append(.init(.number(metric.value), labels: series.labels))
            kinds[series.name] = metric.kind
        }
        for (series, metric) in state.histograms {
            samples[series.name, default: []].append(.init(.histogram(metric.snapshot), labels: series.labels))
            kinds[series.name] = .histogram
        }
        return samples.keys.sorted().map { name in
            MetricFamily(
                name: name,
                help: MetricName.byName[name]?.help ?? name,
                kind: kinds[name] ?? .gauge,
                samples: (samples[name] ?? []).sorted { "\($0.labels)" < "\($1.labels)" }
            )
        }
    }

    // MARK: - MetricsFactory

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        number(label, dimensions, .counter)
    }

    package func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        number(label, dimensions, .counter)
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        number(label, dimensions, .gauge)
    }

    package func makeRecorder(
        label: String,
        dimensions: [(String, String)],
        aggregate: Bool
    ) -> any RecorderHandler {
        aggregate ? histogram(label, dimensions) : number(label, dimensions, .gauge)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(label, dimensions)
    }

    // Series live as long as the process: a counter that starts again at zero is worse than one that stays.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    private func number(
        _ label: String,
        _ dimensions: [(String, String)],
        _ kind: MetricFamily.Kind
    ) -> NumberMetric {
        let series = Self.series(label, dimensions)
        return state.withLock { state in
            if let known = state.numbers[series] { return known }
            let metric = NumberMetric(kind: kind)
            if state.numbers.count < Self.maximumSeries { state.numbers[series] = metric }
            return metric
        }
    }

    private func histogram(_ label: String, _ dimensions: [(String, String)]) -> HistogramMetric {
        let series = Self.series(label, dimensions)
        return state.withLock { state in
            if let known = state.histograms[series] { return known }
            let metric = HistogramMetric()
            if state.histograms.count < Self.maximumSeries { state.histograms[series] = metric }
            return metric
        }
    }

    private static func series(_ label: String, _ dimensions: [(String, String)]) -> Series {
        Series(name: identifier(label), labels: dimensions.map { .init(identifier($0.0), $0.1) })
    }

    /// Packages write labels with dots and dashes, which Prometheus does not allow.
    private static func identifier(_ text: String) -> String {
        let mapped = text.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") ? $0 : "_" }
        return String(mapped.first?.isNumber == true ? ["_"] + mapped : mapped)
    }
}

extension MetricsRegistry {
    /// Counts a request for HLS.
    ///
    /// - Parameter kind: A word of the program: what was asked for.
    package func countHLSRequest(_ kind: String) {
        Counter(label: MetricName.hlsRequests.name, dimensions: [("kind", kind)], factory: self).increment()
    }

    /// Counts a request that was refused.
    ///
    /// - Parameter reason: A word of the program, never text from the network.
    package func countRefusal(_ reason: String) {
        Counter(label: MetricName.refusals.name, dimensions: [("reason", reason)], factory: self).increment()
    }
}

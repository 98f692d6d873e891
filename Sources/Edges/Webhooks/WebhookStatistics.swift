package import Telemetry

/// Figures about webhooks, for metrics.
package struct WebhookStatistics: Sendable, Equatable {
    package var delivered: UInt64 = 0
    /// Attempts that brought nothing and are followed by others.
    package var repeated: UInt64 = 0
    package var failed: UInt64 = 0
    package var dropped: UInt64 = 0
    /// Events that wait or are under way.
    package var waiting = 0
    /// Decisions, by what was decided.
    package var decisions: [String: UInt64] = [:]

    package init() {}

    /// The same figures under the names of the metrics.
    package var metricFamilies: [MetricFamily] {
        let outcomes: [(String, UInt64)] = [
            ("delivered", delivered), ("repeated", repeated), ("failed", failed), ("dropped", dropped),
        ]
        let verdicts = decisions.sorted { $0.key < $1.key }
        return [
            MetricFamily(
                .webhookDeliveries, outcomes.map { .init(.integer($1), labels: [.init("outcome", $0)]) }),
            MetricFamily(.webhookQueue, [.init(.integer(UInt64(max(waiting, 0))))]),
            MetricFamily(
                .webhookDecisions,
                verdicts.map { .init(.integer($0.value), labels: [.init("verdict", $0.key)]) }),
        ]
    }
}

package import Telemetry

extension RecordingStatistics {
    /// The same figures under the names of the metrics.
    package var metricFamilies: [MetricFamily] {
        [
            MetricFamily(
                .recordings,
                [
                    .init(.integer(UInt64(max(active, 0))), labels: [.init("state", "active")]),
                    .init(.integer(UInt64(max(paused, 0))), labels: [.init("state", "paused")]),
                ]),
            MetricFamily(.recordedBytes, [.init(.integer(bytes))]),
            MetricFamily(
                .recordingPauses,
                pauses.sorted { $0.key < $1.key }.map { .init(.integer($0.value), labels: [.init("reason", $0.key)]) }),
            MetricFamily(.recordingFramesDropped, [.init(.integer(framesDropped))]),
        ]
    }
}

import MediaIO
package import Telemetry

extension GatewayStatistics {
    /// The same figures under the names of the metrics.
    package var metricFamilies: [MetricFamily] {
        [
            MetricFamily(
                .sessions,
                [
                    Self.sample(publishers, label: .init("kind", "publisher")),
                    Self.sample(viewers, label: .init("kind", "viewer")),
                    Self.sample(links, label: .init("kind", "link")),
                ]),
            MetricFamily(.streams, [Self.sample(streams)]),
            MetricFamily(.packetsReceived, [Self.sample(counters.packetsReceived)]),
            MetricFamily(.packetsSent, [Self.sample(counters.packetsSent)]),
            MetricFamily(.bytesReceived, [Self.sample(counters.bytesReceived)]),
            MetricFamily(.bytesSent, [Self.sample(counters.bytesSent)]),
            MetricFamily(.packetsLost, Self.directions(counters.packetsLostInbound, counters.packetsLostOutbound)),
            MetricFamily(.nacks, Self.directions(counters.nacksReceived, counters.nacksSent)),
            MetricFamily(.retransmissions, [Self.sample(counters.retransmissions)]),
            MetricFamily(
                .keyFrameRequests, Self.directions(counters.keyFrameRequestsReceived, counters.keyFrameRequestsSent)),
            MetricFamily(.forwardDelay, [Self.sample(counters.forwardDelay)]),
            MetricFamily(
                .join,
                [
                    Self.sample(joinNegotiation, label: .init("phase", "sdp")),
                    Self.sample(counters.joins.ice, label: .init("phase", "ice")),
                    Self.sample(counters.joins.dtls, label: .init("phase", "dtls")),
                    Self.sample(counters.joins.firstPacket, label: .init("phase", "first_packet")),
                ]),
            MetricFamily(
                .ingestWarnings,
                ingestWarnings.sorted { $0.key < $1.key }.map { Self.sample($0.value, label: .init("code", $0.key)) }),
            // Refused requests are counted by the services; a family of one name is written as one.
            MetricFamily(
                .refusals,
                failures.sorted { $0.key < $1.key }.map { Self.sample($0.value, label: .init("reason", $0.key)) }),
            MetricFamily(.framePacketsDropped, [Self.sample(framePacketsDropped)]),
            MetricFamily(.transcodes, [Self.sample(transcodes)]),
            MetricFamily(.transcodeFramesDropped, [Self.sample(transcodeFramesDropped)]),
            MetricFamily(
                .discardedDatagrams,
                [
                    Self.sample(counters.datagramsIgnored, label: .init("reason", "ignored")),
                    Self.sample(counters.datagramsRefused, label: .init("reason", "refused")),
                    Self.sample(counters.datagramsDropped, label: .init("reason", "dropped")),
                ]),
        ]
    }

    private static func directions(_ inbound: Int, _ outbound: Int) -> [MetricFamily.Sample] {
        [sample(inbound, label: .init("direction", "in")), sample(outbound, label: .init("direction", "out"))]
    }

    private static func sample(
        _ histogram: DurationHistogram, label: MetricFamily.Label? = nil
    ) -> MetricFamily.Sample {
        let snapshot = HistogramSnapshot(
            upperBounds: DurationHistogram.bounds, counts: histogram.counts.map { UInt64(max($0, 0)) },
            sum: histogram.sum)
        return .init(.histogram(snapshot), labels: label.map { [$0] } ?? [])
    }

    private static func sample(_ value: Int, label: MetricFamily.Label? = nil) -> MetricFamily.Sample {
        .init(.integer(UInt64(max(value, 0))), labels: label.map { [$0] } ?? [])
    }
}

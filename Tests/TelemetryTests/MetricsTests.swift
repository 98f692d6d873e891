import Metrics
import Telemetry
import Testing

@Suite("Prometheus text")
struct PrometheusTextTests {
    @Test func `a counter has help, type and its labels`() {
        let family = MetricFamily(.nacks, [.init(.integer(7), labels: [.init("direction", "in")])])
        #expect(
            PrometheusText.render([family]) == """
                # HELP martlet_nacks_total Negative acknowledgements, by direction.
                # TYPE martlet_nacks_total counter
                martlet_nacks_total{direction="in"} 7

                """
        )
    }

    @Test func `a histogram is cumulative and ends without a bound`() {
        let histogram = HistogramSnapshot(upperBounds: [0.1, 1], counts: [2, 3, 4], sum: 12.5)
        let family = MetricFamily(.join, [.init(.histogram(histogram), labels: [.init("phase", "ice")])])
        let lines = PrometheusText.render([family]).split(separator: "\n").dropFirst(2)
        #expect(
            lines == [
                "martlet_join_seconds_bucket{phase=\"ice\",le=\"0.1\"} 2",
                "martlet_join_seconds_bucket{phase=\"ice\",le=\"1\"} 5",
                "martlet_join_seconds_bucket{phase=\"ice\",le=\"+Inf\"} 9",
                "martlet_join_seconds_sum{phase=\"ice\"} 12.5",
                "martlet_join_seconds_count{phase=\"ice\"} 9",
            ]
        )
    }

    @Test func `labels cannot break the line`() {
        let family = MetricFamily(.refusals, [.init(.integer(1), labels: [.init("reason", "a\"b\\c\nd")])])
        #expect(PrometheusText.render([family]).contains(#"{reason="a\"b\\c\nd"} 1"#))
    }

    @Test(arguments: [
        (0.0, "0"), (1.5, "1.5"), (-3, "-3"), (Double.infinity, "+Inf"), (-Double.infinity, "-Inf"),
        (Double.nan, "NaN"),
        (1e18, "1e+18"),
    ])
    func `numbers are written as Prometheus reads them`(value: Double, text: String) {
        let family = MetricFamily(name: "x", help: "x", kind: .gauge, samples: [.init(.number(value))])
        #expect(PrometheusText.render([family]).hasSuffix("x \(text)\n"))
    }

    @Test func `families of one name are written as one`() {
        let one = MetricFamily(.sessions, [.init(.integer(1), labels: [.init("kind", "a")])])
        let two = MetricFamily(.sessions, [.init(.integer(2), labels: [.init("kind", "b")])])
        let text = PrometheusText.render([one, MetricFamily(.streams, [.init(.integer(3))]), two])
        #expect(text.split(separator: "\n").count { $0.hasPrefix("# TYPE martlet_sessions") } == 1)
        #expect(text.split(separator: "\n").filter { $0.hasPrefix("martlet_sessions") }.count == 2)
    }
}

@Suite("Metrics registry")
struct MetricsRegistryTests {
    private let registry = MetricsRegistry()

    @Test func `counting through swift-metrics shows at the next scrape`() async {
        let counter = Counter(label: "martlet_refusals_total", dimensions: [("reason", "expired")], factory: registry)
        counter.increment()
        counter.increment(by: 2)
        let again = Counter(label: "martlet_refusals_total", dimensions: [("reason", "expired")], factory: registry)
        again.increment()
        let text = await registry.scrape()
        #expect(text.contains("# TYPE martlet_refusals_total counter\n"))
        #expect(text.contains("martlet_refusals_total{reason=\"expired\"} 4\n"))
    }

    @Test func `gauges and timers have their own kinds`() async {
        Gauge(label: "some.gauge", factory: registry).record(3)
        Metrics.Timer(label: "martlet_join_seconds", dimensions: [("phase", "sdp")], factory: registry)
            .recordNanoseconds(2_000_000)
        let text = await registry.scrape()
        #expect(text.contains("# TYPE some_gauge gauge\nsome_gauge 3\n"))
        #expect(text.contains("martlet_join_seconds_bucket{phase=\"sdp\",le=\"0.001\"} 0\n"))
        #expect(text.contains("martlet_join_seconds_bucket{phase=\"sdp\",le=\"0.0025\"} 1\n"))
        #expect(text.contains("martlet_join_seconds_count{phase=\"sdp\"} 1\n"))
    }

    @Test func `collectors are asked at each scrape`() async {
        registry.addCollector { [MetricFamily(.streams, [.init(.integer(5))])] }
        #expect(await registry.scrape().contains("martlet_streams 5\n"))
    }

    @Test func `label combinations without end do not grow the table`() async {
        for index in 0..<(MetricsRegistry.maximumSeries + 500) {
            Counter(label: "x", dimensions: [("i", "\(index)")], factory: registry).increment()
        }
        let lines = await registry.scrape().split(separator: "\n").count { $0.hasPrefix("x{") }
        #expect(lines == MetricsRegistry.maximumSeries)
    }

    @Test func `every name has the prefix, help, and the suffix of its kind`() {
        #expect(Set(MetricName.all.map(\.name)).count == MetricName.all.count)
        for metric in MetricName.all {
            #expect(metric.name.hasPrefix("martlet_"))
            #expect(!metric.help.isEmpty)
            #expect(metric.name.hasSuffix("_total") == (metric.kind == .counter))
            if metric.kind == .histogram { #expect(metric.name.hasSuffix("_seconds")) }
        }
    }

    @Test func `the process tells its version, memory and processor time`() {
        let names = Set(ProcessMetrics.collect().map(\.name))
        let wanted: Set = [
            "martlet_build_info", "process_cpu_seconds_total", "process_resident_memory_bytes",
            "process_virtual_memory_bytes", "process_open_fds", "process_max_fds", "process_start_time_seconds",
        ]
        #expect(names == wanted)
    }
}

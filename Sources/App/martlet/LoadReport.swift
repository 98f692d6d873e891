import Glibc
import LoadTest

/// What many viewers saw, for people and for programs.
struct LoadReport {
    var url: String
    var viewers: Int
    /// Seconds of the whole run.
    var seconds: Double
    var figures: LoadFigures
    /// Seconds of processor time that this program took.
    var cpu: Double

    /// Beyond this, in milliseconds, what is measured is this program.
    private static let longestOwnDelay = 30.0

    var isGood: Bool { figures.errorCount == 0 && figures.reloads.count > 0 && figures.parts.count > 0 }

    /// Why the figures say more about this program than about the server; `nil` when they do not.
    var bottleneck: String? {
        if let delay = figures.ownDelays.value(99), delay > Self.longestOwnDelay {
            return "its own thread was up to \(delay.decimals(0)) ms late (p99)"
        }
        return cpu > 0.85 * seconds ? "its own thread was busy \((100 * cpu / seconds).decimals(0))% of the time" : nil
    }

    var summary: String {
        var lines = [
            "\(viewers) viewers of LL-HLS for \(seconds.decimals(1)) s: \(figures.requests) requests, "
                + "\((Double(figures.bytes) / 1e6).decimals(1)) MB, \(figures.errorCount) errors",
            line("a reload, after the part was there", figures.reloads, "ms"),
            line("a part, from asking to having it", figures.parts, "ms"),
            line("from coming to the first part", figures.starts, "ms"),
            line("age of a part when it had come", figures.ages, "s"),
        ]
        if let age = figures.ages.value(50) {
            lines.append(
                "  a player that keeps the hold-back is \((age + figures.holdBack).decimals(2)) s behind live (p50)")
        }
        for (cause, count) in figures.errors.sorted(by: { $0.value > $1.value }) {
            lines.append("  \(count) times: \(cause)")
        }
        if let bottleneck { lines.append("This program was the bottleneck: \(bottleneck).") }
        return lines.joined(separator: "\n")
    }

    private func line(_ name: String, _ values: Percentiles, _ unit: String) -> String {
        guard let p50 = values.value(50), let p99 = values.value(99), let most = values.value(100) else {
            return "  \(name): none"
        }
        let digits = unit == "s" ? 2 : 1
        return "  \(name): p50 \(p50.decimals(digits)) \(unit), p99 \(p99.decimals(digits)) \(unit), "
            + "at most \(most.decimals(digits)) \(unit) (\(values.count) times)"
    }

    var json: String {
        var object = JSONObject()
        object.add("url", String(url.prefix { $0 != "?" }))
        object.add("kind", "hls")
        object.add("viewers", viewers)
        object.add("seconds", seconds)
        object.add("requests", figures.requests)
        object.add("bytes", figures.bytes)
        object.add("errors", figures.errorCount)
        var causes = JSONObject()
        for (cause, count) in figures.errors { causes.add(cause, count) }
        object.add("causes", causes)
        object.add("reload_ms", percentiles(figures.reloads))
        object.add("part_ms", percentiles(figures.parts))
        object.add("start_ms", percentiles(figures.starts))
        object.add("age_s", percentiles(figures.ages))
        object.add("hold_back_s", figures.holdBack)
        object.add("own_delay_ms", percentiles(figures.ownDelays))
        object.add("own_cpu_s", cpu)
        if let bottleneck { object.add("bottleneck", bottleneck) }
        return object.text
    }

    private func percentiles(_ values: Percentiles) -> JSONObject {
        var object = JSONObject()
        object.add("count", values.count)
        object.add("p50", values.value(50))
        object.add("p95", values.value(95))
        object.add("p99", values.value(99))
        object.add("max", values.value(100))
        return object
    }
}

/// Processor time of this program, in seconds.
enum CPUTime {
    static var used: Double {
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}

import Glibc

/// What every exporter says about its process, read from /proc; empty where there is none.
package enum ProcessMetrics {
    package static func collect() -> [MetricFamily] {
        build() + [cpuSeconds()].compactMap(\.self) + memory() + descriptors() + [startTime()].compactMap(\.self)
    }

    private static func build() -> [MetricFamily] {
        [MetricFamily(.buildInfo, [.init(.integer(1), labels: [.init("version", BuildInformation.version)])])]
    }

    private static func cpuSeconds() -> MetricFamily? {
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return nil }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return family(
            "process_cpu_seconds_total",
            "User and system time.",
            .counter,
            .number(seconds(usage.ru_utime) + seconds(usage.ru_stime))
        )
    }

    private static func memory() -> [MetricFamily] {
        // Sizes in pages: total, resident, …
        let fields = ProcessFile.text(of: "/proc/self/statm").split(separator: " ").prefix(2).compactMap { UInt64($0) }
        guard fields.count == 2 else { return [] }
        let page = UInt64(max(sysconf(Int32(_SC_PAGESIZE)), 1))
        return [
            family(
                "process_virtual_memory_bytes",
                "Virtual memory.",
                .gauge,
                .integer(fields[0].multipliedCapped(by: page))
            ),
            family(
                "process_resident_memory_bytes",
                "Resident memory.",
                .gauge,
                .integer(fields[1].multipliedCapped(by: page))
            ),
        ]
    }

    private static func descriptors() -> [MetricFamily] {
        var families: [MetricFamily] = []
        if let directory = opendir("/proc/self/fd") {
            var count: UInt64 = 0
            while readdir(directory) != nil { count += 1 }
            closedir(directory)
            // Less `.`, `..` and the descriptor of the listing itself.
            families.append(
                family("process_open_fds", "Open file descriptors.", .gauge, .integer(count > 3 ? count - 3 : 0))
            )
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            families.append(
                family("process_max_fds", "Limit of open file descriptors.", .gauge, .integer(UInt64(limit.rlim_cur)))
            )
        }
        return families
    }

    private static func startTime() -> MetricFamily? {
        // The command stands in parentheses and may hold anything; field 22 is the start in ticks after boot.
        let stat = ProcessFile.text(of: "/proc/self/stat")
        guard let close = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[close...].split(separator: " ")
        let boot = ProcessFile.text(of: "/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
        guard fields.count > 20, let ticks = Double(fields[20]), let seconds = boot.flatMap({ Double($0.dropFirst(6)) })
        else { return nil }
        return family(
            "process_start_time_seconds",
            "Start of the process since 1970.",
            .gauge,
            .number(seconds + ticks / Double(max(sysconf(Int32(_SC_CLK_TCK)), 1)))
        )
    }

    private static func family(
        _ name: String,
        _ help: String,
        _ kind: MetricFamily.Kind,
        _ value: MetricFamily.Value
    ) -> MetricFamily {
        MetricFamily(name: name, help: help, kind: kind, samples: [.init(value)])
    }
}

extension UInt64 {
    /// The product, or the largest value there is.
    fileprivate func multipliedCapped(by factor: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}

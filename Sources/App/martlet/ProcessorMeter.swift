import Glibc
import Synchronization

/// How much of the machine's processors this process uses.
final class ProcessorMeter: Sendable {
    private let last = Mutex<(at: ContinuousClock.Instant, used: Double)>((.now, ProcessorMeter.used()))

    /// The share since the last call, from 0 to 1.
    func read() -> Double {
        last.withLock { last in
            let (now, used) = (ContinuousClock.now, Self.used())
            defer { last = (now, used) }
            let (seconds, attoseconds) = (now - last.at).components
            let elapsed = (Double(seconds) + Double(attoseconds) / 1e18) * Double(HostNames.processorCount)
            return elapsed > 0 ? min(1, max(0, (used - last.used) / elapsed)) : 0
        }
    }

    /// Processor seconds since the start.
    private static func used() -> Double {
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }
}

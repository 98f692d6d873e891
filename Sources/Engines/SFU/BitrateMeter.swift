package import Primitives

/// The rate of a track over the last whole seconds: cheap to feed, good enough to plan a replay by.
package struct BitrateMeter: Sendable {
    private var windowStart: Instant?
    private var windowBytes = 0
    /// Bits per second over the last window that was at least one second long; 0 before the first.
    package private(set) var bitsPerSecond: Double = 0

    package init() {}

    /// Counts `bytes` that arrived at `now`.
    package mutating func add(_ bytes: Int, at now: Instant) {
        guard let start = windowStart else {
            windowStart = now
            windowBytes = bytes
            return
        }
        let elapsed = now.since(start)
        if elapsed >= .seconds(1) {
            let rate = Double(windowBytes) * 8 / elapsed.seconds
            // Key frames make single seconds uneven; half of the past evens them out.
            bitsPerSecond = bitsPerSecond == 0 ? rate : (bitsPerSecond + rate) / 2
            windowStart = now
            windowBytes = 0
        }
        windowBytes += bytes
    }

    /// The rate so far, also within the first second.
    package func estimate(at now: Instant) -> Double {
        if bitsPerSecond > 0 { return bitsPerSecond }
        guard let windowStart else { return 0 }
        return Double(windowBytes) * 8 / max(now.since(windowStart).seconds, 0.1)
    }
}

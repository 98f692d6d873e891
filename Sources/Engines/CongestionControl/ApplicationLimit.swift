package import Primitives

/// Notices when we send clearly less than we may, so that an absence of congestion proves nothing.
///
/// A bucket that fills at 65% of the estimate and that sent bytes empty: full means idle. The two marks lie apart, so that
/// the gap between two pictures does not count as a pause.
package struct ApplicationLimit: Sendable {
    /// The part of the estimate that counts as using it.
    package static let usage = 0.65
    /// The bucket holds this much time.
    private static let window = Interval.milliseconds(500)
    private static let startLevel = 0.8
    private static let endLevel = 0.5

    /// Bytes we could have sent and have not, as a part of the window: 0 to 1.
    private var level = 0.0
    private var lastUpdate: Instant?
    /// Since when the application is the limit; `nil` while it is not.
    package private(set) var since: Instant?

    package init() {}

    /// Counts a packet of `size` bytes sent while the estimate was `estimate`.
    @inline(__always)
    package mutating func didSend(_ size: Int, estimate: Bitrate, at now: Instant) {
        let perWindow = estimate.bitsPerSecond / 8 * Self.usage * Self.window.seconds
        level -= perWindow > 0 ? Double(size) / perWindow : 0
        update(at: now)
    }

    /// Lets time pass without a packet.
    @inline(__always)
    package mutating func update(at now: Instant) {
        let elapsed = lastUpdate.map { now - $0 } ?? .zero
        lastUpdate = now
        level = min(max(level + elapsed.seconds / Self.window.seconds, 0), 1)
        if level > Self.startLevel {
            since = since ?? now
        } else if level < Self.endLevel {
            since = nil
        }
    }
}

import Auth
import Foundation
package import HLS
package import Primitives

/// How and when streams are offered by HLS.
package struct HLSServiceConfiguration: Sendable {
    package enum Start: Sendable {
        /// When somebody asks.
        case onDemand
        /// As soon as somebody publishes, so that the first viewer waits for nothing and the window is full.
        case always
    }

    package var start: Start
    package var presentation: PresentationConfiguration
    /// Bytes of media of all streams together.
    package var maximumBytes: Int

    package init(
        start: Start = .onDemand, presentation: PresentationConfiguration = .init(), maximumBytes: Int = 1 << 30
    ) {
        self.start = start
        self.presentation = presentation
        self.maximumBytes = maximumBytes
    }
}

/// Both clocks that HLS looks at.
package struct HLSClock: Sendable {
    /// For deadlines.
    package var now: @Sendable () -> Instant
    /// Seconds since 1970.
    package var unixSeconds: @Sendable () -> Int64

    package init(now: @escaping @Sendable () -> Instant, unixSeconds: @escaping @Sendable () -> Int64) {
        self.now = now
        self.unixSeconds = unixSeconds
    }

    package static let system = HLSClock(
        now: { MonotonicClock.now() }, unixSeconds: { Int64(Date.now.timeIntervalSince1970) })
}

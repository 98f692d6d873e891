package import Primitives

/// Turns the key frame requests of all viewers of a track into few requests to its publisher.
///
/// The first goes out at once. Until a key frame comes it is repeated at a fixed interval, a bounded number of times,
/// and the requests that come in the meantime are answered by the same key frame. A request that follows a key frame
/// too soon waits for the interval to pass, so a storm of joins costs the publisher one key frame each interval.
package struct KeyFrameRequester: Sendable {
    //             request, interval over: send
    //   idle ─────────────────────────────────────▶ waiting ──┐ interval over: send again
    //    │ ▲ ▲                                       ▲ │ ▲    │
    //    │ │ └──── key frame, or tries used up ──────┼─┘ └────┘
    //    │ └────── key frame ──── postponed ─────────┘ interval over: send
    //    └─────── request, interval not over ▶ postponed
    private enum State {
        /// Nobody waits for a key frame.
        case idle
        /// Someone waits, and the first request may go out when the interval since the last has passed.
        case postponed(until: Instant)
        /// `sent` requests have gone out for the key frame that is waited for.
        case waiting(sent: Int, nextAt: Instant)
    }

    private let interval: Interval
    private let maximumAttempts: Int
    private var state = State.idle
    private var lastSentAt: Instant?

    /// Requests that have gone to the publisher.
    package private(set) var requestsSent: Int64 = 0
    /// Requests since the last key frame; grows on a publisher that does not listen.
    package private(set) var unansweredRequests = 0

    /// Makes a requester that has sent nothing.
    ///
    /// - Parameters:
    ///   - interval: The least time between two requests to the publisher.
    ///   - maximumAttempts: Requests for one key frame, the first included; at least 1.
    package init(interval: Interval = .milliseconds(500), maximumAttempts: Int = 6) {
        self.interval = interval
        self.maximumAttempts = max(1, maximumAttempts)
    }

    /// When ``advance(to:)`` next has something to do; `nil` while nobody waits.
    package var deadline: Instant? {
        switch state {
        case .idle: nil
        case .postponed(let until): until
        case .waiting(_, let nextAt): nextAt
        }
    }

    /// Someone needs a key frame.
    ///
    /// - Returns: Whether to send the publisher a request now.
    package mutating func request(at now: Instant) -> Bool {
        switch state {
        case .idle:
            if let lastSentAt, now < lastSentAt + interval {
                state = .postponed(until: lastSentAt + interval)
                return false
            }
            send(attempt: 1, at: now)
            return true
        case .postponed, .waiting:
            if advance(to: now) { return true }
            // The last try has just run out unanswered, and here is somebody new to try for.
            guard case .idle = state else { return false }
            send(attempt: 1, at: now)
            return true
        }
    }

    /// A key frame has begun to arrive: it answers everybody who waits.
    package mutating func keyFrameArrived(at now: Instant) {
        state = .idle
        unansweredRequests = 0
    }

    /// Moves time forward.
    ///
    /// - Returns: Whether to send the publisher a request now.
    package mutating func advance(to now: Instant) -> Bool {
        switch state {
        case .idle:
            return false
        case .postponed(let until):
            guard now >= until else { return false }
            send(attempt: 1, at: now)
            return true
        case .waiting(let sent, let nextAt):
            guard now >= nextAt else { return false }
            guard sent < maximumAttempts else {
                state = .idle
                return false
            }
            send(attempt: sent + 1, at: now)
            return true
        }
    }

    private mutating func send(attempt: Int, at now: Instant) {
        state = .waiting(sent: attempt, nextAt: now + interval)
        lastSentAt = now
        requestsSent += 1
        unansweredRequests += 1
    }
}

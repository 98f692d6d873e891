package import Primitives

/// An event on its way to the application, or what became of it.
package struct Delivery: Sendable {
    package enum State: String, Sendable {
        /// It is sent at ``nextAttempt``.
        case waiting
        case sending
        case delivered
        /// The application did not take it, however often it was asked.
        case failed
        /// There was no room for it any more.
        case dropped

        /// Whether it still takes room in the queue.
        var isOpen: Bool { self == .waiting || self == .sending }
    }

    package let event: WebhookEvent
    package internal(set) var state = State.waiting
    /// Since it was made, or sent again by hand.
    package internal(set) var attempts = 0
    /// The status of the last answer.
    package internal(set) var lastStatus: Int?
    /// Why the last attempt brought nothing.
    package internal(set) var lastProblem: String?
    package internal(set) var nextAttempt: Instant?
}

/// What became of an attempt.
package enum DeliveryOutcome: Sendable, Equatable {
    case answered(status: Int, retryAfter: Interval?)
    case failed(WebhookFailure)
}

/// When an event is tried again.
package enum RetrySchedule {
    /// Attempts at most; with the pauses between them, about eight minutes.
    package static let attempts = 10
    private static let longest = Interval.seconds(300)

    /// The pause after an attempt: a second, and twice as long each time, by a fifth more or less.
    ///
    /// - Parameters:
    ///   - attempt: How many there have been, from 1.
    ///   - wish: What the receiver asked for; heeded up to five minutes.
    ///   - generator: So that a thousand events do not come back at the same moment.
    /// - Returns: How long to wait.
    static func pause(
        after attempt: Int,
        wish: Interval?,
        using generator: inout some RandomNumberGenerator
    ) -> Interval {
        let doubled = Interval.seconds(1 << Int64(min(max(attempt, 1) - 1, 16)))
        let jittered = min(doubled, longest) * Double.random(in: 0.8...1.2, using: &generator)
        return max(jittered, min(wish ?? .zero, longest))
    }
}

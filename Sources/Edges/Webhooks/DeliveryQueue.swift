package import Primitives

/// The events that wait for the application, those that are under way, and what became of the last ones.
///
/// Events are independent of each other: one that is tried again does not hold up those behind it, so that they may arrive
/// in another order. Nothing here sends; ``next(at:)`` says what to send, and ``finish(_:_:at:using:)`` takes what came of it.
package struct DeliveryQueue {
    /// Events that wait or are under way, at most; beyond that the oldest that waits is dropped.
    package static let capacity = 1_000
    /// Events remembered in all.
    package static let memory = 2_000
    /// Requests at the same time.
    package static let parallelism = 4

    /// The oldest first.
    private var deliveries: [Delivery] = []
    private var open = 0
    private var sending = 0

    package private(set) var statistics = WebhookStatistics()

    package init() {}

    /// Events that wait or are under way.
    package var waiting: Int { open }

    /// Takes an event in, to be sent at once.
    ///
    /// - Complexity: O(``memory``).
    package mutating func add(_ event: WebhookEvent, at now: Instant) {
        if open >= Self.capacity, let oldest = deliveries.firstIndex(where: { $0.state == .waiting }) {
            deliveries[oldest].state = .dropped
            deliveries[oldest].nextAttempt = nil
            open -= 1
            statistics.dropped += 1
        }
        if deliveries.count >= Self.memory, let oldest = deliveries.firstIndex(where: { !$0.state.isOpen }) {
            deliveries.remove(at: oldest)
        }
        var delivery = Delivery(event: event)
        delivery.nextAttempt = now
        deliveries.append(delivery)
        open += 1
    }

    /// The next event to send, which then is under way; `nil` when none is due, or enough are under way.
    package mutating func next(at now: Instant) -> WebhookEvent? {
        guard sending < Self.parallelism else { return nil }
        var first: Int?
        for (index, delivery) in deliveries.enumerated() where delivery.state == .waiting {
            guard let due = delivery.nextAttempt, due <= now else { continue }
            if first.flatMap({ deliveries[$0].nextAttempt }).map({ due < $0 }) ?? true { first = index }
        }
        guard let first else { return nil }
        deliveries[first].state = .sending
        deliveries[first].nextAttempt = nil
        deliveries[first].attempts += 1
        sending += 1
        return deliveries[first].event
    }

    /// Takes in what became of an attempt.
    package mutating func finish(
        _ id: String,
        _ outcome: DeliveryOutcome,
        at now: Instant,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let index = index(of: id), deliveries[index].state == .sending else { return }
        sending -= 1
        var wish: Interval?
        var isFinal = deliveries[index].attempts >= RetrySchedule.attempts
        switch outcome {
        case .answered(let status, let retryAfter):
            deliveries[index].lastStatus = status
            deliveries[index].lastProblem = nil
            if (200..<300).contains(status) {
                close(index, .delivered)
                statistics.delivered += 1
                return
            }
            wish = retryAfter
            // Whoever was there will not come back (RFC 9110 section 15.5.11).
            isFinal = isFinal || status == 410
        case .failed(let failure):
            deliveries[index].lastStatus = nil
            deliveries[index].lastProblem = failure.text
        }
        if isFinal {
            close(index, .failed)
            statistics.failed += 1
        } else {
            deliveries[index].state = .waiting
            deliveries[index].nextAttempt =
                now + RetrySchedule.pause(after: deliveries[index].attempts, wish: wish, using: &generator)
            statistics.repeated += 1
        }
    }

    /// Sends an event again, with the same ID, whatever became of it; one that waits is sent at once.
    ///
    /// - Returns: Whether it is known.
    package mutating func replay(_ id: String, at now: Instant) -> Bool {
        guard let index = index(of: id) else { return false }
        switch deliveries[index].state {
        case .sending: break
        case .waiting: deliveries[index].nextAttempt = now
        case .delivered, .failed, .dropped:
            let event = deliveries.remove(at: index).event
            add(event, at: now)
        }
        return true
    }

    // MARK: Log

    package func delivery(_ id: String) -> Delivery? { index(of: id).map { deliveries[$0] } }

    /// Events, the newest first.
    ///
    /// - Parameters:
    ///   - state: `nil` for all.
    ///   - after: The ID of the last one of the page before.
    ///   - limit: How many at most; positive.
    /// - Returns: A page, and whether others follow.
    package func list(state: Delivery.State?, after: String?, limit: Int) -> (page: [Delivery], hasMore: Bool) {
        var found = deliveries.reversed().drop { _ in false }
        if let after {
            found = found.drop { $0.event.id != after }.dropFirst()
        }
        let fitting = found.lazy.filter { state == nil || $0.state == state }.prefix(limit + 1)
        return (Array(fitting.prefix(limit)), fitting.count > limit)
    }

    private func index(of id: String) -> Int? { deliveries.firstIndex { $0.event.id == id } }

    private mutating func close(_ index: Int, _ state: Delivery.State) {
        deliveries[index].state = state
        open -= 1
    }
}

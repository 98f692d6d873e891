package import Auth
package import Logging
package import Primitives
import Telemetry

/// How webhooks behave, as configured.
package struct WebhookConfiguration: Sendable {
    /// What asks before it begins; `publish` and `play` alone.
    package var decisions: Set<Permission>
    /// What counts when the application gives no answer.
    package var allowsOnFailure: Bool
    /// How long a decision may take.
    package var timeout: Duration
    /// The gateway's name, in every body.
    package var node: String

    /// How long an application may take to accept an event.
    static let deliveryTimeout = Duration.seconds(10)

    package init(decisions: Set<Permission>, allowsOnFailure: Bool, timeout: Duration, node: String) {
        self.decisions = decisions
        self.allowsOnFailure = allowsOnFailure
        self.timeout = timeout
        self.node = node
    }
}

/// Tells the application what happens, again and again until it listens.
package actor WebhookSender {
    private let transport: any WebhookTransport
    private let signer: WebhookSigner
    private let logger: Logger
    private let now: @Sendable () -> Instant
    private let unixSeconds: @Sendable () -> Int64
    private var queue = DeliveryQueue()
    private var generator = SystemRandomNumberGenerator()
    private let inbox: AsyncStream<WebhookEvent>
    private let entrance: AsyncStream<WebhookEvent>.Continuation
    /// Whether the last attempt brought nothing, so that a log says it once.
    private var isAway = false

    /// How often the queue is looked at.
    private static let interval = Duration.milliseconds(100)

    /// - Parameters:
    ///   - transport: The way to the application.
    ///   - signer: Signs each attempt, with the time at which it is made.
    ///   - logger: For an application that is away, and is back.
    ///   - now: The time, on any clock that does not go back.
    ///   - unixSeconds: The time of day, in seconds since 1970.
    package init(
        transport: any WebhookTransport,
        signer: WebhookSigner,
        logger: Logger,
        now: @escaping @Sendable () -> Instant = { MonotonicClock.now() },
        unixSeconds: @escaping @Sendable () -> Int64 = { Timestamp.now.milliseconds / 1_000 }
    ) {
        self.transport = transport
        self.signer = signer
        self.logger = logger
        self.now = now
        self.unixSeconds = unixSeconds
        (inbox, entrance) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(DeliveryQueue.capacity))
    }

    /// Takes an event in; never waits.
    package nonisolated func send(_ event: WebhookEvent) { entrance.yield(event) }

    /// Sends what comes until cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { for await event in self.inbox { await self.add(event) } }
            while !Task.isCancelled {
                while let event = queue.next(at: now()) { group.addTask { await self.attempt(event) } }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    func add(_ event: WebhookEvent) { queue.add(event, at: now()) }

    /// Sends everything that is due, one after the other.
    func sendDue() async {
        while let event = queue.next(at: now()) { await attempt(event) }
    }

    private func attempt(_ event: WebhookEvent) async {
        let request = signer.request(id: event.id, timestamp: unixSeconds(), body: event.body)
        let outcome: DeliveryOutcome
        do throws(WebhookFailure) {
            let answer = try await transport.post(request, timeout: WebhookConfiguration.deliveryTimeout)
            outcome = .answered(status: answer.status, retryAfter: answer.retryAfter)
        } catch {
            outcome = .failed(error)
        }
        queue.finish(event.id, outcome, at: now(), using: &generator)
        note(outcome, of: event)
    }

    private func note(_ outcome: DeliveryOutcome, of event: WebhookEvent) {
        let problem: String
        switch outcome {
        case .answered(let status, _) where (200..<300).contains(status):
            if isAway { logger.notice("Webhooks are taken again") }
            isAway = false
            return
        case .answered(let status, _): problem = "status \(status)"
        case .failed(let failure): problem = failure.text
        }
        logger.log(
            level: isAway ? .debug : .warning,
            "Webhook not taken; it is tried again",
            metadata: [LogKeys.event: "\(event.kind.rawValue)", LogKeys.errorMessage: "\(problem)"])
        isAway = true
    }
}

/// The log of deliveries.
package protocol WebhookLog: Sendable {
    func delivery(_ id: String) async -> Delivery?
    func list(state: Delivery.State?, after: String?, limit: Int) async -> (page: [Delivery], hasMore: Bool)
    /// Sends an event again; whether it is known.
    func replay(_ id: String) async -> Bool
}

extension WebhookSender: WebhookLog {
    package func delivery(_ id: String) -> Delivery? { queue.delivery(id) }

    package func list(state: Delivery.State?, after: String?, limit: Int) -> (page: [Delivery], hasMore: Bool) {
        queue.list(state: state, after: after, limit: limit)
    }

    package func replay(_ id: String) -> Bool { queue.replay(id, at: now()) }

    package var statistics: WebhookStatistics {
        var statistics = queue.statistics
        statistics.waiting = queue.waiting
        return statistics
    }
}

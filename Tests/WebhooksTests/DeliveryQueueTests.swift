import Primitives
import Telemetry
import TestSupport
import Testing

@testable import Webhooks

@Suite("Deliveries of webhooks")
struct DeliveryQueueTests {
    private static func event(_ id: String) -> WebhookEvent {
        WebhookEvent(id: id, kind: .streamStarted, time: Timestamp(milliseconds: 0), body: Array("{}".utf8))
    }

    /// Sends everything that is due until nothing is left to do, in virtual time.
    ///
    /// - Returns: When each attempt was made.
    private static func run(
        _ queue: inout DeliveryQueue, until end: Instant, outcome: (Int) -> DeliveryOutcome
    ) -> [Instant] {
        var generator = SeededGenerator(seed: 5)
        var times: [Instant] = []
        var now = Instant.zero
        while now < end {
            while let event = queue.next(at: now) {
                times.append(now)
                queue.finish(event.id, outcome(times.count), at: now, using: &generator)
            }
            now = now + .milliseconds(100)
        }
        return times
    }

    @Test func `what is taken is sent once`() {
        var queue = DeliveryQueue()
        queue.add(Self.event("a"), at: .zero)
        let times = Self.run(&queue, until: .zero + .seconds(60)) { _ in .answered(status: 204, retryAfter: nil) }
        #expect(times == [.zero])
        #expect(queue.delivery("a")?.state == .delivered)
        #expect(queue.delivery("a")?.lastStatus == 204)
        #expect(queue.waiting == 0 && queue.statistics.delivered == 1)
    }

    @Test func `what is not taken is tried ten times, with pauses that double`() {
        var queue = DeliveryQueue()
        queue.add(Self.event("a"), at: .zero)
        let times = Self.run(&queue, until: .zero + .seconds(3_600)) {
            $0 % 2 == 0 ? .failed(.timedOut) : .answered(status: 500, retryAfter: nil)
        }
        #expect(times.count == RetrySchedule.attempts)
        for (attempt, (earlier, later)) in zip(times, times.dropFirst()).enumerated() {
            let expected = min(Double(1 << attempt), 300)
            #expect((expected * 0.8 - 0.1...expected * 1.2 + 0.2).contains((later - earlier).seconds))
        }
        #expect(queue.delivery("a")?.state == .failed)
        #expect(queue.delivery("a")?.lastProblem == "no answer in time")
        #expect(queue.waiting == 0 && queue.statistics.failed == 1 && queue.statistics.repeated == 9)
    }

    @Test func `a receiver that comes back gets what it missed`() {
        var queue = DeliveryQueue()
        for id in ["a", "b", "c"] { queue.add(Self.event(id), at: .zero) }
        let times = Self.run(&queue, until: .zero + .seconds(3_600)) {
            $0 <= 12 ? .failed(.unreachable("")) : .answered(status: 200, retryAfter: nil)
        }
        #expect(times.count == 15)
        #expect(queue.list(state: .delivered, after: nil, limit: 10).page.count == 3)
    }

    @Test func `a receiver says when to come back, and is heeded up to five minutes`() {
        for (wish, expected) in [(60, 60.0), (86_400, 300.0)] as [(Int64, Double)] {
            var queue = DeliveryQueue()
            queue.add(Self.event("a"), at: .zero)
            let times = Self.run(&queue, until: .zero + .seconds(400)) { attempt in
                attempt == 1
                    ? .answered(status: 429, retryAfter: .seconds(wish)) : .answered(status: 200, retryAfter: nil)
            }
            #expect(times.count == 2)
            #expect(abs((times[1] - times[0]).seconds - expected) < 0.2)
        }
    }

    @Test func `one that is gone is not asked again`() {
        var queue = DeliveryQueue()
        queue.add(Self.event("a"), at: .zero)
        let times = Self.run(&queue, until: .zero + .seconds(60)) { _ in .answered(status: 410, retryAfter: nil) }
        #expect(times.count == 1)
        #expect(queue.delivery("a")?.state == .failed)
    }

    @Test(arguments: [100, 301, 400, 404, 500])
    func `every other answer is a reason to try again`(status: Int) {
        var queue = DeliveryQueue()
        queue.add(Self.event("a"), at: .zero)
        var generator = SeededGenerator(seed: 1)
        _ = queue.next(at: .zero)
        queue.finish("a", .answered(status: status, retryAfter: nil), at: .zero, using: &generator)
        #expect(queue.delivery("a")?.state == .waiting)
        #expect(queue.delivery("a")?.lastStatus == status)
    }

    @Test func `a few are under way at the same time, and one that waits holds up no other`() {
        var queue = DeliveryQueue()
        for number in 0..<20 { queue.add(Self.event("\(number)"), at: .zero) }
        var generator = SeededGenerator(seed: 1)
        for number in 0..<DeliveryQueue.parallelism { #expect(queue.next(at: .zero)?.id == "\(number)") }
        #expect(queue.next(at: .zero) == nil)
        queue.finish("2", .failed(.timedOut), at: .zero, using: &generator)
        #expect(queue.next(at: .zero)?.id == "\(DeliveryQueue.parallelism)")
        // What came of an attempt counts once.
        queue.finish("2", .answered(status: 200, retryAfter: nil), at: .zero, using: &generator)
        #expect(queue.delivery("2")?.state == .waiting)
        #expect(queue.next(at: .zero) == nil)
    }

    @Test func `a receiver that stays away costs a bounded number of events, the oldest first`() {
        var queue = DeliveryQueue()
        let count = DeliveryQueue.capacity + 3
        for number in 0..<count { queue.add(Self.event("\(number)"), at: .zero) }
        #expect(queue.waiting == DeliveryQueue.capacity)
        #expect(queue.statistics.dropped == 3)
        #expect(queue.delivery("2")?.state == .dropped)
        #expect(queue.delivery("3")?.state == .waiting)
    }

    @Test func `no more are remembered than there is memory for, and those that wait are kept`() {
        var queue = DeliveryQueue()
        var generator = SeededGenerator(seed: 1)
        queue.add(Self.event("patient"), at: .zero)
        _ = queue.next(at: .zero)
        queue.finish("patient", .failed(.timedOut), at: .zero, using: &generator)
        for number in 0..<(DeliveryQueue.memory + 50) {
            queue.add(Self.event("\(number)"), at: .zero)
            _ = queue.next(at: .zero)
            queue.finish("\(number)", .answered(status: 200, retryAfter: nil), at: .zero, using: &generator)
        }
        let all = queue.list(state: nil, after: nil, limit: DeliveryQueue.memory * 2)
        #expect(all.page.count == DeliveryQueue.memory)
        #expect(queue.delivery("patient")?.state == .waiting)
        #expect(queue.delivery("0") == nil)
    }

    @Test func `what failed can be sent again under the same name`() {
        var queue = DeliveryQueue()
        var generator = SeededGenerator(seed: 1)
        queue.add(Self.event("a"), at: .zero)
        queue.add(Self.event("b"), at: .zero)
        for id in ["a", "b"] {
            #expect(queue.next(at: .zero)?.id == id)
            queue.finish(id, .answered(status: 410, retryAfter: nil), at: .zero, using: &generator)
        }
        #expect(queue.replay("unknown", at: .zero) == false)
        #expect(queue.replay("a", at: .zero) == true)
        #expect(queue.delivery("a")?.attempts == 0)
        #expect(queue.next(at: .zero)?.id == "a")
        // One that is under way is not sent twice at once.
        #expect(queue.replay("a", at: .zero) == true)
        #expect(queue.next(at: .zero) == nil)
        queue.finish("a", .failed(.timedOut), at: .zero, using: &generator)
        // One that waits does not wait any more.
        #expect(queue.next(at: .zero) == nil)
        #expect(queue.replay("a", at: .zero) == true)
        #expect(queue.next(at: .zero)?.id == "a")
        #expect(queue.list(state: nil, after: nil, limit: 10).page.map(\.event.id) == ["a", "b"])
    }

    @Test func `pages follow each other without a gap`() {
        var queue = DeliveryQueue()
        for number in 0..<7 { queue.add(Self.event("\(number)"), at: .zero) }
        var seen: [String] = []
        var after: String?
        for _ in 0..<4 {
            let (page, hasMore) = queue.list(state: .waiting, after: after, limit: 2)
            seen += page.map(\.event.id)
            after = page.last?.event.id
            #expect(hasMore == (seen.count < 7))
        }
        #expect(seen == ["6", "5", "4", "3", "2", "1", "0"])
        #expect(queue.list(state: nil, after: "unknown", limit: 2).page.isEmpty)
        #expect(queue.list(state: .failed, after: nil, limit: 2).page.isEmpty)
    }
}

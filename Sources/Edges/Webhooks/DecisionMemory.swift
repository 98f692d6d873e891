import Auth
import Primitives

/// What was decided for players that ask with every file they fetch.
struct DecisionMemory {
    /// Decisions remembered at most; beyond that all are asked for anew.
    static let capacity = 10_000
    /// How long a yes counts, and how long a no.
    static let lifetime = (allowed: Interval.seconds(30), denied: Interval.seconds(5))

    private var entries: [AccessQuestion: (verdict: AccessVerdict, endsAt: Instant)] = [:]

    var count: Int { entries.count }

    func verdict(on question: AccessQuestion, at now: Instant) -> AccessVerdict? {
        entries[question].flatMap { $0.endsAt > now ? $0.verdict : nil }
    }

    mutating func note(_ verdict: AccessVerdict, on question: AccessQuestion, at now: Instant) {
        if entries[question] == nil, entries.count >= Self.capacity {
            entries = entries.filter { $0.value.endsAt > now }
            if entries.count >= Self.capacity { entries = [:] }
        }
        let lifetime = verdict.isAllowed ? Self.lifetime.allowed : Self.lifetime.denied
        entries[question] = (verdict, now + lifetime)
    }
}

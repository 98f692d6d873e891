import Primitives

/// Asks the peer again and again whether it still wants what we send (RFC 7675 §5.1).
///
/// Every question is a transaction of its own and is never sent twice; an answer to any question of the last
/// ``timeout`` renews consent. The questions keep NAT bindings alive as well (RFC 8445 §11).
struct ConsentFreshness: Sendable {
    /// The mean time between questions; each waits 0.8 to 1.2 times as long, so that peers do not march in step.
    static let interval = Interval.seconds(5)
    static let timeout = Interval.seconds(30)
    /// Questions that may still be answered: one more than fit into the timeout at the shortest interval.
    static let maximumOutstanding = 8

    enum Step: Equatable {
        case ask
        case expire
    }

    private var expiresAt: Instant
    private var askAt: Instant
    private var outstanding: [[UInt8]] = []

    /// Consent that was granted at `now` by the answer to a check.
    init(grantedAt now: Instant, using generator: inout some RandomNumberGenerator) {
        expiresAt = now + Self.timeout
        askAt = now + Self.jitteredInterval(using: &generator)
    }

    var deadline: Instant { min(expiresAt, askAt) }

    /// What is due at `now`; after `.expire` the machine is to be thrown away.
    mutating func advance(to now: Instant, using generator: inout some RandomNumberGenerator) -> Step? {
        if now >= expiresAt { return .expire }
        guard now >= askAt else { return nil }
        askAt = now + Self.jitteredInterval(using: &generator)
        return .ask
    }

    /// Notes that a question was sent.
    mutating func noteAsked(_ transactionID: [UInt8]) {
        if outstanding.count == Self.maximumOutstanding { outstanding.removeFirst() }
        outstanding.append(transactionID)
    }

    /// Whether `transactionID` is that of a question not yet answered.
    func awaits(_ transactionID: [UInt8]) -> Bool { outstanding.contains(transactionID) }

    /// Notes an authenticated success response to a question.
    ///
    /// Older questions are forgotten with it: their answers would prove less.
    mutating func renew(answering transactionID: [UInt8], at now: Instant) {
        guard let index = outstanding.firstIndex(of: transactionID) else { return }
        outstanding.removeFirst(index + 1)
        expiresAt = max(expiresAt, now + Self.timeout)
    }

    private static func jitteredInterval(using generator: inout some RandomNumberGenerator) -> Interval {
        interval * Double.random(in: 0.8...1.2, using: &generator)
    }
}

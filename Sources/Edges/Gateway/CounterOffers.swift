import MediaIO
import Primitives
import WebRTC

/// The offers that wait for their answers: bounded in number, and each in time.
///
/// Nothing of such a session is on the media plane yet: what waits costs a few kilobytes here.
struct CounterOffers {
    struct Entry {
        var id: String
        var stream: StreamName
        var entityTag: String
        var worker: Int
        var local: LocalDescription
        var offer: CounterOffer
        /// What was offered: an answer counts as long as the stream still has it.
        var tracks: [TrackID]
        /// Of an offer to another gateway: what each of its sections carries.
        var linked: [TrackID]?
        var endsAt: ContinuousClock.Instant
    }

    /// Offers that wait at most; beyond that no more are made.
    static let capacity = 512
    /// How long an offer waits.
    ///
    /// Without `valid-until` clients would assume the same (WHEP, "Server Sends Counter-offer").
    static let lifetime = Duration.seconds(30)

    private var entries: [String: Entry] = [:]
    /// The oldest first, which is the first to end: all wait equally long.
    private var order: [String] = []

    var count: Int { entries.count }
    var isFull: Bool { entries.count >= Self.capacity }

    mutating func add(_ entry: Entry) {
        entries[entry.id] = entry
        order.append(entry.id)
    }

    func contains(_ id: String) -> Bool { entries[id] != nil }

    /// - Returns: `nil` when there is none, or its time is over.
    func find(_ id: String, stream: StreamName, at now: ContinuousClock.Instant) -> Entry? {
        entries[id].flatMap { $0.stream == stream && now < $0.endsAt ? $0 : nil }
    }

    /// Removes an offer that is answered, or that nobody wants to answer any more.
    mutating func take(_ id: String, stream: StreamName, at now: ContinuousClock.Instant) -> Entry? {
        guard let entry = find(id, stream: stream, at: now) else { return nil }
        entries[id] = nil
        order.removeAll { $0 == id }
        return entry
    }

    /// Removes what was not answered in time.
    ///
    /// - Complexity: O(removed).
    mutating func removeExpired(at now: ContinuousClock.Instant) -> [Entry] {
        let expired = order.prefix { entries[$0].map { $0.endsAt <= now } ?? true }
        order.removeFirst(expired.count)
        return expired.compactMap { entries.removeValue(forKey: $0) }
    }
}

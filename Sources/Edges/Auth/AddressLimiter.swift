package import Primitives
import Synchronization

/// Limits how often something may happen for one network address, or for one holder of a credential.
///
/// A token bucket for each. IPv6 addresses count by their /64, which is what one subscriber has.
package final class AddressLimiter: Sendable {
    /// Beyond this many addresses or holders the ones that were idle longest are forgotten.
    package static let maximumAddresses = 10_000

    private struct Bucket {
        var tokens: Double
        var filledAt: Instant
    }

    private struct Key: Hashable {
        var high: UInt64
        var low: UInt64

        /// A network: all of an IPv4 address, the first half of an IPv6 one.
        init(_ address: TransportAddress) {
            high = address.high
            low = address.isIPv4 ? address.low : 0
        }

        /// A holder, by the 128 bits of its digest.
        init(_ digest: String) {
            high = UInt64(digest.prefix(16), radix: 16) ?? 0
            low = UInt64(digest.suffix(16), radix: 16) ?? 0
        }
    }

    private let perSecond: Double
    private let burst: Double
    private let buckets = Mutex<[Key: Bucket]>([:])

    /// - Parameters:
    ///   - perMinute: How often in the long run, at least 1.
    ///   - burst: How often at once, at least 1.
    package init(perMinute: Int, burst: Int) {
        perSecond = Double(max(perMinute, 1)) / 60
        self.burst = Double(max(burst, 1))
    }

    /// Counts one more, if there is room for it.
    ///
    /// - Parameters:
    ///   - address: Whose; the port does not matter.
    ///   - now: The time of the event.
    /// - Returns: `nil` when it was counted, otherwise how long until there is room.
    package func take(_ address: TransportAddress, at now: Instant) -> Duration? { take(Key(address), at: now) }

    /// The same for a holder.
    ///
    /// - Parameters:
    ///   - holder: The digest of ``Grant/Holder``.
    ///   - now: The time of the event.
    /// - Returns: `nil` when it was counted, otherwise how long until there is room.
    package func take(holder: String, at now: Instant) -> Duration? { take(Key(holder), at: now) }

    private func take(_ key: Key, at now: Instant) -> Duration? {
        update(key, at: now) { bucket in
            guard bucket.tokens >= 1 else {
                return .milliseconds(Int64(((1 - bucket.tokens) / perSecond * 1000).rounded(.up)))
            }
            bucket.tokens -= 1
            return nil
        }
    }

    /// Whether there is room, without counting.
    ///
    /// - Parameters:
    ///   - address: Whose; the port does not matter.
    ///   - now: The time of the question.
    /// - Returns: `nil` when there is room, otherwise how long until there is.
    package func wait(_ address: TransportAddress, at now: Instant) -> Duration? {
        update(Key(address), at: now) { bucket in
            bucket.tokens >= 1 ? nil : .milliseconds(Int64(((1 - bucket.tokens) / perSecond * 1000).rounded(.up)))
        }
    }

    /// How many addresses or holders are remembered.
    package var count: Int { buckets.withLock { $0.count } }

    private func update(
        _ key: Key,
        at now: Instant,
        _ body: (inout Bucket) -> Duration?
    ) -> Duration? {
        buckets.withLock { buckets in
            if buckets[key] == nil, buckets.count >= Self.maximumAddresses { forget(&buckets, at: now) }
            var bucket = buckets[key] ?? Bucket(tokens: burst, filledAt: now)
            refill(&bucket, at: now)
            let answer = body(&bucket)
            buckets[key] = bucket
            return answer
        }
    }

    private func refill(_ bucket: inout Bucket, at now: Instant) {
        guard now > bucket.filledAt else { return }
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.filledAt).seconds * perSecond)
        bucket.filledAt = now
    }

    /// Full buckets say nothing and go first; then the half that was idle longest.
    private func forget(_ buckets: inout [Key: Bucket], at now: Instant) {
        buckets = buckets.filter { _, bucket in
            var bucket = bucket
            refill(&bucket, at: now)
            return bucket.tokens < burst
        }
        guard buckets.count >= Self.maximumAddresses else { return }
        let oldest = buckets.sorted { $0.value.filledAt < $1.value.filledAt }.prefix(buckets.count / 2)
        for (key, _) in oldest { buckets[key] = nil }
    }
}

package import Primitives
import Synchronization

/// Limits how often something may happen for one network address.
///
/// A token bucket for each address. IPv6 addresses count by their /64, which is what one subscriber has.
package final class AddressLimiter: Sendable {
    /// Beyond this many addresses the ones that were idle longest are forgotten.
    package static let maximumAddresses = 10_000

    private struct Bucket {
        var tokens: Double
        var filledAt: Instant
    }

    private struct Network: Hashable {
        var high: UInt64
        var low: UInt64
    }

    private let perSecond: Double
    private let burst: Double
    private let buckets = Mutex<[Network: Bucket]>([:])

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
    package func take(_ address: TransportAddress, at now: Instant) -> Duration? {
        update(address, at: now) { bucket in
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
        update(address, at: now) { bucket in
            bucket.tokens >= 1 ? nil : .milliseconds(Int64(((1 - bucket.tokens) / perSecond * 1000).rounded(.up)))
        }
    }

    /// How many addresses are remembered.
    package var count: Int { buckets.withLock { $0.count } }

    private func update(
        _ address: TransportAddress,
        at now: Instant,
        _ body: (inout Bucket) -> Duration?
    ) -> Duration? {
        let network = Network(high: address.high, low: address.isIPv4 ? address.low : 0)
        return buckets.withLock { buckets in
            if buckets[network] == nil, buckets.count >= Self.maximumAddresses { forget(&buckets, at: now) }
            var bucket = buckets[network] ?? Bucket(tokens: burst, filledAt: now)
            refill(&bucket, at: now)
            let answer = body(&bucket)
            buckets[network] = bucket
            return answer
        }
    }

    private func refill(_ bucket: inout Bucket, at now: Instant) {
        guard now > bucket.filledAt else { return }
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.filledAt).seconds * perSecond)
        bucket.filledAt = now
    }

    /// Full buckets say nothing and go first; then the half that was idle longest.
    private func forget(_ buckets: inout [Network: Bucket], at now: Instant) {
        buckets = buckets.filter { _, bucket in
            var bucket = bucket
            refill(&bucket, at: now)
            return bucket.tokens < burst
        }
        guard buckets.count >= Self.maximumAddresses else { return }
        let oldest = buckets.sorted { $0.value.filledAt < $1.value.filledAt }.prefix(buckets.count / 2)
        for (network, _) in oldest { buckets[network] = nil }
    }
}

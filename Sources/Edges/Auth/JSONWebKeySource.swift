import JWTKit
package import Primitives

/// Keeps the key set of an issuer: reads it at the start, now and then, and when a token names a key it does not hold.
///
/// Whatever goes wrong, the last keys stay: an issuer that is away must not lock everybody out.
package actor JSONWebKeySource {
    package typealias Fetch = @Sendable () async throws -> [UInt8]

    /// How long to wait between two questions, however many tokens name keys that nobody knows.
    package static let minimumInterval = Interval.seconds(60)
    /// How old keys may be before they are looked at again.
    package static let maximumAge = Interval.seconds(600)

    private let fetch: Fetch
    private let now: @Sendable () -> Instant
    private var set: JSONWebKeySet?
    private var askedAt: Instant?
    private var loadedAt: Instant?

    /// - Parameters:
    ///   - now: The time, on any clock that does not go back.
    ///   - fetch: Gets the text of the set, from a file or a server, in bounded time.
    package init(now: @escaping @Sendable () -> Instant = { MonotonicClock.now() }, fetch: @escaping Fetch) {
        self.fetch = fetch
        self.now = now
    }

    /// Asks, unless that was done less than ``minimumInterval`` ago.
    ///
    /// - Returns: Whether there are keys to check tokens with.
    @discardableResult
    package func refresh() async -> Bool {
        let now = now()
        if askedAt.map({ now - $0 >= Self.minimumInterval }) ?? true {
            askedAt = now
            if let bytes = try? await fetch(), let read = await JSONWebKeySet(parsing: bytes) {
                set = read
                loadedAt = now
            }
        }
        return set?.keys.isEmpty == false
    }

    /// The verifier of a token's key; `nil` when nobody we know has it.
    func verifier(id: String?, algorithm: String) async -> JWTKeyCollection? {
        if loadedAt.map({ now() - $0 >= Self.maximumAge }) ?? true { await refresh() }
        if let key = set?.key(id: id, algorithm: algorithm) { return key.verifier }
        await refresh()
        return set?.key(id: id, algorithm: algorithm)?.verifier
    }
}

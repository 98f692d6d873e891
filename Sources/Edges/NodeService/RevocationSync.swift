package import Auth
package import Redis

/// Keeps the revoked tokens of gateways that share a Redis the same, in both directions.
///
/// Each gateway has them all for itself, so that none is forgotten while Redis is away, and an empty one gets them back.
package actor RevocationSync {
    /// Two of these, the time of a script and the gateway's own look at its sessions are less than two seconds.
    private static let interval = Duration.milliseconds(500)
    /// Tokens in one script, so that it stays short.
    private static let tokensPerScript = 500

    private let list: RevocationList
    private let redis: RedisClient
    private let isWorking: @Sendable () -> Bool
    /// What Redis is known to have.
    private var shared: Set<String> = []
    /// The list's version that was looked through last.
    private var pushed: UInt64?
    /// Which Redis that was, and how often it was added to.
    private var seen: (life: String, version: Int64)?

    /// - Parameters:
    ///   - list: What is revoked here.
    ///   - redis: What is shared.
    ///   - isWorking: Whether this gateway is one of those that share it.
    package init(list: RevocationList, redis: RedisClient, isWorking: @escaping @Sendable () -> Bool) {
        self.list = list
        self.redis = redis
        self.isWorking = isWorking
    }

    /// Looks twice a second, until cancelled.
    package func run() async {
        while !Task.isCancelled {
            if isWorking() { await synchronize() }
            try? await Task.sleep(for: Self.interval)
        }
    }

    /// Tells what was revoked here, and hears what was elsewhere.
    package func synchronize() async {
        do throws(RedisError) {
            var state = try await add([:])
            if seen?.life != state.life {
                // Another Redis, or one that has forgotten everything.
                shared = []
                pushed = nil
                seen = nil
            }
            let (entries, version) = list.snapshot
            if pushed != version {
                let missing = entries.filter { !shared.contains($0.key) }
                for part in Array(missing).chunks(of: Self.tokensPerScript) {
                    state = try await add(Dictionary(uniqueKeysWithValues: part.map { ($0.key, $0.value) }))
                }
                shared.formUnion(missing.keys)
                pushed = version
            }
            guard seen?.version != state.version else { return }
            let answer = try await redis.send("ZRANGE", RevocationScripts.tokensKey, "0", "-1", "WITHSCORES")
            let found = Self.tokens(in: answer)
            shared = Set(found.keys)
            list.merge(found)
            seen = state
        } catch {
            // Tried again in half a second, or when Redis is back.
        }
    }

    private func add(_ tokens: [String: Int64]) async throws(RedisError) -> (life: String, version: Int64) {
        let answer = try await redis.run(
            RevocationScripts.add, keys: [RevocationScripts.stateKey, RevocationScripts.tokensKey],
            // A name that no set had before, also none of ours.
            [RandomText.hexadecimal(bytes: 8), "\(RevocationList.capacity)"]
                + tokens.flatMap { [$0.key, "\($0.value)"] })
        guard let fields = answer.elements, fields.count == 2, let life = fields[0].text, let version = fields[1].number
        else { throw .refused("revocations have no state") }
        return (life, version)
    }

    private static func tokens(in answer: RedisValue) -> [String: Int64] {
        let fields = answer.elements ?? []
        var tokens: [String: Int64] = [:]
        for index in stride(from: 0, to: fields.count - 1, by: 2) {
            if let id = fields[index].text, let end = fields[index + 1].number { tokens[id] = end }
        }
        return tokens
    }
}

/// Where revoked tokens are kept: a sorted set by the second at which they expire, and a count of additions.
enum RevocationScripts {
    static let stateKey = "martlet:revocations"
    static let tokensKey = "martlet:revoked"

    /// Adds tokens, and forgets those that have expired.
    ///
    /// KEYS: state, tokens. ARGV: a name for a set that is new, most tokens, and for each token its `jti` and expiry. Returns the
    /// set's name and how often something was added.
    static let add = RedisScript(
        """
        redis.call('HSETNX', KEYS[1], 'life', ARGV[1])
        redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', redis.call('TIME')[1])
        local added = 0
        for index = 3, #ARGV, 2 do
            local before = redis.call('ZSCORE', KEYS[2], ARGV[index])
            local fits = before or redis.call('ZCARD', KEYS[2]) < tonumber(ARGV[2])
            if fits and (not before or tonumber(before) < tonumber(ARGV[index + 1])) then
                redis.call('ZADD', KEYS[2], ARGV[index + 1], ARGV[index])
                added = added + 1
            end
        end
        if added > 0 then redis.call('HINCRBY', KEYS[1], 'version', 1) end
        return {redis.call('HGET', KEYS[1], 'life'), redis.call('HGET', KEYS[1], 'version') or '0'}
        """)
}

extension Array {
    /// The elements in order, in parts of at most `size`.
    fileprivate func chunks(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}

import Nodes
import Primitives
import Redis

/// The rules of ``ClaimTable`` as Redis carries them out, and the names of what is kept there.
///
/// A stream is a hash of its owner (empty when it was given up), epoch, holder, silence, and the millisecond of Redis' own
/// clock until which the owner has it. Changing what a script reads or writes takes another ``version``.
enum ClusterScripts {
    /// Gateways that would misunderstand each other have different ones.
    static let version = "1"

    static let versionKey = "martlet:version"
    static let secretKey = "martlet:secret"
    static let nodesKey = "martlet:nodes"
    static let nodePrefix = "martlet:node:"
    static let streamPrefix = "martlet:stream:"

    static let leaseText = "\(Int(ClaimTable.lease.milliseconds))"
    static let memoryText = "\(Int(ClaimTable.memory.milliseconds))"
    /// Gateways at most.
    static let maximumNodes = 256
    /// Streams renewed in one script, so that it stays short.
    static let streamsPerScript = 100

    private static let now = """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)

        """

    /// Says that a gateway lives, what it is called and how busy it is.
    ///
    /// KEYS: version, node, nodes, secret. ARGV: version, name, process, lease, URL, sessions, streams, processor, draining, a
    /// secret, most nodes. Returns the secret that counts.
    static let beat = RedisScript(
        now + """
            local version = redis.call('GET', KEYS[1])
            if not version then redis.call('SET', KEYS[1], ARGV[1])
            elseif version ~= ARGV[1] then
                return redis.error_reply('VERSION ' .. version .. ' is in use, and this gateway speaks ' .. ARGV[1])
            end
            local process = redis.call('HGET', KEYS[2], 'process')
            if process and process ~= ARGV[3] then
                return redis.error_reply('DUPLICATE another gateway has the same node.id')
            end
            redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
            if not process and redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[11]) then
                return redis.error_reply('FULL there are ' .. ARGV[11] .. ' gateways already')
            end
            redis.call('HSET', KEYS[2], 'process', ARGV[3], 'url', ARGV[5], 'sessions', ARGV[6], 'streams', ARGV[7],
                'processor', ARGV[8], 'draining', ARGV[9])
            redis.call('PEXPIRE', KEYS[2], ARGV[4])
            redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[2])
            redis.call('SET', KEYS[4], ARGV[10], 'NX')
            return redis.call('GET', KEYS[4])
            """)

    /// Takes a gateway out.
    ///
    /// KEYS: node, nodes. ARGV: name, process.
    static let leave = RedisScript(
        """
        if redis.call('HGET', KEYS[1], 'process') == ARGV[2] then
            redis.call('DEL', KEYS[1])
            redis.call('ZREM', KEYS[2], ARGV[1])
        end
        return 1
        """)

    /// The gateways that live.
    ///
    /// KEYS: nodes. ARGV: prefix of a node.
    static let nodes = RedisScript(
        now + """
            local found = {}
            for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')) do
                local fields = redis.call('HMGET', ARGV[1] .. name, 'url', 'sessions', 'streams', 'processor', 'draining')
                if fields[1] then
                    table.insert(fields, 1, name)
                    table.insert(found, fields)
                end
            end
            return found
            """)

    /// Where a stream is published.
    ///
    /// KEYS: stream. ARGV: prefix of a node. Returns owner, URL and epoch, or nothing.
    static let origin = RedisScript(
        now + """
            local stream = redis.call('HMGET', KEYS[1], 'owner', 'epoch', 'until')
            if not stream[1] or stream[1] == '' or tonumber(stream[3]) <= now then return {} end
            local url = redis.call('HGET', ARGV[1] .. stream[1], 'url')
            if not url then return {} end
            return {stream[1], url, stream[2]}
            """)

    private static let store = """
        local function store(key, owner, epoch, holder, silent, lease, memory)
            redis.call('HSET', key, 'owner', owner, 'epoch', string.format('%.0f', epoch), 'holder', holder, 'silent', silent,
                'until', string.format('%.0f', now + lease))
            redis.call('PEXPIRE', key, memory)
        end

        """

    /// Gives a stream to whoever asks.
    ///
    /// KEYS: stream. ARGV: name, lease, memory, holder, takeover, epoch.
    ///
    /// Returns 1 and the epoch, or 0 and the owner.
    static let claim = RedisScript(
        now + store + """
            local stream = redis.call('HMGET', KEYS[1], 'owner', 'epoch', 'until', 'holder', 'silent')
            local owner = stream[1]
            if owner and owner ~= '' and owner ~= ARGV[1] and tonumber(stream[3]) > now then
                local fits = stream[4] == ARGV[4] or stream[5] == '1'
                if ARGV[5] == 'reject' or (ARGV[5] == 'auto' and not fits) then return {0, owner} end
            end
            local epoch = math.max(tonumber(stream[2] or '0'), tonumber(ARGV[6])) + 1
            store(KEYS[1], ARGV[1], epoch, ARGV[4], '0', ARGV[2], ARGV[3])
            return {1, string.format('%.0f', epoch)}
            """)

    /// Renews claims.
    ///
    /// KEYS: streams. ARGV: name, lease, memory, and for each stream epoch, holder and silence.
    ///
    /// Returns for each 1 and the epoch, or 0 and the owner.
    static let renew = RedisScript(
        now + store + """
            local answers = {}
            for index, key in ipairs(KEYS) do
                local epoch = math.max(tonumber(ARGV[index * 3 + 1]), 1)
                local stream = redis.call('HMGET', key, 'owner', 'epoch', 'until')
                local owner, known = stream[1], tonumber(stream[2] or '0')
                local lives = owner and owner ~= '' and tonumber(stream[3]) > now
                if lives and owner ~= ARGV[1] and known >= epoch then
                    table.insert(answers, {0, owner})
                else
                    if owner == ARGV[1] or known < epoch then epoch = math.max(epoch, known)
                    else epoch = known + 1 end
                    store(key, ARGV[1], epoch, ARGV[index * 3 + 2], ARGV[index * 3 + 3], ARGV[2], ARGV[3])
                    table.insert(answers, {1, string.format('%.0f', epoch)})
                end
            end
            return answers
            """)

    /// Gives a stream up.
    ///
    /// KEYS: stream. ARGV: name, epoch.
    static let release = RedisScript(
        """
        local stream = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
        if stream[1] == ARGV[1] and stream[2] == ARGV[2] then redis.call('HSET', KEYS[1], 'owner', '') end
        return 1
        """)
}

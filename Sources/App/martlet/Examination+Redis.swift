import GatewayConfiguration
import Redis

extension Examination {
    /// Connects to the Redis that gateways share, and has it answer.
    func redis() async -> [Finding] {
        guard let location = settings.redis else { return [] }
        let client = RedisClient(Composition.redisConfiguration(location))
        client.start()
        defer { client.stop() }
        let place = "\(location.host), port \(location.port)"
        for _ in 0..<30 {
            if client.state == .up { return [await version(of: client, at: place)] }
            if case .away(let reason) = client.state, Self.meansPassword(reason) { break }
            try? await Task.sleep(for: .milliseconds(100))
        }
        guard case .away(let reason) = client.state else { return [await version(of: client, at: place)] }
        return [
            Finding(
                "redis", .failed, "\(place): \(reason)",
                cure: Self.meansPassword(reason)
                    ? "write its user and password into redis.url, as in redis://:password@host:6379/0"
                    : "start Redis there, or correct redis.url")
        ]
    }

    /// Whether this is how Redis refuses a user or a password.
    private static func meansPassword(_ reason: String) -> Bool {
        ["NOAUTH", "WRONGPASS", "ERR AUTH", "ERR invalid password"].contains(where: reason.hasPrefix)
    }

    private func version(of client: RedisClient, at place: String) async -> Finding {
        do throws(RedisError) {
            let text = try await client.send("INFO", "server").text ?? ""
            let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("redis_version:") }
            let version = line.map { String($0.dropFirst("redis_version:".count)) } ?? "of an unknown version"
            guard (version.split(separator: ".").first.flatMap { Int($0) } ?? 5) >= 5 else {
                return Finding("redis", .failed, "\(place): Redis \(version)", cure: "use Redis 5 or later")
            }
            return Finding("redis", .ok, "\(place): Redis \(version) answers")
        } catch {
            return Finding(
                "redis", .failed, "\(place): \(error)", cure: "allow the user of redis.url all commands on martlet:*")
        }
    }
}

import Auth
import NodeService
import Redis
import RedisSupport
import Testing

@Suite("Revoked tokens of several gateways", .enabled(if: RedisServer.isInstalled))
struct RevocationSyncTests {
    /// Seconds since 1970 that lie far ahead.
    private static let end: Int64 = 4_000_000_000

    /// A gateway's list, and its connection.
    private final class Node {
        let list = RevocationList(path: nil)
        let client: RedisClient
        let sync: RevocationSync

        init(_ configuration: RedisConfiguration) async throws {
            client = RedisClient(configuration)
            client.start()
            sync = RevocationSync(list: list, redis: client, isWorking: { true })
            try #require(await client.waitUntilUp())
        }

        deinit { client.stop() }
    }

    @Test func `what is revoked on one gateway is revoked on all`() async throws {
        let server = try RedisServer()
        let (one, two) = (try await Node(server.configuration), try await Node(server.configuration))
        try two.list.revoke("old", until: Self.end)
        await two.sync.synchronize()
        try one.list.revoke("new", until: Self.end)
        await one.sync.synchronize()
        #expect(one.list.isRevoked("old"))
        #expect(!two.list.isRevoked("new"))
        await two.sync.synchronize()
        #expect(two.list.isRevoked("new"))
        #expect(try await one.client.send("ZCARD", "martlet:revoked") == .integer(2))
        #expect(try await one.client.send("HGET", "martlet:revocations", "version").number == 2)
    }

    @Test func `a Redis that has forgotten everything is told again, by whoever knows`() async throws {
        var server: RedisServer? = try RedisServer()
        let configuration = try #require(server).configuration
        let (one, two) = (try await Node(configuration), try await Node(configuration))
        try one.list.revoke("before", until: Self.end)
        await one.sync.synchronize()
        server = nil
        while one.client.state == .up || two.client.state == .up { try await Task.sleep(for: .milliseconds(10)) }
        try one.list.revoke("meanwhile", until: Self.end)
        await one.sync.synchronize()
        server = try RedisServer(port: configuration.port)
        try #require(await one.client.waitUntilUp())
        try #require(await two.client.waitUntilUp())
        await one.sync.synchronize()
        await two.sync.synchronize()
        #expect(two.list.isRevoked("before"))
        #expect(two.list.isRevoked("meanwhile"))
        _ = server
    }

    @Test func `more tokens than one script takes, and than the lists may hold`() async throws {
        let server = try RedisServer()
        let (one, two) = (try await Node(server.configuration), try await Node(server.configuration))
        one.list.merge(Dictionary(uniqueKeysWithValues: (0..<RevocationList.capacity).map { ("t\($0)", Self.end) }))
        await one.sync.synchronize()
        try two.list.revoke("late", until: Self.end)
        await two.sync.synchronize()
        await two.sync.synchronize()
        #expect(two.list.count == RevocationList.capacity)
        #expect(two.list.isRevoked("late"))
        #expect(
            try await one.client.send("ZCARD", "martlet:revoked") == .integer(Int64(RevocationList.capacity)))
    }

    @Test func `what has expired, or is no token, is not taken over`() {
        let list = RevocationList(path: nil, now: { 100 })
        list.merge(["over": 100, "on": 101, String(repeating: "x", count: 129): 200])
        #expect(list.count == 1)
        #expect(list.isRevoked("on"))
        let version = list.snapshot.version
        list.merge(["on": 101])
        #expect(list.snapshot.version == version)
    }
}

import Primitives
import Redis
import RedisSupport
import Testing

@Suite("Commands to a real Redis", .enabled(if: RedisServer.isInstalled))
struct RedisClientTests {
    private func client(_ server: RedisServer) async throws -> RedisClient {
        let client = RedisClient(server.configuration)
        client.start()
        try #require(await client.waitUntilUp())
        return client
    }

    @Test func `answers of each kind come back as they are`() async throws {
        let server = try RedisServer()
        let client = try await client(server)
        defer { client.stop() }
        #expect(try await client.send("SET", "key", "väl\0ue").text == "OK")
        #expect(try await client.send("GET", "key").text == "väl\0ue")
        #expect(try await client.send("GET", "none") == .null)
        #expect(try await client.send("INCR", "count") == .integer(1))
        #expect(try await client.send("SET", "empty", "").text == "OK")
        #expect(
            try await client.send("MGET", "key", "empty", "none").elements?.map(\.text)
                == ["väl\0ue", "", nil])
        await #expect(throws: RedisError.self) { try await client.send("NONSENSE") }
        #expect(try await client.send("PING").text == "PONG")
    }

    @Test func `many commands at once are each answered once, or refused`() async throws {
        let server = try RedisServer()
        let client = try await client(server)
        defer { client.stop() }
        let answered = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<2_000 {
                group.addTask {
                    (try? await client.send("ECHO", "\(index)").text) == "\(index)"
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        let statistics = client.statistics
        #expect(UInt64(answered) == statistics.answered)
        #expect(statistics.answered + statistics.refused == 2_000)
    }

    @Test func `a script is given to a server that does not know it, and to one that has forgotten it`() async throws {
        let server = try RedisServer()
        let client = try await client(server)
        defer { client.stop() }
        let script = RedisScript("return {KEYS[1], ARGV[1]}")
        for _ in 0..<2 {
            let answer = try await client.run(script, keys: ["a"], ["b"])
            #expect(answer.elements?.map(\.text) == ["a", "b"])
            try await client.send("SCRIPT", "FLUSH")
        }
    }

    @Test func `a wrong password is told in the server's words, and a right one opens`() async throws {
        let server = try RedisServer(options: ["--requirepass", "hush-hush"])
        var configuration = server.configuration
        configuration.password = Secret("hush-hush")
        configuration.database = 3
        let right = RedisClient(configuration)
        right.start()
        defer { right.stop() }
        #expect(await right.waitUntilUp())
        configuration.password = Secret("wrong")
        let wrong = RedisClient(configuration)
        wrong.start()
        defer { wrong.stop() }
        var reason = ""
        for _ in 0..<12_000 where !reason.hasPrefix("WRONGPASS") {
            if case .away(let text) = wrong.state { reason = text }
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(reason.hasPrefix("WRONGPASS"))
    }

    @Test func `a server that goes and comes back is connected to again, and commands fail at once meanwhile`()
        async throws
    {
        var server: RedisServer? = try RedisServer()
        let port = try #require(server?.port)
        let client = RedisClient(try #require(server).configuration)
        client.start()
        defer { client.stop() }
        try #require(await client.waitUntilUp())
        server = nil
        while client.state == .up { try await Task.sleep(for: .milliseconds(10)) }
        await #expect(throws: RedisError.away) { try await client.send("PING") }
        server = try RedisServer(port: port)
        #expect(await client.waitUntilUp())
        #expect(try await client.send("PING").text == "PONG")
        _ = server
    }

    @Test func `whoever has stopped is refused, and nobody waits for ever`() async throws {
        let server = try RedisServer()
        let client = try await client(server)
        client.stop()
        await #expect(throws: RedisError.away) { try await client.send("PING") }
    }
}

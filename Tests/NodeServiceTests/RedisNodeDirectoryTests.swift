import NodeService
import Nodes
import Primitives
import Redis
import RedisSupport
import TestSupport
import Testing

@Suite("Gateways that share a Redis", .enabled(if: RedisServer.isInstalled))
struct RedisNodeDirectoryTests {
    private let stream = StreamName("camera")!

    /// A gateway of its own connection.
    private final class Node {
        let client: RedisClient
        let directory: RedisNodeDirectory

        init(_ name: String, _ configuration: RedisConfiguration, secret: Secret? = nil) async throws {
            client = RedisClient(configuration)
            client.start()
            directory = RedisNodeDirectory(
                id: try #require(NodeID(name)), url: "http://\(name).example", secret: secret, redis: client)
            try #require(await client.waitUntilUp())
        }

        deinit { client.stop() }

        @discardableResult
        func beat(_ streams: HeldStream...) async -> [ClaimAnswer] {
            await directory.beat(NodeLoad(sessions: 2, streams: 1, processor: 0.5), draining: false, streams: streams)
        }
    }

    @Test func `gateways find each other, agree on a secret, and know who has a stream`() async throws {
        let server = try RedisServer()
        let one = try await Node("one", server.configuration)
        let two = try await Node("two", server.configuration)
        #expect(one.directory.state == .degraded)
        #expect(one.directory.secret == nil)
        await one.beat()
        await two.beat()
        #expect(one.directory.state == .working)
        #expect(one.directory.secret != nil)
        #expect(one.directory.secret == two.directory.secret)
        let request = ClaimRequest(stream: stream, holder: "anna", takeover: .auto)
        #expect(await one.directory.claim(request) == .granted(epoch: 1))
        let rival = ClaimRequest(stream: stream, holder: "bert", takeover: .auto)
        // The lease may be over on a machine that does everything at once: whoever has it renews it.
        await one.beat(HeldStream(stream: stream, epoch: 1, holder: "anna"))
        if let origin = await two.directory.origin(of: stream) {
            #expect(origin == StreamOrigin(stream: stream, node: one.directory.id, url: "http://one.example", epoch: 1))
        }
        _ = await two.directory.claim(rival)
        #expect(await two.directory.claim(request) == .granted(epoch: 2))
        #expect(
            await one.beat(HeldStream(stream: stream, epoch: 1, holder: "anna"))
                == [.held(by: two.directory.id)])
        await two.directory.release(stream, epoch: 2)
        #expect(await one.directory.origin(of: stream) == nil)
        await one.directory.leave()
        #expect(!(await two.directory.nodes()).contains { $0.id == one.directory.id })
    }

    @Test func `a configured secret counts, whatever the others have agreed on`() async throws {
        let server = try RedisServer()
        let one = try await Node("one", server.configuration)
        let two = try await Node("two", server.configuration, secret: Secret("configured"))
        await one.beat()
        await two.beat()
        #expect(two.directory.secret == Secret("configured"))
        #expect(one.directory.secret != two.directory.secret)
    }

    @Test func `a gateway of another version, or of the same name, keeps out`() async throws {
        let server = try RedisServer()
        let one = try await Node("one", server.configuration)
        await one.beat()
        let twin = try await Node("one", server.configuration)
        try await one.client.send("PERSIST", "martlet:node:one")
        await twin.beat()
        #expect(twin.directory.state == .degraded)
        #expect(twin.directory.problem?.hasPrefix("DUPLICATE") == true)
        try await one.client.send("SET", "martlet:version", "2")
        await one.beat()
        #expect(one.directory.problem?.hasPrefix("VERSION") == true)
    }

    @Test func `without Redis this gateway goes on by itself, and what it has is written again to an empty one`()
        async throws
    {
        var server: RedisServer? = try RedisServer()
        let configuration = try #require(server).configuration
        let one = try await Node("one", configuration)
        let held = HeldStream(stream: stream, epoch: 7, holder: "anna")
        await one.beat(held)
        let secret = one.directory.secret
        server = nil
        while one.client.state == .up { try await Task.sleep(for: .milliseconds(10)) }
        #expect(one.directory.state == .degraded)
        #expect(await one.beat(held) == [.granted(epoch: 7)])
        let other = ClaimRequest(stream: try #require(StreamName("other")), holder: "bert", takeover: .reject)
        #expect(await one.directory.claim(other) == .granted(epoch: 1))
        #expect(await one.directory.origin(of: stream)?.epoch == 7)
        server = try RedisServer(port: configuration.port)
        try #require(await one.client.waitUntilUp())
        #expect(await one.beat(held) == [.granted(epoch: 7)])
        #expect(one.directory.state == .working)
        #expect(one.directory.secret == secret)
        #expect(try await one.client.send("HGET", "martlet:stream:camera", "epoch").text == "7")
        _ = server
    }

    @Test func `the scripts do what the table does`() async throws {
        let server = try RedisServer()
        let nodes = [try await Node("one", server.configuration), try await Node("two", server.configuration)]
        for node in nodes { await node.beat() }
        var table = ClaimTable()
        var generator = SeededGenerator(seed: 3)
        var epochs: [UInt64] = [1, 1]
        for step in 0..<600 {
            let index = Int.random(in: 0..<2, using: &generator)
            let (node, id) = (nodes[index].directory, nodes[index].directory.id)
            let holder = Bool.random(using: &generator) ? "anna" : "bert"
            // Leases last for ever in both: what happens when they end is the table's own test.
            try await nodes[0].client.send(
                ["HSET", "martlet:stream:camera", "until", "9000000000000000"].map { Array($0.utf8) })
            if step == 0 { try await nodes[0].client.send("DEL", "martlet:stream:camera") }
            var answers: [ClaimAnswer] = []
            switch Int.random(in: 0..<8, using: &generator) {
            case 0..<3:
                let takeover: ClaimRequest.Takeover =
                    [.auto, .replace, .reject].randomElement(using: &generator) ?? .auto
                let request = ClaimRequest(stream: stream, holder: holder, takeover: takeover)
                answers = [table.claim(request, by: id, at: .zero), await node.claim(request)]
            case 3..<7:
                let epoch = max(1, UInt64(Int(epochs[index]) + Int.random(in: -1...2, using: &generator)))
                let held = HeldStream(
                    stream: stream, epoch: epoch, holder: holder, isSilent: Bool.random(using: &generator))
                answers = [table.renew(held, by: id, at: .zero), (await nodes[index].beat(held))[0]]
            default:
                table.release(stream, epoch: epochs[index], by: id)
                await node.release(stream, epoch: epochs[index])
            }
            if answers.count == 2 { #expect(answers[0] == answers[1], "step \(step)") }
            if case .granted(let epoch)? = answers.first { epochs[index] = max(epochs[index], epoch) }
        }
        #expect(epochs.max() ?? 0 > 50)
    }
}

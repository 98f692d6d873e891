import Gateway
import HTTPService
import HTTPTypes
import HummingbirdTesting
import Primitives
import Synchronization
import Telemetry
import Testing

extension StreamStatus {
    static func live(_ name: String) -> StreamStatus {
        StreamStatus(
            name: name, state: "live", source: "whip", startedAt: "2026-11-22T23:40:00Z",
            tracks: [
                Track(
                    kind: "video", codec: "H264", bitrate: 1_000_000, width: 640, height: 360, packetsReceived: 900,
                    packetsLost: 2),
                Track(kind: "audio", codec: "opus", bitrate: 64_000, channels: 2, packetsReceived: 500),
            ], viewers: 4, warnings: [IngestWarning(code: "b-frames", message: "Turn them off.")])
    }
}

@Suite("API, metrics and probes")
struct InformationTests {
    @Test func `the list of streams is an object with a list`() async throws {
        let client = await Client()
        client.gateway.show([.live("cam"), .live("other")])
        let answer = try await client.send(.get, "/api/v1/streams")
        #expect(answer.headers[.contentType] == "application/json")
        #expect(answer.headers[.cacheControl] == "no-store")
        let streams = try #require(try answer.object["streams"] as? [[String: Any]])
        #expect(streams.compactMap { $0["name"] as? String } == ["cam", "other"])
        #expect((streams.first?["tracks"] as? [[String: Any]])?.first?["width"] as? Int == 640)
        #expect((streams.first?["warnings"] as? [[String: Any]])?.first?["code"] as? String == "b-frames")
    }

    @Test func `one stream has its status and its figures`() async throws {
        let client = await Client()
        client.gateway.show([.live("cam")])
        #expect(try await client.send(.get, "/api/v1/streams/cam").object["viewers"] as? Int == 4)
        let figures = try await client.send(.get, "/api/v1/streams/cam/stats").object
        #expect(figures["bitrate"] as? Int == 1_064_000)
        #expect(figures["packetsReceived"] as? Int == 1400)
        #expect(figures["packetsLost"] as? Int == 2)
    }

    @Test(arguments: ["/api/v1/streams/none", "/api/v1/streams/none/stats"])
    func `a stream that is not there is 404`(path: String) async throws {
        try expectProblem(try await Client().send(.get, path), 404, "unknown-stream")
    }

    @Test func `metrics are text for Prometheus`() async throws {
        let client = await Client()
        client.metrics.addCollector { [gateway = client.gateway] in await gateway.statistics().metricFamilies }
        let answer = try await client.send(.get, "/metrics")
        #expect(answer.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(answer.text.contains("martlet_sessions{kind=\"viewer\"} 3\n"))
    }

    @Test func `the process is alive for everybody, whatever it can do`() async throws {
        let client = await Client()
        client.readiness.change(to: .failed("the RTMP listener is dead"))
        #expect(try await client.send(.get, "/health/live", from: Client.elsewhere).status == .ok)
    }

    @Test func `it is ready until it drains, and then never again`() async throws {
        let client = await Client()
        #expect(try await client.send(.get, "/health/ready", from: Client.elsewhere).status == .ok)
        client.readiness.change(to: .draining)
        client.readiness.change(to: .ready)
        let answer = try await client.send(.get, "/health/ready", from: Client.elsewhere)
        #expect(answer.status == .serviceUnavailable)
        #expect(try answer.object["status"] as? String == "draining")
    }

    @Test func `it is not ready while a part it needs is dead`() async throws {
        let client = await Client()
        let isAlive = Mutex(true)
        client.readiness.require("the RTMP listener") { isAlive.withLock { $0 } }
        #expect(try await client.send(.get, "/health/ready").status == .ok)
        isAlive.withLock { $0 = false }
        let answer = try await client.send(.get, "/health/ready")
        #expect(answer.status == .serviceUnavailable)
        #expect(try answer.object["reason"] as? String == "the RTMP listener is dead")
    }

    @Test func `it is not ready while starting or without a listener`() async throws {
        let client = await Client()
        client.readiness.change(to: .starting)
        #expect(try await client.send(.get, "/health/ready").status == .serviceUnavailable)
        client.readiness.change(to: .failed("the RTMP listener is dead"))
        let answer = try await client.send(.get, "/health/ready")
        #expect(answer.status == .serviceUnavailable)
        #expect(try answer.object["reason"] as? String == "the RTMP listener is dead")
    }
}

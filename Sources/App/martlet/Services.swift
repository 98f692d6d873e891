import Gateway
import HTTPService
import Logging
import Media
import Primitives
import ServiceLifecycle
import Telemetry
import Transcoding

/// Runs the gateway's own tasks until the group ends.
struct GatewayRunner: Service {
    let gateway: Gateway

    func run() async throws {
        await cancelWhenGracefulShutdown { await gateway.run() }
    }
}

/// Lets sessions end before anything is shut down.
struct Drain: Service {
    let gateway: Gateway
    let readiness: Readiness
    let grace: Duration
    let logger: Logger

    func run() async throws {
        try? await gracefulShutdown()
        readiness.change(to: .draining)
        await gateway.beginDraining()
        let statistics = await gateway.statistics()
        let sessions = statistics.publishers + statistics.viewers
        if sessions > 0 {
            logger.notice(
                "Draining; a second signal ends at once",
                metadata: [LogKeys.sessionCount: .stringConvertible(sessions), "grace": "\(grace)"])
        }
        await gateway.drain(grace: grace)
    }
}

/// Publishes the test pattern as stream `demo`.
struct DemoPublisher: Service {
    static let streamName = "demo"

    let gateway: Gateway
    let logger: Logger

    func run() async throws {
        guard let stream = StreamName(Self.streamName) else { return }
        let (ends, report) = AsyncStream.makeStream(of: IngestEnd.self)
        let ingest = try await gateway.ingest(
            stream: stream, by: .credential("demo"), source: "demo",
            onEnd: { end in
                report.yield(end)
                report.finish()
            })
        let source = TestPatternSource(
            configuration: { ingest.configure($0) }, frame: { ingest.write($0) })
        do {
            try source.start()
        } catch {
            throw CommandFailure("the test pattern cannot be made: \(error)")
        }
        await cancelWhenGracefulShutdown {
            for await end in ends where end == .superseded {
                logger.notice("Somebody else publishes the demo stream now")
            }
        }
        source.stop()
        ingest.finish()
        // Superseded is no reason to end the gateway.
        try? await gracefulShutdown()
    }
}

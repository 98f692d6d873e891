import Gateway
import HTTPService
import Logging
import Media
import Primitives
import Recording
import RoomService
import ServiceLifecycle
import Telemetry
import Transcoding

/// Runs the gateway's own tasks until the group ends.
struct GatewayRunner: Service, CustomStringConvertible {
    let gateway: Gateway

    var description: String { "streams" }

    func run() async throws {
        await cancelWhenGracefulShutdown { await gateway.run() }
    }
}

/// Records streams until the group ends.
struct RecorderRunner: Service, CustomStringConvertible {
    let recorder: Recorder

    var description: String { "recorder" }

    func run() async throws {
        await cancelWhenGracefulShutdown { await recorder.run() }
    }
}

/// Gives up places in rooms whose time is over, until the group ends.
struct RoomsRunner: Service, CustomStringConvertible {
    let rooms: MemoryRoomStore

    var description: String { "rooms" }

    func run() async throws {
        await cancelWhenGracefulShutdown { await rooms.run() }
    }
}

/// Lets sessions end before anything is shut down.
struct Drain: Service, CustomStringConvertible {
    let gateway: Gateway
    let readiness: Readiness
    let grace: Duration
    let logger: Logger

    var description: String { "drain" }

    func run() async throws {
        try? await gracefulShutdown()
        // Before others notice, so that whoever is told that the gateway goes away is told where to go.
        await gateway.beginDraining()
        readiness.change(to: .draining)
        let sessions = await gateway.connectedSessions
        if sessions > 0 {
            logger.notice(
                "Draining; a second signal ends at once",
                metadata: [LogKeys.sessionCount: .stringConvertible(sessions), "grace": "\(grace)"])
        }
        await gateway.drain(grace: grace)
    }
}

/// Publishes the test pattern as stream `demo`.
struct DemoPublisher: Service, CustomStringConvertible {
    static let streamName = "demo"

    /// What the gateway wants of the source.
    private enum Wish {
        case keyFrame
        case end(IngestEnd)
    }

    let gateway: Gateway
    let logger: Logger

    var description: String { "demo" }

    func run() async throws {
        guard let stream = StreamName(Self.streamName) else { return }
        let (wishes, report) = AsyncStream.makeStream(of: Wish.self, bufferingPolicy: .bufferingNewest(4))
        let ingest = try await gateway.ingest(
            stream: stream, by: .credential("demo"), source: "demo",
            onEnd: { end in
                report.yield(.end(end))
                report.finish()
            },
            onKeyFrameRequest: { report.yield(.keyFrame) })
        let source = TestPatternSource(
            configuration: { ingest.configure($0) }, frame: { ingest.write($0) })
        do {
            try source.start()
        } catch {
            throw CommandFailure("the test pattern cannot be made: \(error)")
        }
        await cancelWhenGracefulShutdown {
            for await wish in wishes {
                switch wish {
                case .keyFrame: source.requestKeyFrame()
                case .end(.superseded): logger.notice("Somebody else publishes the demo stream now")
                case .end(.shutdown), .end(.credential): break
                }
            }
        }
        source.stop()
        ingest.finish()
        // Superseded is no reason to end the gateway.
        try? await gracefulShutdown()
    }
}

import Gateway
import Logging
import Media
import NIOCore
import NIOPosix
import Primitives
import RTMP
import RTMPService
import Synchronization
import Testing

@Suite("The RTMP service, over real sockets")
struct RTMPServiceTests {
    static let key = EncodedFrame(
        codec: .h264,
        decodeTime: 0,
        presentationTime: 0,
        isKeyFrame: true,
        payload: [0, 0, 0, 2, 0x65, 0x88]
    )
    static let h264 = CodecConfiguration.h264(
        sps: [[0x67, 0x42, 0xC0, 0x1E, 0xD9]],
        pps: [[0x68, 0xCE, 0x3C, 0x80]]
    )

    /// Runs a service on a free port while `body` runs.
    static func withService<Result>(
        _ backend: RecordingBackend,
        configure: (inout RTMPServiceConfiguration) -> Void = { _ in },
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        onRefusal: @escaping @Sendable (String) -> Void = { _ in },
        _ body: (_ service: RTMPService, _ port: UInt16) async throws -> Result
    ) async throws -> Result {
        var configuration = RTMPServiceConfiguration()
        configuration.host = "127.0.0.1"
        configuration.port = 0
        configure(&configuration)
        let service = RTMPService(
            configuration: configuration, backend: backend, logger: logger, onRefusal: onRefusal)
        let port = try await service.bind()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            let result = try await body(service, port)
            group.cancelAll()
            return result
        }
    }

    @Test func `frames of a publisher reach the gateway, and its end too`() async throws {
        let backend = RecordingBackend()
        try await Self.withService(backend) { _, port in
            let publisher = try await TestPublisher.connect(port: port, path: "live/cam?token=t1")
            var heard = publisher.events.makeAsyncIterator()
            #expect(await heard.next() == .publishing)
            try await publisher.apply { session in
                session.configure(Self.h264)
                session.write(Self.key)
                session.finish()
            }
            var events = backend.events.makeAsyncIterator()
            #expect(await events.next() == .requested(stream: "cam", credential: "t1", isLoopback: true))
            #expect(await events.next() == .configuration(Self.h264))
            #expect(await events.next() == .frame(.h264, isKeyFrame: true, payload: Self.key.payload))
            #expect(await events.next() == .finished)
            try await publisher.channel.close()
        }
    }

    @Test func `a refused publisher reads why, and is then disconnected`() async throws {
        let backend = RecordingBackend { _ in "make a token" }
        try await Self.withService(backend) { _, port in
            let publisher = try await TestPublisher.connect(port: port, path: "live/cam")
            var heard = publisher.events.makeAsyncIterator()
            #expect(
                await heard.next()
                    == .closed(.refusedByPeer(code: "NetStream.Publish.Denied", description: "make a token"))
            )
            #expect(await heard.next() == .disconnected)
        }
    }

    @Test func `a publisher that vanishes has ended`() async throws {
        let backend = RecordingBackend()
        try await Self.withService(backend) { _, port in
            let publisher = try await TestPublisher.connect(port: port, path: "live/cam")
            var heard = publisher.events.makeAsyncIterator()
            #expect(await heard.next() == .publishing)
            try await publisher.channel.close()
            var events = backend.events.makeAsyncIterator()
            _ = await events.next()
            #expect(await events.next() == .finished)
        }
    }

    @Test func `a publisher that is taken over reads why`() async throws {
        let backend = RecordingBackend()
        try await Self.withService(backend) { _, port in
            let publisher = try await TestPublisher.connect(port: port, path: "live/cam")
            var heard = publisher.events.makeAsyncIterator()
            #expect(await heard.next() == .publishing)
            backend.end(.superseded)
            #expect(
                await heard.next()
                    == .closed(
                        .refusedByPeer(
                            code: "NetStream.Publish.BadName",
                            description: "another publisher has taken over this stream"
                        )
                    )
            )
            #expect(await heard.next() == .disconnected)
        }
    }

    @Test func `one publisher too many is turned away, and the others go on`() async throws {
        let backend = RecordingBackend()
        try await Self.withService(backend, configure: { $0.maximumConnections = 1 }) { service, port in
            let first = try await TestPublisher.connect(port: port, path: "live/cam")
            var heardByFirst = first.events.makeAsyncIterator()
            #expect(await heardByFirst.next() == .publishing)
            #expect(service.connectionCount == 1)
            let second = try await TestPublisher.connect(port: port, path: "live/other")
            var heardBySecond = second.events.makeAsyncIterator()
            #expect(await heardBySecond.next() == .disconnected)
            try await first.apply { $0.configure(Self.h264) }
            var events = backend.events.makeAsyncIterator()
            _ = await events.next()
            #expect(await events.next() == .configuration(Self.h264))
            try await first.channel.close()
        }
    }

    @Test func `an address that connects too often is turned away, and what it has goes on`() async throws {
        let refusals = Mutex<[String]>([])
        let configure = { @Sendable (configuration: inout RTMPServiceConfiguration) in
            configuration.connectionsPerMinute = 1
            configuration.connectionsBurst = 1
            configuration.limitsLoopback = true
        }
        try await Self.withService(
            RecordingBackend(), configure: configure, onRefusal: { reason in refusals.withLock { $0.append(reason) } }
        ) { _, port in
            let first = try await TestPublisher.connect(port: port, path: "live/cam")
            var heardByFirst = first.events.makeAsyncIterator()
            #expect(await heardByFirst.next() == .publishing)
            let second = try await TestPublisher.connect(port: port, path: "live/other")
            var heardBySecond = second.events.makeAsyncIterator()
            #expect(await heardBySecond.next() == .disconnected)
            #expect(refusals.withLock { $0 } == ["too-many-connects"])
            #expect(first.channel.isActive)
            try await first.channel.close()
        }
    }

    @Test func `a handshake that never comes is not waited for`() async throws {
        let configure = { @Sendable (configuration: inout RTMPServiceConfiguration) in
            configuration.limits.handshakeTimeout = .milliseconds(50)
            configuration.lingerSeconds = 0
        }
        try await Self.withService(RecordingBackend(), configure: configure) { _, port in
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: Int(port)).get()
            // Completes only because the server hangs up.
            try await channel.closeFuture.get()
        }
    }

    @Test func `whoever speaks no RTMP is counted, and whoever is refused is counted once`() async throws {
        let refusals = Mutex<[String]>([])
        let backend = RecordingBackend { _ in "no" }
        let configure = { @Sendable (configuration: inout RTMPServiceConfiguration) in
            configuration.lingerSeconds = 0
        }
        let note = { @Sendable (reason: String) in refusals.withLock { $0.append(reason) } }
        try await Self.withService(backend, configure: configure, onRefusal: note) { _, port in
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: Int(port)).get()
            try await channel.writeAndFlush(ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n"))
            try await channel.closeFuture.get()
            let publisher = try await TestPublisher.connect(port: port, path: "live/cam")
            for await _ in publisher.events {}
        }
        #expect(refusals.withLock { $0 } == ["rtmp-malformed", "test"])
    }

    @Test func `a decision that comes after the publisher has gone is undone`() async throws {
        let (gate, open) = AsyncStream<Void>.makeStream()
        let backend = RecordingBackend { _ in
            for await _ in gate { break }
            return nil
        }
        try await Self.withService(backend) { service, port in
            let publisher = try await TestPublisher.connect(port: port, path: "live/cam")
            var events = backend.events.makeAsyncIterator()
            _ = await events.next()
            try await publisher.channel.close()
            open.yield()
            // Accepted or not by the time the connection's end is seen, it must be finished.
            #expect(await events.next() == .finished)
        }
    }

    @Test func `a port in use is named`() async throws {
        try await Self.withService(RecordingBackend()) { _, port in
            var configuration = RTMPServiceConfiguration()
            configuration.host = "127.0.0.1"
            configuration.port = port
            let second = RTMPService(
                configuration: configuration,
                backend: RecordingBackend(),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            await #expect(throws: RTMPServiceError.portInUse(host: "127.0.0.1", port: port)) {
                try await second.bind()
            }
            #expect(RTMPServiceError.portInUse(host: "::", port: 1935).description.contains("1935"))
        }
    }

    @Test func `the wildcard takes IPv4 publishers`() async throws {
        let backend = RecordingBackend()
        try await Self.withService(backend, configure: { $0.host = "::" }) { _, port in
            let publisher = try await TestPublisher.connect(port: port, path: "live/cam")
            var heard = publisher.events.makeAsyncIterator()
            #expect(await heard.next() == .publishing)
            var events = backend.events.makeAsyncIterator()
            #expect(await events.next() == .requested(stream: "cam", credential: nil, isLoopback: true))
            try await publisher.channel.close()
        }
    }

    @Test func `no log line holds a token`() async throws {
        let lines = Mutex<[String]>([])
        let logger = Logger(label: "test") { _ in CapturingLogHandler { line in lines.withLock { $0.append(line) } } }
        let backend = RecordingBackend { _ in "no" }
        try await Self.withService(backend, logger: logger) { _, port in
            let publisher = try await TestPublisher.connect(port: port, path: "live/cam?token=hunter2&key=hunter3")
            for await _ in publisher.events {}
        }
        let text = lines.withLock { $0.joined(separator: "\n") }
        #expect(text.contains("cam") && text.contains("NetStream.Publish.Denied"))
        #expect(!text.contains("hunter"))
    }
}

/// Hands every log line to a closure, metadata included.
private struct CapturingLogHandler: LogHandler {
    let emit: @Sendable (String) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    init(_ emit: @escaping @Sendable (String) -> Void) {
        self.emit = emit
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        emit("\(event.level) \(event.message) \(all)")
    }
}

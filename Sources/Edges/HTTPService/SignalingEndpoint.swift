import Auth
import Foundation
import Gateway
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import NIOWebSocket
import Primitives
import RoomService
import Rooms
import ServiceLifecycle
import Signaling
import Synchronization
import Telemetry

/// `/signaling`: decides who may have a connection, and carries the messages of those who have a WebSocket.
final class SignalingEndpoint: Sendable {
    /// Above what a message may have, so that one which is a little too large is answered in words.
    static let maximumFrameSize = 128 << 10
    /// Connections at the same time, whether they are in rooms or not.
    static let maximumConnections = 10_000
    static let path = "/signaling"
    static let tickInterval = Duration.seconds(1)
    private static let closingPatience = Duration.seconds(2)

    let store: (any RoomStore)?
    /// `nil` where rooms are for talk alone.
    let media: RoomMediaDesk?
    let access: Access
    private let origins: Set<String>
    private let proxies: TrustedProxies
    private let readiness: Readiness
    private let destination: @Sendable (String) async -> String?
    private let logger: Logger
    private let onRefusal: @Sendable (String) -> Void
    private let connections = Mutex(0)
    /// Those who hear by an event stream and speak by `POST`.
    let streams = SignalingStreams()

    init(
        store: (any RoomStore)?, media: RoomMediaDesk?, access: Access, origins: Set<String>, proxies: TrustedProxies,
        readiness: Readiness, destination: @escaping @Sendable (String) async -> String?, logger: Logger,
        onRefusal: @escaping @Sendable (String) -> Void
    ) {
        self.store = store
        self.media = media
        self.access = access
        self.origins = origins
        self.readiness = readiness
        self.destination = destination
        self.logger = logger
        self.proxies = proxies
        self.onRefusal = onRefusal
    }

    // MARK: Who may come

    /// Why a request cannot become a WebSocket, by its fields, whose names are in lower case; `nil` when it can.
    private func problem(_ field: (String) -> String?) -> Problem? {
        if let problem = foreignProblem(field) { return problem }
        guard field("sec-websocket-key") != nil else { return .upgradeRequired }
        let protocols = (field("sec-websocket-protocol") ?? "").split(separator: ",")
            .map { $0.trimmingCharacters(in: .whitespaces) }
        guard protocols.contains(ServerMessage.version) else { return .unknownSubprotocol }
        return crowdProblem
    }

    /// Why nobody comes in, or nobody from the page that a request is from.
    private func foreignProblem(_ field: (String) -> String?) -> Problem? {
        guard store != nil else { return .notFound }
        guard readiness.state != .draining else { return .signalingDraining }
        let origin = field("origin")?.lowercased()
        if let origin, !isAllowed(origin, host: field("host")?.lowercased()) { return .foreignOrigin }
        return nil
    }

    /// Why nobody else can come in.
    private var crowdProblem: Problem? {
        connections.withLock { $0 < Self.maximumConnections } ? nil : .tooManyConnections
    }

    /// The same for a request that opens an event stream.
    func check(_ request: Request) throws(Problem) {
        if let problem = foreignProblem({ Self.field($0, of: request) }) ?? crowdProblem { throw problem }
    }

    /// A field by its name in lower case.
    private static func field(_ name: String, of request: Request) -> String? {
        name == "host" ? request.head.authority : HTTPField.Name(name).flatMap { request.headers[$0] }
    }

    /// Browsers say which page a WebSocket is for, and ask nobody else (RFC 6455 section 10.2).
    private func isAllowed(_ origin: String, host: String?) -> Bool {
        if origins.contains(origin) { return true }
        guard let host else { return false }
        return origin == "http://\(host)" || origin == "https://\(host)"
    }

    /// What the answer says that makes a request a WebSocket.
    static let upgradeFields: HTTPHeaders = ["Sec-WebSocket-Protocol": ServerMessage.version]

    /// Who a request for a WebSocket comes from.
    private func client(of head: HTTPRequestHead, peer: TransportAddress?) -> TransportAddress? {
        proxies.client(of: peer, fields: head.headers.lazy.map { (name: $0.name, value: $0.value) })
    }

    /// Whether a request becomes a WebSocket; otherwise it is to be answered in another way.
    func upgrades(_ head: HTTPRequestHead, peer: TransportAddress?) -> Bool {
        let fields = head.headers
        return head.method == .GET && head.version == .http1_1 && head.uri.prefix { $0 != "?" } == Self.path
            && fields[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
            && fields[canonicalForm: "upgrade"].map { $0.lowercased() } == ["websocket"]
            && fields["sec-websocket-version"] == ["13"] && fields["sec-websocket-key"].count == 1
            && problem { fields[$0].first } == nil && (try? access.countPost(from: client(of: head, peer: peer))) != nil
    }

    /// Answers a request that did not become a WebSocket.
    func refuse(_ request: Request) throws(Problem) -> Response {
        if let problem = problem({ Self.field($0, of: request) }) { throw problem }
        // Over HTTP/2, as a later request of a connection, too often, or without its key.
        throw .upgradeRequired
    }

    // MARK: Those who have come

    /// Carries messages until either side ends.
    func serve(_ socket: UpgradableHTTP1Channel.Socket, _ head: HTTPRequestHead) async {
        guard let store else { return }
        let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let client = makeClient(
            store,
            from: RequestOrigin(
                peer: self.client(of: head, peer: ClientContext.peer(of: socket.channel)),
                host: head.headers["host"].first,
                fields: head.headers.lazy.map { (name: $0.name, value: $0.value) }), wake: wake)
        begin()
        do {
            try await socket.executeThenClose { inbound, outbound in
                try await Self.carry(client, inbound, outbound, wakes)
            }
        } catch {
            noteLoss(error)
        }
        await end(client)
    }

    /// One who has come, whatever carries its messages.
    func makeClient(
        _ store: any RoomStore, from origin: RequestOrigin, wake: AsyncStream<Void>.Continuation
    ) -> SignalingClient {
        SignalingClient(
            store: store, media: media,
            gate: SignalingGate(authorizer: access.authorizer, guesses: access.guesses, origin: origin),
            resumeWindow: store.resumeWindow, now: access.now, unixSeconds: { Int64(Date.now.timeIntervalSince1970) },
            isDraining: { [readiness] in readiness.state == .draining }, destination: destination,
            wake: { wake.yield() },
            onRefusal: onRefusal)
    }

    /// Counts a connection, until ``end(_:)``.
    func begin() { connections.withLock { $0 += 1 } }

    /// Tells the rooms that a client's connection is gone.
    func end(_ client: SignalingClient) async {
        connections.withLock { $0 -= 1 }
        await client.disconnected()
    }

    func noteLoss(_ error: any Error) {
        logger.debug("Signaling connection lost", metadata: [LogKeys.errorMessage: "\(error)"])
    }

    /// How many connections there are.
    var count: Int { connections.withLock { $0 } }

    private static func carry(
        _ client: SignalingClient, _ inbound: NIOAsyncChannelInboundStream<WebSocketFrame>,
        _ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>, _ wakes: AsyncStream<Void>
    ) async throws {
        let (ends, end) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await read(client, inbound, outbound) }
                group.addTask { try await write(client, outbound, wakes) }
                group.addTask {
                    while await !client.isOverdue {
                        try await Task.sleep(for: tickInterval)
                        await client.tick()
                    }
                }
                group.addTask {
                    for await _ in ends { await client.goAway() }
                    try await Task.sleep(for: .seconds(3600))
                }
                // Whichever ends first ends the others.
                _ = try await group.next()
                group.cancelAll()
            }
        } onGracefulShutdown: {
            end.yield()
            end.finish()
        }
    }

    private static func read(
        _ client: SignalingClient, _ inbound: NIOAsyncChannelInboundStream<WebSocketFrame>,
        _ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>
    ) async throws {
        for try await frame in inbound {
            switch frame.opcode {
            case .text: await client.receive(text: Array(frame.unmaskedData.readableBytesView))
            case .binary: await client.receive(binary: Array(frame.unmaskedData.readableBytesView))
            case .ping:
                await client.heard()
                try await outbound.write(WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData))
            case .pong: await client.heard()
            case .connectionClose:
                // RFC 6455 section 5.5.1: a close is answered with a close, unless one was sent already.
                if await !client.isClosing {
                    try? await outbound.write(
                        WebSocketFrame(fin: true, opcode: .connectionClose, data: frame.unmaskedData))
                }
                return
            default: break
            }
        }
    }

    private static func write(
        _ client: SignalingClient, _ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>, _ wakes: AsyncStream<Void>
    ) async throws {
        for await _ in wakes {
            while let output = await client.nextOutput() {
                switch output {
                case .text(let text):
                    try await outbound.write(WebSocketFrame(fin: true, opcode: .text, data: ByteBuffer(string: text)))
                case .binary(let bytes):
                    try await outbound.write(
                        WebSocketFrame(fin: true, opcode: .binary, data: ByteBuffer(bytes: bytes)))
                case .ping: try await outbound.write(WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer()))
                case .close(let end):
                    var data = ByteBuffer()
                    data.write(webSocketErrorCode: WebSocketErrorCode(codeNumber: Int(end.rawValue)))
                    try await outbound.write(WebSocketFrame(fin: true, opcode: .connectionClose, data: data))
                    // The client's close ends the connection; without one, patience does.
                    try await Task.sleep(for: closingPatience)
                    return
                }
            }
        }
    }
}

extension Problem {
    static let upgradeRequired = Problem(
        426, "upgrade-required",
        "Connect with WebSocket over HTTP/1.1 and the subprotocol \(ServerMessage.version); see signaling/PROTOCOL.md.",
        fields: [.upgrade: "websocket"])
    static let unknownSubprotocol = Problem(
        400, "unknown-subprotocol",
        "Offer the subprotocol \(ServerMessage.version) (Sec-WebSocket-Protocol).")
    static let foreignOrigin = Problem(
        403, "origin-not-allowed", "Pages of this origin may not connect. Add it to http.cors.origins.")
    static let signalingDraining = Problem(
        503, "draining", "The gateway is going away. Connect to another one.", retryAfter: .seconds(5))
    static let tooManyConnections = Problem(
        503, "too-many-connections", "The gateway has as many signaling connections as it may have.",
        retryAfter: .seconds(5))
}

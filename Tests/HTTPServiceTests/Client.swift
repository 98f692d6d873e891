import Auth
import Foundation
import Gateway
import HLSService
import HTTPService
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Primitives
import Rooms
import Synchronization
import Telemetry
import Testing
import Webhooks

/// The HTTP service over a fake gateway, without a network.
struct Client {
    let gateway = FakeGateway()
    let metrics = MetricsRegistry()
    let readiness = Readiness()
    let tokens: TokenAuthority
    let revocations = RevocationList(path: nil)
    private let clock = ManualClock()
    private let application: Application<GatewayResponder>

    static let sdp: HTTPFields = [.contentType: "application/sdp"]
    static let here = "127.0.0.1"
    static let elsewhere = "192.0.2.7"

    init(
        policy: AccessPolicy = AccessPolicy(), configuration: HTTPServiceConfiguration = HTTPServiceConfiguration(),
        guessesPerMinute: Int = 20, hls: (any HLSSource)? = nil, recordings: (any RecordingService)? = nil,
        webhooks: (any WebhookLog)? = nil, rooms: (any RoomStore)? = nil
    ) async {
        tokens = await TokenAuthority(secret: Secret("0123456789abcdef0123456789abcdef"))
        readiness.change(to: .ready)
        let responder = HTTPService.responder(
            configuration, gateway, Authorizer(policy: policy, tokens: tokens, revocations: revocations),
            GuessLimit(perMinute: guessesPerMinute, now: { [clock] in clock.now }), metrics, readiness,
            hls: hls,
            recordings: recordings,
            webhooks: webhooks,
            rooms: rooms,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            now: { [clock] in clock.now },
            peer: { request, _ in TransportAddress(request.headers[.testPeer] ?? "", port: 1) })
        application = Application(responder: responder)
    }

    func advance(by interval: Interval) { clock.advance(by: interval) }

    func send(
        _ method: HTTPRequest.Method, _ path: String, _ fields: HTTPFields = [:], body: String? = nil,
        from peer: String = here, token: Secret? = nil
    ) async throws -> TestResponse {
        var fields = fields
        fields[.testPeer] = peer
        if let token { fields[.authorization] = "Bearer \(token.revealed)" }
        let headers = fields
        return try await application.test(.router) { client in
            try await client.execute(
                uri: path, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) })
        }
    }

    /// Serves on a port of this machine.
    func live(_ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        try await application.test(.live) { client in try await body(try #require(client.port)) }
    }

    func token(
        _ stream: String, _ permissions: [Permission], lifetime: Duration = .seconds(86_400)
    ) async throws -> Secret {
        try await tokens.issue(
            stream: try #require(StreamPattern(stream)), permissions: permissions, lifetime: lifetime)
    }
}

private final class ManualClock: Sendable {
    private let instant = Mutex(Instant.zero)
    var now: Instant { instant.withLock { $0 } }
    func advance(by interval: Interval) { instant.withLock { $0 = $0 + interval } }
}

extension HTTPField.Name {
    static let testPeer = HTTPField.Name("Test-Peer")!
    static let acceptPost = HTTPField.Name("Accept-Post")!
    static let acceptPatch = HTTPField.Name("Accept-Patch")!
    static let link = HTTPField.Name("Link")!
    static let forwarded = HTTPField.Name("Forwarded")!
    static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
}

extension TestResponse {
    var text: String { String(buffer: body) }

    var object: [String: Any] {
        get throws {
            try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        }
    }
}

/// Checks that an answer is a problem of this name, and gives its detail.
@discardableResult
func expectProblem(
    _ response: TestResponse, _ status: Int, _ name: String, sourceLocation: SourceLocation = #_sourceLocation
) throws -> String {
    #expect(response.status.code == status, sourceLocation: sourceLocation)
    #expect(response.headers[.contentType] == "application/problem+json", sourceLocation: sourceLocation)
    let object = try response.object
    #expect(object["type"] as? String == "urn:martlet:problem:\(name)", sourceLocation: sourceLocation)
    #expect(object["status"] as? Int == status, sourceLocation: sourceLocation)
    #expect(object["title"] as? String != nil, sourceLocation: sourceLocation)
    return try #require(object["detail"] as? String, sourceLocation: sourceLocation)
}

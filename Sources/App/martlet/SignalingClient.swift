import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Primitives
import TransportSecurity

/// WHIP and WHEP as our own clients speak them: an offer is posted, and the session is deleted in the end (RFC 9725 §4).
struct SignalingClient {
    /// What a server made of an offer.
    struct Session {
        var answer: [UInt8]
        /// Whether ``answer`` is an offer instead, for us to answer (WHEP).
        var isCounterOffer = false
        /// What to delete; `nil` when the server did not tell.
        var resource: URL?
        /// When the request that succeeded was sent.
        var askedAt: ContinuousClock.Instant
    }

    private static let timeout = TimeAmount.seconds(10)
    private static let maximumRedirects = 5
    /// More than any answer or problem has.
    private static let maximumBody = 256 * 1024

    private let client: HTTPClient
    private let token: Secret?

    /// - Parameters:
    ///   - token: Sent as `Authorization: Bearer`.
    ///   - trust: Whose certificates to take.
    /// - Throws: ``CommandFailure`` when the file of authorities is none.
    init(token: Secret?, trust: ServerTrust = .system) throws(CommandFailure) {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout = .init(connect: Self.timeout, read: Self.timeout)
        do throws(ServerTrustError) {
            configuration.tlsConfiguration = try trust.configuration()
        } catch {
            throw CommandFailure("--ca: \(error)")
        }
        // "Connection refused" is an answer, and the person who waits for it wants to read it at once.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        self.token = token
    }

    /// To be called once, when no request is under way.
    func close() async {
        try? await client.shutdown()
    }

    /// Posts an offer.
    ///
    /// Follows redirections (307, 308), and tries again where the server says when to (`Retry-After` with 409, 429
    /// or 503).
    ///
    /// - Parameters:
    ///   - offer: SDP.
    ///   - url: The endpoint.
    ///   - patience: How long to try again altogether.
    ///   - note: Called with one line when there is something to wait for.
    /// - Returns: The session that was made.
    /// - Throws: ``CommandFailure`` with what the server says.
    func post(
        offer: String, to url: URL, patience: Duration, note: (String) -> Void
    ) async throws(CommandFailure) -> Session {
        let deadline = ContinuousClock.now + patience
        var target = url
        var redirects = 0
        while true {
            let askedAt = ContinuousClock.now
            let (response, body) = try await send(.POST, target, body: offer)
            switch response.status.code {
            case 201:
                let resource = response.headers.first(name: "location").flatMap { URL(string: $0, relativeTo: target) }
                return Session(answer: body, resource: resource?.absoluteURL, askedAt: askedAt)
            case 406 where Self.isDescription(response):
                guard let location = response.headers.first(name: "location"),
                    let resource = URL(string: location, relativeTo: target)?.absoluteURL
                else { throw CommandFailure("the server makes an offer, and does not say where the answer goes") }
                return Session(answer: body, isCounterOffer: true, resource: resource, askedAt: askedAt)
            case 307, 308:
                redirects += 1
                target = try redirected(from: target, response, count: redirects)
            case 409, 429, 503:
                let pause = response.headers.first(name: "retry-after").flatMap { Int64($0) }
                guard let pause, pause >= 0, ContinuousClock.now + .seconds(pause) < deadline else {
                    throw Self.refusal(response, body)
                }
                note(Self.refusal(response, body).description)
                try? await Task.sleep(for: .seconds(max(pause, 1)))
            default: throw Self.refusal(response, body)
            }
        }
    }

    /// Answers the offer that a WHEP server has made instead of answering ours.
    ///
    /// - Throws: ``CommandFailure`` with what the server says.
    func answer(_ sdp: String, to session: Session) async throws(CommandFailure) {
        guard let resource = session.resource else { return }
        let (response, body) = try await send(.PATCH, resource, body: sdp)
        guard response.status.code == 204 || response.status.code == 200 else { throw Self.refusal(response, body) }
    }

    private static func isDescription(_ response: HTTPClientResponse) -> Bool {
        let type = response.headers.first(name: "content-type")?.prefix { $0 != ";" } ?? ""
        return type.filter { $0 != " " }.lowercased() == "application/sdp"
    }

    /// Ends a session; a server that has forgotten it already is no concern of ours.
    func delete(_ resource: URL?) async {
        guard let resource else { return }
        _ = try? await send(.DELETE, resource, body: nil)
    }

    private func redirected(
        from url: URL, _ response: HTTPClientResponse, count: Int
    ) throws(CommandFailure) -> URL {
        guard count <= Self.maximumRedirects else { throw CommandFailure("\(url.shown): redirects for ever") }
        guard let location = response.headers.first(name: "location"),
            let next = URL(string: location, relativeTo: url)?.absoluteURL, next.host != nil,
            next.scheme == "http" || next.scheme == "https"
        else { throw CommandFailure("\(url.shown): redirects to nowhere") }
        // The token must not leave the encrypted connection that it was given to.
        guard token == nil || url.scheme == next.scheme || next.scheme == "https" else {
            throw CommandFailure("\(url.shown): redirects to plain HTTP, where the token could be read on the way")
        }
        return next
    }

    private func send(
        _ method: HTTPMethod, _ url: URL, body: String?
    ) async throws(CommandFailure) -> (HTTPClientResponse, [UInt8]) {
        var request = HTTPClientRequest(url: url.absoluteString)
        request.method = method
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token.revealed)") }
        if let body {
            request.headers.add(name: "content-type", value: "application/sdp")
            request.body = .bytes(ByteBuffer(string: body))
        }
        do {
            let response = try await client.execute(request, timeout: Self.timeout)
            let content = try await response.body.collect(upTo: Self.maximumBody)
            return (response, Array(content.readableBytesView))
        } catch {
            throw CommandFailure("\(url.shown): \(ConnectTrouble.describe(error))")
        }
    }

    /// The words of a problem (RFC 9457), or what the status says by itself.
    private static func refusal(_ response: HTTPClientResponse, _ body: [UInt8]) -> CommandFailure {
        struct Problem: Decodable {
            var detail: String?
            var title: String?
        }
        let status = "\(response.status.code) \(response.status.reasonPhrase)"
        let problem = try? JSONDecoder().decode(Problem.self, from: Data(body))
        guard let words = problem?.detail ?? problem?.title else {
            return CommandFailure("the server answered \(status)")
        }
        // What a server says must not steer our terminal.
        let line = String(words.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) })
        return CommandFailure("the server answered \(status): \(line.prefix(1_000))")
    }
}

/// Why a server cannot be reached, in plain words.
enum ConnectTrouble {
    static func describe(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError:
            switch error {
            case .deadlineExceeded, .readTimeout, .connectTimeout: return "no answer within 10 s"
            case .remoteConnectionClosed: return "the server closed the connection without an answer"
            default: return error.shortDescription
            }
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first { return describe(first.error) }
            return "\(error.host) is not the name of any machine"
        case is NIOSSLError: return ServerTrust.describe(error)
        case let error as IOError: return String(cString: strerror(error.errnoCode)).lowercased()
        case let error as ChannelError:
            switch error {
            case .connectTimeout: return "no answer within 10 s"
            case .eof: return "the server closed the connection"
            default: return "\(error)"
            }
        default: return "\(error)"
        }
    }
}

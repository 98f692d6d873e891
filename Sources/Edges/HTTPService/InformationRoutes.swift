import Auth
import Foundation
import Gateway
import HTTPTypes
import Hummingbird
import Primitives
import Telemetry

/// The read-only API, metrics and probes.
struct InformationRoutes: Sendable {
    let gateway: any GatewayService
    let access: Access
    let metrics: MetricsRegistry
    let readiness: Readiness
    let nodeName: String

    /// `GET /api/v1/streams`.
    func streams(_ request: Request, peer: TransportAddress?) async throws(Problem) -> Response {
        struct Answer: Encodable { var streams: [StreamStatus] }
        _ = try await access.authorize(.admin, stream: nil, request, peer: peer)
        return Self.json(Answer(streams: await gateway.streams()))
    }

    /// `GET /api/v1/streams/{stream}`.
    func stream(_ name: StreamName, _ request: Request, peer: TransportAddress?) async throws(Problem) -> Response {
        Self.json(try await status(of: name, request, peer: peer))
    }

    /// `GET /api/v1/streams/{stream}/stats`.
    func statistics(
        of name: StreamName,
        _ request: Request,
        peer: TransportAddress?
    ) async throws(Problem) -> Response {
        Self.json(StreamStatistics(of: try await status(of: name, request, peer: peer)))
    }

    /// Sessions in one answer, unless the request says otherwise, and at most.
    private static let sessionsPerPage = 100
    private static let maximumSessionsPerPage = 500

    /// `GET /api/v1/streams/{stream}/sessions`, with `limit` and, for the next page, `after`.
    func viewers(of name: StreamName, _ request: Request, peer: TransportAddress?) async throws(Problem) -> Response {
        _ = try await access.authorize(.admin, stream: name, request, peer: peer)
        var limit = Self.sessionsPerPage
        if let text = request.uri.queryParameters["limit"] {
            guard let number = Int(text), (1...Self.maximumSessionsPerPage).contains(number) else {
                throw .badLimit(Self.maximumSessionsPerPage)
            }
            limit = number
        }
        let after = request.uri.queryParameters["after"].map(String.init)
        guard let page = await gateway.viewers(of: name, after: after, limit: limit) else {
            throw .unknownStream(name.description)
        }
        return Self.json(page)
    }

    /// `GET /metrics`.
    func metrics(_ request: Request, peer: TransportAddress?) async throws(Problem) -> Response {
        _ = try await access.authorize(.admin, stream: nil, request, peer: peer)
        return Response(
            status: .ok,
            headers: [.contentType: PrometheusText.contentType, .cacheControl: "no-store"],
            body: .init(byteBuffer: .init(string: await metrics.scrape()))
        )
    }

    /// `GET /health/live`: the process answers, whatever it can do.
    func live() -> Response {
        Self.json(Health(status: "ok", node: nodeName, version: BuildInformation.version, reason: nil))
    }

    /// `GET /health/ready`: 503 while starting, draining, or without a listener.
    func ready() -> Response {
        let state = readiness.state
        var health = Health(status: state.word, node: nodeName, version: BuildInformation.version, reason: nil)
        health.redis = readiness.isRedisThere.map { $0 ? "ok" : "degraded" }
        if case .failed(let reason) = state { health.reason = reason }
        var response = Self.json(health)
        if state != .ready {
            response.status = .serviceUnavailable
            response.headers[.retryAfter] = "1"
        }
        return response
    }

    private func status(
        of name: StreamName,
        _ request: Request,
        peer: TransportAddress?
    ) async throws(Problem) -> StreamStatus {
        _ = try await access.authorize(.admin, stream: name, request, peer: peer)
        guard let status = await gateway.stream(name) else { throw .unknownStream(name.description) }
        return status
    }

    private struct Health: Encodable {
        var status: String
        var node: String
        var version: String
        var reason: String?
        var redis: String?
    }

    static func json(_ value: some Encodable) -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else {
            return Problem(500, "internal-failure", "The answer cannot be written.").response
        }
        return Response(
            status: .ok,
            headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: .init(byteBuffer: .init(bytes: data))
        )
    }
}

import Auth
import Foundation
import Hummingbird
import Primitives
import Telemetry
import Webhooks

/// What the application was told, what waits to be told, and telling it again.
struct WebhookRoutes: Sendable {
    private static let pageSize = 100
    private static let maximumPageSize = 500

    /// `nil` where no webhooks are configured.
    let log: (any WebhookLog)?
    let access: Access

    /// A delivery as the API shows it.
    private struct Item: Encodable {
        var id: String
        var type: String
        var timestamp: String
        /// `waiting`, `sending`, `delivered`, `failed` or `dropped`.
        var state: String
        var attempts: Int
        var lastStatus: Int?
        var lastProblem: String?

        init(_ delivery: Delivery) {
            id = delivery.event.id
            type = delivery.event.kind.rawValue
            timestamp = delivery.event.time.text
            state = delivery.state.rawValue
            attempts = delivery.attempts
            lastStatus = delivery.lastStatus
            lastProblem = delivery.lastProblem
        }
    }

    /// `GET /api/v1/webhooks/deliveries`, with `state`, `limit` and, for the next page, `after`.
    func list(_ request: Request, peer: TransportAddress?) async throws(Problem) -> Response {
        struct Answer: Encodable {
            var deliveries: [Item]
            var next: String?
        }
        let log = try await log(request, peer: peer)
        let query = request.uri.queryParameters
        var state: Delivery.State?
        if let text = query["state"] {
            guard let known = Delivery.State(rawValue: String(text)) else { throw .badDeliveryState }
            state = known
        }
        var limit = Self.pageSize
        if let text = query["limit"] {
            guard let number = Int(text), (1...Self.maximumPageSize).contains(number) else {
                throw .badLimit(Self.maximumPageSize)
            }
            limit = number
        }
        let (page, hasMore) = await log.list(state: state, after: query["after"].map(String.init), limit: limit)
        return InformationRoutes.json(
            Answer(deliveries: page.map(Item.init), next: hasMore ? page.last?.event.id : nil))
    }

    /// `GET /api/v1/webhooks/deliveries/{id}`: what was sent, byte for byte.
    func payload(_ id: String, _ request: Request, peer: TransportAddress?) async throws(Problem) -> Response {
        guard let delivery = await (try log(request, peer: peer)).delivery(id) else { throw .unknownDelivery }
        return Response(
            status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: .init(byteBuffer: .init(bytes: delivery.event.body)))
    }

    /// `POST /api/v1/webhooks/deliveries/{id}/replay`.
    func replay(_ id: String, _ request: Request, peer: TransportAddress?) async throws(Problem) -> Response {
        guard await (try log(request, peer: peer)).replay(id) else { throw .unknownDelivery }
        return Response(status: .accepted)
    }

    /// Permission first: without any, nobody learns whether there are webhooks.
    private func log(_ request: Request, peer: TransportAddress?) async throws(Problem) -> any WebhookLog {
        _ = try await access.authorize(.admin, stream: nil, request, peer: peer)
        guard let log else { throw .noWebhooks }
        return log
    }
}

extension Problem {
    static let noWebhooks = Problem(404, "no-webhooks", "No webhooks are configured. Set webhooks.url.")
    static let unknownDelivery = Problem(
        404, "unknown-delivery",
        "There is no such delivery any more. GET /api/v1/webhooks/deliveries lists those that are remembered.")
    static let badDeliveryState = Problem(
        400, "bad-delivery-state", "\"state\" is one of waiting, sending, delivered, failed and dropped.")
}

import Auth
import HTTPTypes
import HummingbirdTesting
import Primitives
import Telemetry
import Testing

@testable import Webhooks

/// A log of three deliveries: one that was taken, one that was not, and one that waits.
private actor FakeLog: WebhookLog {
    private var queue = DeliveryQueue()

    init() {
        var generator = SystemRandomNumberGenerator()
        for (id, status) in [("msg_a", 204), ("msg_b", 410)] {
            queue.add(Self.event(id), at: .zero)
            _ = queue.next(at: .zero)
            queue.finish(id, .answered(status: status, retryAfter: nil), at: .zero, using: &generator)
        }
        queue.add(Self.event("msg_c"), at: .zero)
    }

    private static func event(_ id: String) -> WebhookEvent {
        WebhookEvent(
            id: id, kind: .streamStarted, time: Timestamp(milliseconds: 0), body: Array("{\"id\":\"\(id)\"}".utf8))
    }

    func delivery(_ id: String) -> Delivery? { queue.delivery(id) }
    func list(state: Delivery.State?, after: String?, limit: Int) -> (page: [Delivery], hasMore: Bool) {
        queue.list(state: state, after: after, limit: limit)
    }
    func replay(_ id: String) -> Bool { queue.replay(id, at: .zero) }
}

@Suite("The log of webhooks over HTTP")
struct WebhookRouteTests {
    private static let path = "/api/v1/webhooks/deliveries"

    private func ids(_ answer: TestResponse) throws -> [String] {
        let list = try #require(try answer.object["deliveries"] as? [[String: Any]])
        return list.compactMap { $0["id"] as? String }
    }

    @Test func `deliveries are listed, the newest first, by state and in pages`() async throws {
        let client = await Client(webhooks: FakeLog())
        let all = try await client.send(.get, Self.path)
        #expect(try ids(all) == ["msg_c", "msg_b", "msg_a"])
        let first = try #require((try all.object["deliveries"] as? [[String: Any]])?.last)
        #expect(first["state"] as? String == "delivered")
        #expect(first["type"] as? String == "stream.started")
        #expect(first["attempts"] as? Int == 1)
        #expect(first["lastStatus"] as? Int == 204)
        #expect(try ids(try await client.send(.get, "\(Self.path)?state=failed")) == ["msg_b"])
        let page = try await client.send(.get, "\(Self.path)?limit=2")
        #expect(try page.object["next"] as? String == "msg_b")
        let rest = try await client.send(.get, "\(Self.path)?limit=2&after=msg_b")
        #expect(try ids(rest) == ["msg_a"])
        #expect(try rest.object["next"] == nil)
        try expectProblem(try await client.send(.get, "\(Self.path)?limit=0"), 400, "bad-limit")
        try expectProblem(try await client.send(.get, "\(Self.path)?state=odd"), 400, "bad-delivery-state")
    }

    @Test func `a delivery is shown as it was sent, and sent again`() async throws {
        let client = await Client(webhooks: FakeLog())
        #expect(try await client.send(.get, "\(Self.path)/msg_b").text == "{\"id\":\"msg_b\"}")
        #expect(try await client.send(.post, "\(Self.path)/msg_b/replay").status == .accepted)
        #expect(try ids(try await client.send(.get, "\(Self.path)?state=waiting")) == ["msg_b", "msg_c"])
        try expectProblem(try await client.send(.post, "\(Self.path)/msg_x/replay"), 404, "unknown-delivery")
        try expectProblem(try await client.send(.get, "\(Self.path)/msg_x"), 404, "unknown-delivery")
        try expectProblem(try await client.send(.get, "\(Self.path)/msg_b/replay"), 405, "method-not-allowed")
        try expectProblem(try await client.send(.get, "\(Self.path)/msg_b/other"), 404, "not-found")
    }

    @Test func `only administrators of all streams see it, and learn whether there are webhooks`() async throws {
        for client in [await Client(webhooks: FakeLog()), await Client()] {
            for (method, path) in [
                (.get, Self.path), (.get, "\(Self.path)/msg_a"), (.post, "\(Self.path)/msg_a/replay"),
            ] as [(HTTPRequest.Method, String)] {
                let nobody = try await client.send(method, path, from: Client.elsewhere)
                try expectProblem(nobody, 401, "credential-missing")
                let single = try await client.token("cam", [.admin])
                let refused = try await client.send(method, path, from: Client.elsewhere, token: single)
                try expectProblem(refused, 403, "stream-not-allowed")
            }
        }
        try expectProblem(try await (await Client()).send(.get, Self.path), 404, "no-webhooks")
    }
}

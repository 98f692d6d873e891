import Primitives
import Synchronization
import Telemetry
import Webhooks

/// An application that answers as a test told it to, and remembers what it was sent.
final class FakeApplication: WebhookTransport {
    typealias Answer = @Sendable (WebhookRequest) -> Result<WebhookAnswer, WebhookFailure>

    private struct State {
        var answer: Answer = { _ in .success(WebhookAnswer(status: 204)) }
        var requests: [WebhookRequest] = []
        var now = Instant.zero
    }

    private let state = Mutex(State())

    var requests: [WebhookRequest] { state.withLock { $0.requests } }
    var now: Instant { state.withLock { $0.now } }
    func advance(by interval: Interval) { state.withLock { $0.now = $0.now + interval } }

    func answer(_ answer: @escaping Answer) { state.withLock { $0.answer = answer } }
    func answer(_ status: Int, json: String? = nil) {
        answer { _ in
            .success(
                WebhookAnswer(
                    status: status, type: json == nil ? nil : "application/json", body: Array((json ?? "").utf8)))
        }
    }

    func post(_ request: WebhookRequest, timeout: Duration) async throws(WebhookFailure) -> WebhookAnswer {
        let answer = state.withLock { state in
            state.requests.append(request)
            return state.answer
        }
        return try answer(request).get()
    }
}

extension WebhookRequest {
    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
    var text: String { String(decoding: body, as: UTF8.self) }
}

package import Primitives

/// A `POST` to the application.
package struct WebhookRequest: Sendable {
    package var fields: [(name: String, value: String)]
    package var body: [UInt8]
}

/// What the application answers.
package struct WebhookAnswer: Sendable, Equatable {
    package var status: Int
    /// The media type in lower case, without parameters; `nil` when it is not said.
    package var type: String?
    /// What `Retry-After` asks for in seconds.
    package var retryAfter: Interval?
    /// Up to ``maximumBody`` bytes of it.
    package var body: [UInt8]

    /// Longer answers are no answers.
    package static let maximumBody = 16 << 10

    package init(status: Int, type: String? = nil, retryAfter: Interval? = nil, body: [UInt8] = []) {
        self.status = status
        self.type = type
        self.retryAfter = retryAfter
        self.body = body
    }
}

/// Why there is no answer.
package enum WebhookFailure: Error, Sendable, Equatable {
    case timedOut
    /// No connection, or one that broke; what the system said.
    case unreachable(String)
    case answerTooLarge
    /// More requests are under way than may be.
    case overloaded

    /// For the log of deliveries.
    package var text: String {
        switch self {
        case .timedOut: "no answer in time"
        case .unreachable(let reason): "no connection: \(reason)"
        case .answerTooLarge: "the answer is too long"
        case .overloaded: "too many requests are under way"
        }
    }
}

/// The way to the application; tests answer in its place.
package protocol WebhookTransport: Sendable {
    /// - Returns: The answer, whatever its status; a redirection is not followed.
    func post(_ request: WebhookRequest, timeout: Duration) async throws(WebhookFailure) -> WebhookAnswer
}

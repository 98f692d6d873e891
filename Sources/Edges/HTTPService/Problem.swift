import Auth
import Gateway
import HTTPTypes
import Hummingbird
import Telemetry

/// An error as people and programs read it (RFC 9457).
struct Problem: Error, Equatable {
    var status: Int
    /// The stable last part of `type`.
    var name: String
    /// What happened and what to do about it; never a credential or a session description.
    var detail: String
    var retryAfter: Duration?
    var fields: HTTPFields = [:]

    static let contentType = "application/problem+json"

    /// `type` is a name, not an address: it must not change with the place the documentation moves to.
    var type: String { "urn:martlet:problem:\(name)" }

    init(_ status: Int, _ name: String, _ detail: String, retryAfter: Duration? = nil, fields: HTTPFields = [:]) {
        self.status = status
        self.name = name
        self.detail = detail
        self.retryAfter = retryAfter
        self.fields = fields
    }

    init(_ refusal: GatewayRefusal) {
        self.init(refusal.code.status, refusal.code.name, refusal.message, retryAfter: refusal.retryAfter)
    }

    init(_ refusal: AuthRefusal) {
        self.init(refusal.status, refusal.reason.rawValue, refusal.detail)
        guard refusal.reason != .decisionMissing else {
            retryAfter = .seconds(5)
            return
        }
        let error =
            switch refusal.reason {
            case .credentialMissing: ""
            case .streamNotAllowed, .permissionNotAllowed, .decisionRefused: ", error=\"insufficient_scope\""
            default: ", error=\"invalid_token\""
            }
        fields[.wwwAuthenticate] = "Bearer realm=\"martlet\"\(error)"
    }

    var response: Response {
        var headers = fields
        headers[.contentType] = Self.contentType
        headers[.cacheControl] = "no-store"
        if let retryAfter {
            // Whole seconds, and never "at once".
            let seconds = retryAfter.components.seconds + (retryAfter.components.attoseconds > 0 ? 1 : 0)
            headers[.retryAfter] = "\(max(seconds, 1))"
        }
        let status = HTTPResponse.Status(integerLiteral: self.status)
        let json = """
            {"type":\(JSONText.quote(type)),"title":\(JSONText.quote(status.reasonPhrase)),"status":\(self.status),\
            "detail":\(JSONText.quote(detail))}

            """
        return Response(status: status, headers: headers, body: .init(byteBuffer: .init(string: json)))
    }
}

extension Problem {
    static let notFound = Problem(404, "not-found", "There is nothing at this address.")
    static let badStreamName = Problem(
        400,
        "bad-stream-name",
        "This is not a stream name: use 1 to 128 of A-Z a-z 0-9 . _ - and do not begin with a dot."
    )
    static let tooLarge = Problem(
        413,
        "content-too-large",
        "The body is larger than \(Body.maximumSize >> 10) KB, more than any offer needs."
    )
    static let interrupted = Problem(400, "content-incomplete", "The body ended before its end.")

    static func methodNotAllowed(_ route: Route) -> Problem {
        let methods = route.methods.joined(separator: ", ")
        return Problem(
            405,
            "method-not-allowed",
            "This address understands \(methods).",
            fields: [.allow: methods]
        )
    }

    static func unsupportedMediaType(_ expected: String, field: HTTPField.Name) -> Problem {
        Problem(
            415,
            "unsupported-media-type",
            "Send the body as Content-Type: \(expected).",
            fields: [field: expected]
        )
    }

    static let preconditionRequired = Problem(
        428,
        "precondition-required",
        "Send If-Match with the ETag of the session, so that a change for an earlier state is not applied to this one."
    )
    static let preconditionFailed = Problem(
        412,
        "precondition-failed",
        "The session has another ETag than If-Match names. Nothing was changed."
    )

    static func unknownStream(_ name: String) -> Problem {
        Problem(404, "unknown-stream", "There is no stream \"\(name)\" at the moment.")
    }

    static func badLimit(_ maximum: Int) -> Problem {
        Problem(400, "bad-limit", "\"limit\" is a number from 1 to \(maximum).")
    }

    static func tooManyRequests(_ wait: Duration) -> Problem {
        Problem(429, "too-many-requests", "This address has asked too often. Wait a little.", retryAfter: wait)
    }

    static func tooManySessions(_ wait: Duration) -> Problem {
        Problem(
            429, "token-overused", "This token has asked for too many sessions. Wait a little.", retryAfter: wait)
    }

    static func tooManyFailures(_ wait: Duration) -> Problem {
        Problem(429, GuessLimit.reason, GuessLimit.detail, retryAfter: wait)
    }
}

extension HTTPField.Name {
    static let acceptPost = HTTPField.Name("Accept-Post")!
    static let acceptPatch = HTTPField.Name("Accept-Patch")!
    static let link = HTTPField.Name("Link")!
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
    static let crossOriginResourcePolicy = HTTPField.Name("Cross-Origin-Resource-Policy")!
}

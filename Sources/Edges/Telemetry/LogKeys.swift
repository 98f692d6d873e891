/// The names of log metadata: Elastic Common Schema where it has one, `martlet.` otherwise.
package enum LogKeys {
    package static let clientAddress = "client.address"
    package static let errorMessage = "error.message"
    package static let eventReason = "event.reason"
    package static let eventDuration = "event.duration"
    package static let method = "http.request.method"
    package static let status = "http.response.status_code"
    package static let path = "url.path"
    package static let serverAddress = "server.address"
    package static let serverPort = "server.port"
    package static let userAgent = "user_agent.original"

    package static let stream = "martlet.stream"
    package static let session = "martlet.session"
    package static let sessionKind = "martlet.session_kind"
    package static let source = "martlet.source"
    package static let codec = "martlet.codec"
    package static let worker = "martlet.worker"
    package static let candidates = "martlet.candidates"
    package static let setting = "martlet.setting"
    package static let sessionCount = "martlet.sessions"
    package static let warning = "martlet.warning"
}

package import Foundation
package import HTTPTypes

/// A request to the server under test.
package struct ProbeRequest: Sendable {
    package var method: HTTPRequest.Method
    package var url: URL
    package var fields: HTTPFields
    package var body: [UInt8]?

    package init(method: HTTPRequest.Method, url: URL, fields: HTTPFields = [:], body: [UInt8]? = nil) {
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
    }
}

/// What the server answered; an error status is an answer like any other.
package struct ProbeResponse: Sendable {
    /// More than any answer of WHIP and WHEP needs; the rest is not read.
    package static let maximumBodySize = 256 << 10

    package var status: Int
    package var fields: HTTPFields
    /// At most as many bytes as the transport reads, by default ``maximumBodySize``.
    package var body: [UInt8]

    package init(status: Int, fields: HTTPFields = [:], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    package var isSuccess: Bool { (200...299).contains(status) }
    package var isRefusal: Bool { (400...499).contains(status) }
    package var isError: Bool { status >= 400 }
    /// 406 with an offer is how WHEP goes on, not how it ends.
    package var isCounterOffer: Bool { status == 406 && mediaType == MediaType.sdp }

    /// The media type without parameters, in lower case; `nil` when there is none.
    package var mediaType: String? {
        guard let value = fields[.contentType] else { return nil }
        let essence = value.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }
        return essence.isEmpty ? nil : essence.lowercased()
    }
}

/// Why there was no answer.
package enum TransportFailure: Error, Hashable, Sendable {
    case timedOut
    /// The connection was refused, reset or closed, or what came was not HTTP.
    ///
    /// Says so in plain words.
    case broken(String)
    /// The server limits how often one may ask (429).
    case limited
    /// More requests than a run may send.
    case tooManyRequests
    /// Whoever started the run wants it to end, or the server has not answered several times in a row.
    case stopped

    package var description: String {
        switch self {
        case .timedOut: "no answer in time"
        case .broken(let reason): reason
        case .limited: "429: the server limits requests"
        case .tooManyRequests: "too many requests"
        case .stopped: "not tried"
        }
    }

    /// Whether the server is to blame.
    package var isServers: Bool {
        switch self {
        case .timedOut, .broken: true
        case .limited, .tooManyRequests, .stopped: false
        }
    }
}

/// Sends requests and follows no redirects.
package protocol ConformanceTransport: Sendable {
    func send(_ request: ProbeRequest) async throws(TransportFailure) -> ProbeResponse
}

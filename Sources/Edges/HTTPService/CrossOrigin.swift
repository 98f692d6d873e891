import Gateway
import HTTPTypes
import Hummingbird

/// Which pages of other sites may read which answers (the Fetch standard's CORS protocol).
struct CrossOrigin: Sendable {
    /// In lower case.
    let apiOrigins: Set<String>

    /// What scripts of other sites may read of an answer.
    private static let exposed = "Location, ETag, Link, Retry-After"

    /// Adds the fields that belong to every answer, errors too.
    ///
    /// WHIP and WHEP answer every page: their requests carry a token or nothing, never a cookie, so there is no
    /// authority of a browser that a foreign page could borrow. So does HLS, whose cookie browsers neither send to nor
    /// let be read by the pages of others (SameSite, and no credentials with `*`). The API
    /// and signaling answer the pages they were told to.
    func mark(_ response: inout Response, path: String, origin: String?) {
        if path.hasPrefix("/whip/") || path.hasPrefix("/whep/") || path.hasPrefix("/hls/") {
            response.headers[.accessControlAllowOrigin] = "*"
            response.headers[.accessControlExposeHeaders] = Self.exposed
        } else if path.hasPrefix("/api/") || path.hasPrefix("/signaling/"), !apiOrigins.isEmpty {
            response.headers[.vary] = "Origin"
            guard let origin, apiOrigins.contains(origin.lowercased()) else { return }
            response.headers[.accessControlAllowOrigin] = origin
            response.headers[.accessControlExposeHeaders] = Self.exposed
        }
    }

    /// The answer to `OPTIONS`, which is also what browsers ask before they send anything.
    static func options(for route: Route) -> Response {
        let methods = route.methods.joined(separator: ", ")
        var headers: HTTPFields = [
            .allow: methods,
            .accessControlAllowMethods: methods,
            .accessControlAllowHeaders: "Authorization, Content-Type, If-Match, Range",
            .accessControlMaxAge: "86400",
            .contentLength: "0",
        ]
        switch route {
        case .endpoint: headers[.acceptPost] = SessionRoutes.offerType
        case .session(.publisher, _, _): headers[.acceptPatch] = SessionRoutes.fragmentType
        // A viewer may have been made an offer, which it answers.
        case .session(.viewer, _, _):
            headers[.acceptPatch] = "\(SessionRoutes.fragmentType), \(SessionRoutes.offerType)"
        case .layer, .events, .revocations: headers[.acceptPost] = ExtensionRoutes.requestType
        case .signalingConnection:
            headers[.acceptPost] = [
                SignalingEndpoint.messageType, SignalingEndpoint.messagesType, SignalingEndpoint.binaryType,
            ].joined(separator: ", ")
        default: break
        }
        return Response(status: .ok, headers: headers)
    }
}

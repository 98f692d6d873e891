import HTTPTypes
import Hummingbird
import WebPages

/// The pages a browser sees, and what they are made of.
struct PageRoutes: Sendable {
    /// The value of `Content-Security-Policy`.
    let contentSecurityPolicy: String

    init(frameAncestors: String) {
        contentSecurityPolicy = WebPages.contentSecurityPolicy(frameAncestors: frameAncestors)
    }

    func document(_ page: WebPage, _ request: Request) -> Response {
        var response = file(page, request)
        response.headers[.contentSecurityPolicy] = contentSecurityPolicy
        return response
    }

    func asset(_ name: String, _ request: Request) throws(Problem) -> Response {
        guard let asset = WebPages.asset(named: name) else { throw .notFound }
        return file(asset, request)
    }

    private func file(_ page: WebPage, _ request: Request) -> Response {
        // Kept, but asked for again each time: a new version of the program shows at once.
        var headers: HTTPFields = [
            .contentType: page.contentType, .eTag: page.entityTag, .cacheControl: "no-cache",
            .crossOriginResourcePolicy: "same-origin",
            // Addresses of the gateway name its streams. Scripts and style sheets have a policy of their own.
            .referrerPolicy: "no-referrer",
        ]
        if let encoding = page.contentEncoding { headers[.contentEncoding] = encoding }
        if Self.names(page.entityTag, in: request.headers[values: .ifNoneMatch]) {
            return Response(status: .notModified, headers: headers)
        }
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: .init(bytes: page.body)))
    }

    /// Whether a list of entity tags holds this one, weakly compared (RFC 9110 section 13.1.2).
    static func names(_ tag: String, in fields: [String]) -> Bool {
        let tags = fields.joined(separator: ",").split(separator: "," as Character).map { text in
            String(text.filter { $0 != " " && $0 != "\t" })
        }
        return tags.contains(tag) || tags.contains("W/" + tag) || tags.contains("*")
    }
}

package import Foundation
package import Primitives

/// The endpoint to examine, and how to ask it.
package struct Endpoint: Sendable {
    package var url: URL
    package var kind: EndpointKind
    /// Sent with each request but preflights.
    package var token: Secret?
    /// The site that requests claim to come from; the endpoint's own unless said otherwise.
    package var origin: String
    /// The endpoint of a stream that exists and is not live.
    ///
    /// Without it one with a name that nobody can have is made up.
    package var idle: URL?

    /// - Parameters:
    ///   - address: Where offers are posted.
    ///   - kind: What the endpoint is, or `nil` to tell by `whip` or `whep` in its path.
    ///   - token: A bearer token, where the server asks for one.
    ///   - origin: The site to come from, like `https://example.org`.
    ///   - idle: The endpoint of a stream that is not live.
    /// - Throws: ``EndpointProblem`` for addresses that are none.
    package init(
        _ address: String, kind: EndpointKind? = nil, token: Secret? = nil, origin: String? = nil, idle: String? = nil
    ) throws(EndpointProblem) {
        url = try Self.parse(address)
        guard let kind = kind ?? Self.guess(url) else { throw .unknownKind }
        self.kind = kind
        self.token = token
        self.idle = if let idle { try Self.parse(idle) } else { nil }
        self.origin = origin ?? Self.origin(of: url)
    }

    private static func parse(_ address: String) throws(EndpointProblem) -> URL {
        guard var parts = URLComponents(string: address), let scheme = parts.scheme?.lowercased(),
            scheme == "http" || scheme == "https", let host = parts.host, !host.isEmpty
        else { throw .notAnAddress }
        guard parts.user == nil, parts.password == nil else { throw .holdsPassword }
        parts.fragment = nil
        if parts.path.isEmpty { parts.path = "/" }
        guard let url = parts.url else { throw .notAnAddress }
        return url
    }

    private static func guess(_ url: URL) -> EndpointKind? {
        let words = Set(url.pathComponents.map { $0.lowercased() })
        let found = EndpointKind.allCases.filter { words.contains($0.rawValue) }
        return found.count == 1 ? found.first : nil
    }

    private static func origin(of url: URL) -> String {
        var parts = URLComponents()
        parts.scheme = url.scheme?.lowercased()
        parts.encodedHost = URLComponents(url: url, resolvingAgainstBaseURL: true)?.encodedHost
        parts.port = url.port
        return parts.string ?? "null"
    }

    /// The endpoint of a stream called `name`, made from this one's address; `nil` where it has no stream in its path.
    ///
    /// Knows `/whep/stream` and `/stream/whep`; a query stays, it may hold the credential.
    func neighbour(_ name: String) -> URL? {
        guard var parts = URLComponents(url: url, resolvingAgainstBaseURL: true) else { return nil }
        var names = parts.path.split(separator: "/").map(String.init)
        guard names.count >= 2, let last = names.last else { return nil }
        names[last.lowercased() == kind.rawValue ? names.count - 2 : names.count - 1] = name
        parts.path = "/" + names.joined(separator: "/")
        return parts.url
    }

    /// Where `reference`, a `Location` or a link, leads from `base`; `nil` when that is no HTTP address.
    ///
    /// A step down from HTTPS to HTTP is none either: it would show the token.
    static func resolve(_ reference: String, from base: URL) -> URL? {
        guard !reference.isEmpty, let url = URL(string: reference, relativeTo: base)?.absoluteURL,
            let scheme = url.scheme?.lowercased(), url.host() != nil
        else { return nil }
        return scheme == "https" || (scheme == "http" && base.scheme?.lowercased() == "http") ? url : nil
    }
}

/// Why an address cannot be examined.
package enum EndpointProblem: Error, Hashable, Sendable, CustomStringConvertible {
    case notAnAddress
    case holdsPassword
    case unknownKind

    package var description: String {
        switch self {
        case .notAnAddress: "give the address of an endpoint, like http://localhost:8080/whep/cam"
        case .holdsPassword: "the address holds a user name; give the credential with --token"
        case .unknownKind: "the path has neither whip nor whep in it; say which it is with --kind"
        }
    }
}

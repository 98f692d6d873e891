package import Foundation

/// Whom to load: an address by HTTP/1.1, plain or over TLS.
package struct LoadTarget: Sendable {
    package var url: URL
    package var host: String
    package var port: Int
    package var isSecure: Bool
    /// A header with the credential, or none.
    package var authorization: String?

    /// Reads the address of a multivariant or media playlist; `nil` when it is none.
    package init?(_ text: String, token: String?) {
        guard let url = URL(string: text), let host = url.host(), !host.isEmpty else { return nil }
        switch url.scheme?.lowercased() {
        case "http": isSecure = false
        case "https": isSecure = true
        default: return nil
        }
        self.url = url
        self.host = host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        port = url.port ?? (isSecure ? 443 : 80)
        authorization = token.map { "Bearer \($0)" }
    }

    /// The value of `Host`.
    var authority: String {
        (host.contains(":") ? "[\(host)]" : host) + (port == (isSecure ? 443 : 80) ? "" : ":\(port)")
    }

    /// What stands in the request line.
    static func path(_ url: URL) -> String {
        let path = url.path(percentEncoded: true)
        return (path.isEmpty ? "/" : path) + (url.query(percentEncoded: true).map { "?\($0)" } ?? "")
    }
}

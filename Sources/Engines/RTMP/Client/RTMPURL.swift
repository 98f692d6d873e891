/// An address to publish to: `rtmp://host[:port]/app/stream[?query]`, or `rtmps://` for the same over TLS.
package struct RTMPURL: Hashable, Sendable {
    /// The port of RTMP over plain TCP.
    package static let defaultPort: UInt16 = 1935
    /// The port of RTMP over TLS, as encoders have it.
    package static let secureDefaultPort: UInt16 = 443

    /// Whether the connection is by TLS.
    package var isSecure: Bool
    /// A name or a literal address, IPv6 without its brackets.
    package var host: String
    package var port: UInt16
    package var app: String
    /// The stream's name, with the query that may hold a credential.
    package var streamKey: String

    /// `nil` when `text` is not such an address.
    package init?(_ text: String) {
        let known = ["rtmp://", "rtmps://"]
        guard let scheme = known.first(where: { text.lowercased().hasPrefix($0) }) else { return nil }
        let rest = text.dropFirst(scheme.count)
        let parts = rest.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[1].isEmpty, !parts[2].isEmpty else { return nil }
        isSecure = scheme == "rtmps://"
        let usualPort = isSecure ? Self.secureDefaultPort : Self.defaultPort
        guard let (host, port) = Self.splitAuthority(parts[0], usualPort: usualPort) else { return nil }
        self.host = host
        self.port = port
        app = String(parts[1])
        streamKey = String(parts[2])
    }

    private static func splitAuthority(
        _ authority: Substring, usualPort: UInt16
    ) -> (host: String, port: UInt16)? {
        var host = authority
        var port: Substring = ""
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            host = authority[authority.index(after: authority.startIndex)..<end]
            port = authority[authority.index(after: end)...]
        } else if let colon = authority.lastIndex(of: ":") {
            host = authority[..<colon]
            port = authority[colon...]
        }
        guard !host.isEmpty else { return nil }
        if port.isEmpty { return (String(host), usualPort) }
        guard port.first == ":", let number = UInt16(port.dropFirst()), number > 0 else { return nil }
        return (String(host), number)
    }

    /// The `tcUrl` of `connect`: everything but the stream key.
    package var tcURL: String {
        let host = host.contains(":") ? "[\(host)]" : host
        let scheme = isSecure ? "rtmps" : "rtmp"
        let isUsual = port == (isSecure ? Self.secureDefaultPort : Self.defaultPort)
        return isUsual ? "\(scheme)://\(host)/\(app)" : "\(scheme)://\(host):\(port)/\(app)"
    }
}

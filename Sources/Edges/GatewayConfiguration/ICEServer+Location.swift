import Primitives

extension ICEServer {
    /// Where a STUN or TURN server is, and how it is reached (RFC 7064 §3, RFC 7065 §3).
    package struct Location: Sendable, Equatable {
        package enum Transport: String, Sendable {
            case udp
            case tcp
        }

        /// A name or a literal address, IPv6 without its brackets.
        package var host: String
        package var port: UInt16
        package var transport: Transport
        /// Whether it relays: `turn:` and `turns:`.
        package var isRelay: Bool
        /// Whether TLS is around it: `stuns:` and `turns:`.
        package var isEncrypted: Bool
    }

    /// - Returns: `nil` for a URL whose port or transport cannot be read.
    package var location: Location? {
        guard let colon = url.firstIndex(of: ":") else { return nil }
        let scheme = url[..<colon]
        let parts = url[url.index(after: colon)...].split(separator: "?", maxSplits: 1)
        guard let authority = parts.first, !authority.isEmpty else { return nil }
        let isEncrypted = scheme.hasSuffix("s")
        var transport: Location.Transport = isEncrypted ? .tcp : .udp
        if parts.count == 2 {
            guard parts[1].hasPrefix("transport="),
                let named = Location.Transport(rawValue: String(parts[1].dropFirst("transport=".count)))
            else { return nil }
            transport = named
        }
        guard let (host, port) = Self.split(authority, defaultPort: isEncrypted ? 5349 : 3478) else { return nil }
        return Location(
            host: host, port: port, transport: transport, isRelay: scheme.hasPrefix("turn"), isEncrypted: isEncrypted)
    }

    private static func split(_ authority: Substring, defaultPort: UInt16) -> (String, UInt16)? {
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            let host = authority[authority.index(after: authority.startIndex)..<end]
            guard TransportAddress(host, port: 0) != nil else { return nil }
            return port(authority[authority.index(after: end)...], defaultPort).map { (String(host), $0) }
        }
        let end = authority.firstIndex(of: ":") ?? authority.endIndex
        guard end != authority.startIndex else { return nil }
        return port(authority[end...], defaultPort).map { (String(authority[..<end]), $0) }
    }

    private static func port(_ text: Substring, _ defaultPort: UInt16) -> UInt16? {
        if text.isEmpty { return defaultPort }
        guard text.first == ":", let number = UInt16(text.dropFirst()), number > 0 else { return nil }
        return number
    }
}

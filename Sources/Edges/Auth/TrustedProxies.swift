package import Primitives

/// The proxies whose word about their clients counts, and what they say.
///
/// Anybody can send `Forwarded` and `X-Forwarded-For`. What a trusted proxy has added stands last, so the list is read from its end, past those who
/// are trusted too; what stands before the first other address is hearsay.
package struct TrustedProxies: Sendable, Equatable {
    /// Proxies behind each other that are looked at.
    package static let maximumHops = 16
    private let networks: [AddressNetwork]

    package init(_ networks: [AddressNetwork] = []) {
        self.networks = networks
    }

    private func contains(_ address: TransportAddress) -> Bool { networks.contains { $0.contains(address) } }

    /// Who a request comes from.
    ///
    /// - Parameters:
    ///   - peer: The other end of the socket.
    ///   - fields: All fields of the request, by name and value, in their order.
    /// - Returns: The peer, unless it is trusted and says who its client is. `Forwarded` (RFC 7239) goes before `X-Forwarded-For`. The port is 0
    ///   where a proxy has said it.
    package func client(
        of peer: TransportAddress?, fields: some Sequence<(name: String, value: String)>
    ) -> TransportAddress? {
        guard let peer, contains(peer) else { return peer }
        var standard: [Substring] = []
        var customary: [Substring] = []
        for (name, value) in fields {
            let name = name.lowercased()
            if name == "forwarded" { standard += value.split(separator: ",").map(Self.forwardedFor) }
            if name == "x-forwarded-for" { customary += value.split(separator: ",") }
        }
        var client = peer
        for text in (standard.isEmpty ? customary : standard).reversed().prefix(Self.maximumHops) {
            // What is no address ("unknown", "_hidden") says no more than that the last proxy was here.
            guard let address = Self.address(text) else { break }
            client = address
            if !contains(address) { break }
        }
        return client
    }

    /// The value of `for` in an element of `Forwarded`; empty when there is none.
    private static func forwardedFor(_ element: Substring) -> Substring {
        for pair in element.split(separator: ";") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            if parts.count == 2, parts[0].filter({ $0 != " " }).lowercased() == "for" { return parts[1] }
        }
        return ""
    }

    /// Reads `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`, and these in quotes.
    private static func address(_ text: Substring) -> TransportAddress? {
        var text = text.filter { $0 != " " && $0 != "\t" && $0 != "\"" }
        if text.hasPrefix("[") {
            text = String(text.dropFirst().prefix { $0 != "]" })
        } else if text.utf8.count(where: { $0 == UInt8(ascii: ":") }) == 1 {
            text = String(text.prefix { $0 != ":" })
        }
        return TransportAddress(text, port: 0)
    }
}

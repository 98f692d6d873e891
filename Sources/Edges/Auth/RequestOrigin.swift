package import Primitives

/// Where a request comes from, as far as trust in it depends on that.
package struct RequestOrigin: Sendable, Equatable {
    /// The other end of the socket.
    package var peer: TransportAddress?
    /// How the request reached us.
    package var transport: Transport

    package enum Transport: Sendable, Equatable {
        /// A protocol that no browser and no proxy speaks by itself, such as RTMP.
        case socket
        /// - Parameters:
        ///   - host: The `Host` field; `nil` when it is missing or there are several.
        ///   - origins: Every `Origin` field.
        ///   - isForwarded: Whether any field says that a proxy stands between.
        case http(host: String?, origins: [String], isForwarded: Bool)
    }

    package init(peer: TransportAddress?, transport: Transport) {
        self.peer = peer
        self.transport = transport
    }

    /// Reads what matters out of the fields of an HTTP request.
    ///
    /// - Parameters:
    ///   - peer: The other end of the socket.
    ///   - host: The `Host` field.
    ///   - fields: All other fields, by name and value.
    package init(peer: TransportAddress?, host: String?, fields: some Sequence<(name: String, value: String)>) {
        var origins: [String] = []
        var isForwarded = false
        var host = host
        for (name, value) in fields {
            let name = name.lowercased()
            if name == "origin" { origins.append(value) }
            if name == "forwarded" || name.hasPrefix("x-forwarded-") { isForwarded = true }
            if name == "host", value != host { host = nil }
        }
        self.init(peer: peer, transport: .http(host: host, origins: origins, isForwarded: isForwarded))
    }

    /// Whether the request comes from a program on this machine, or from a page that the gateway served to one.
    ///
    /// The peer's address proves nothing by itself: behind a proxy every peer is 127.0.0.1, and any page in a
    /// browser on this machine can post to localhost. So the request must also carry no trace of a proxy, be
    /// addressed to this machine by one of its own names (a page that rebinds its DNS name to 127.0.0.1 still
    /// sends its own name), and come from no page but ours.
    package var isLoopback: Bool {
        guard let peer, peer.isLoopback else { return false }
        switch transport {
        case .socket: return true
        case .http(let host, let origins, let isForwarded):
            guard !isForwarded, let host, let authority = Authority(host), authority.isLoopbackName else {
                return false
            }
            return origins.isEmpty || (origins.count == 1 && Self.isOwn(origins[0], port: authority.port))
        }
    }

    /// The gateway's own pages on this machine: any of its names, at the port the request was sent to.
    private static func isOwn(_ origin: String, port: UInt16) -> Bool {
        // Whichever the gateway speaks: the other one cannot be had at that port.
        guard let scheme = ["http://", "https://"].first(where: { origin.lowercased().hasPrefix($0) }),
            let authority = Authority(origin.dropFirst(scheme.count))
        else { return false }
        return authority.isLoopbackName && authority.port == port
    }
}

/// Host and port of a URL (RFC 3986 section 3.2), without user information.
struct Authority: Equatable {
    /// In lower case, IPv6 with its brackets.
    var host: String
    /// 80 where none is written.
    var port: UInt16

    init?(_ text: some StringProtocol) {
        let lowered = text.lowercased()
        let hostEnd: String.Index
        if lowered.hasPrefix("[") {
            guard let bracket = lowered.firstIndex(of: "]") else { return nil }
            hostEnd = lowered.index(after: bracket)
        } else {
            hostEnd = lowered.firstIndex(of: ":") ?? lowered.endIndex
        }
        host = String(lowered[..<hostEnd])
        let rest = lowered[hostEnd...]
        if rest.isEmpty {
            port = 80
        } else {
            guard rest.first == ":", rest.dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = UInt16(rest.dropFirst())
            else { return nil }
            port = number
        }
    }

    var isLoopbackName: Bool { host == "localhost" || host == "127.0.0.1" || host == "[::1]" }
}

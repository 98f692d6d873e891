package import Primitives

/// A STUN or TURN server that clients are told to use.
package struct ICEServer: Sendable, Equatable {
    /// `stun:`, `stuns:`, `turn:` or `turns:` URL (RFC 7064, RFC 7065).
    package var url: String
    package var access: Access

    package enum Access: Sendable, Equatable {
        case open
        /// Short-lived credentials are derived from a secret shared with the TURN server.
        case sharedSecret(Secret)
        case fixed(username: String, credential: Secret)
    }

    package init(url: String, access: Access = .open) {
        self.url = url
        self.access = access
    }

    /// Reads `turn:host:3478?transport=udp secret=…`, a URL followed by options.
    ///
    /// - Throws: ``InvalidValue`` that never repeats a secret.
    init(parsing text: String) throws(InvalidValue) {
        let words = text.split(separator: " ").map(String.init)
        guard let url = words.first, Self.isURL(url) else {
            throw InvalidValue(
                "`\(words.first ?? "")` is not a STUN or TURN URL",
                cure: "write stun:HOST:PORT or turn:HOST:PORT?transport=udp"
            )
        }
        var options: [String: String] = [:]
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, ["secret", "username", "credential"].contains(parts[0]) else {
                throw InvalidValue(
                    "`\(parts.first ?? "")` is not an option of an ICE server",
                    cure: "use secret=…, or username=… with credential=…"
                )
            }
            options[parts[0]] = parts[1]
        }
        self.url = url
        switch (options["secret"], options["username"], options["credential"]) {
        case (nil, nil, nil):
            guard url.hasPrefix("stun") else {
                throw InvalidValue(
                    "\(url) has no credentials",
                    cure: "add secret=…, or username=… with credential=…"
                )
            }
            access = .open
        case (let secret?, nil, nil): access = .sharedSecret(Secret(secret))
        case (nil, let username?, let credential?):
            access = .fixed(username: username, credential: Secret(credential))
        default:
            throw InvalidValue(
                "\(url) has a mixture of credentials",
                cure: "use secret=…, or username=… with credential=…"
            )
        }
    }

    private static func isURL(_ text: String) -> Bool {
        guard let colon = text.firstIndex(of: ":") else { return false }
        let rest = text[text.index(after: colon)...]
        return ["stun", "stuns", "turn", "turns"].contains(text[..<colon]) && !rest.isEmpty
            && rest.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\"<>\\,;/".utf8.contains($0) }
    }
}

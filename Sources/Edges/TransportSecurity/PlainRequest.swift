/// A request by plain HTTP to a port that speaks HTTPS, and what to say to it.
///
/// Whoever types an address without a scheme comes this way. Pages are sent on to where they are; a program that says a
/// credential in the clear must not go on doing so unnoticed.
package enum PlainRequest {
    /// Longer heads are not sent on.
    static let maximumSize = 8 << 10

    /// Whether a connection begins as HTTP does and TLS does not: with a capital letter, where a record has its type.
    package static func isPlain(_ first: UInt8) -> Bool { (0x41...0x5A).contains(first) }

    /// The whole answer, after which the connection ends.
    ///
    /// - Parameter bytes: What came first; a head that is not all there is not sent on.
    /// - Returns: 307 for GET and HEAD without a credential, otherwise 400.
    package static func answer(to bytes: [UInt8]) -> String {
        guard let address = address(bytes) else {
            let words = "This port speaks HTTPS: write https:// in place of http://.\n"
            return "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
                + "Content-Length: \(words.utf8.count)\r\nConnection: close\r\n\r\n\(words)"
        }
        return
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: \(address)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    }

    private static func address(_ bytes: [UInt8]) -> String? {
        guard bytes.count <= maximumSize else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(
            separator: "\r\n" as Character, omittingEmptySubsequences: false)
        guard lines.count > 2, let end = lines.dropLast().firstIndex(of: "") else { return nil }
        let request = lines[0].split(separator: " " as Character, omittingEmptySubsequences: false)
        guard request.count == 3, request[0] == "GET" || request[0] == "HEAD", isPath(request[1]) else { return nil }
        var hosts: [Substring] = []
        for line in lines[1..<end] {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            switch line[..<colon].lowercased() {
            case "authorization", "cookie": return nil
            case "host": hosts.append(line[line.index(after: colon)...].drop { $0 == " " })
            default: break
            }
        }
        guard hosts.count == 1, let host = hosts.first, isAuthority(host) else { return nil }
        return "https://\(host)\(request[1])"
    }

    private static func isPath(_ text: Substring) -> Bool {
        // Two slashes would name another host.
        text.hasPrefix("/") && !text.hasPrefix("//") && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private static func isAuthority(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x3A, 0x5B, 0x5D: true
                default: false
                }
            }
    }
}

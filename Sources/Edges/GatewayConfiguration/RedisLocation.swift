package import Primitives

/// Where a Redis is, and how one is let in.
package struct RedisLocation: Sendable, Equatable {
    /// A literal address, IPv6 without its brackets, or a name.
    package var host: String
    package var port: UInt16 = 6379
    /// `nil` for the user `default`.
    package var user: String?
    package var password: Secret?
    package var database = 0

    /// Reads `redis://[user:][password@]host[:port][/db]`, where user and password may be percent-encoded.
    ///
    /// - Throws: ``InvalidValue``, which never repeats a password.
    init(parsing text: String) throws(InvalidValue) {
        if text.lowercased().hasPrefix("rediss:") {
            throw InvalidValue(
                "TLS to Redis is not supported",
                cure: "run Redis on this machine, or reach it through stunnel: see docs/operations/redis.md")
        }
        let scheme = "redis://"
        guard text.lowercased().hasPrefix(scheme) else {
            throw Self.malformed
        }
        var rest = text.dropFirst(scheme.count)
        host = ""
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let secret = parts.last.flatMap(Self.decoded), let name = parts.first.flatMap(Self.decoded),
                !secret.isEmpty
            else { throw Self.malformed }
            password = Secret(secret)
            user = parts.count == 2 && !name.isEmpty ? name : nil
            rest = rest[rest.index(after: at)...]
        }
        if let slash = rest.firstIndex(of: "/") {
            let number = rest[rest.index(after: slash)...]
            if !number.isEmpty {
                guard let database = Int(number), (0...65_535).contains(database) else { throw Self.malformed }
                self.database = database
            }
            rest = rest[..<slash]
        }
        try setAuthority(rest)
    }

    private mutating func setAuthority(_ text: Substring) throws(InvalidValue) {
        var name = text
        var number: Substring?
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            name = text[text.index(after: text.startIndex)..<end]
            let tail = text[text.index(after: end)...]
            guard tail.isEmpty || tail.hasPrefix(":"), TransportAddress(name, port: 0) != nil else {
                throw Self.malformed
            }
            number = tail.isEmpty ? nil : tail.dropFirst()
        } else if let colon = text.firstIndex(of: ":") {
            name = text[..<colon]
            number = text[text.index(after: colon)...]
        }
        if let number {
            guard let port = UInt16(number), port > 0 else { throw Self.malformed }
            self.port = port
        }
        host = String(name)
        let isName = name.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                || ".-_".unicodeScalars.contains(scalar)
        }
        guard (1...253).contains(host.utf8.count), isName || TransportAddress(host, port: 0) != nil else {
            throw Self.malformed
        }
    }

    /// The text with `%xx` read; `nil` where that is cut short or gives no UTF-8.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), rest.count >= 2 else {
                return nil
            }
            bytes.append(code)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static let malformed = InvalidValue(
        "the value is not the address of a Redis", cure: "write it like redis://:password@10.0.0.5:6379/0")
}

extension ValueForm where Value == RedisLocation {
    /// An address whose password no message repeats, and neither does ``format``.
    static var redis: ValueForm {
        ValueForm(expected: "an address like redis://:password@host:6379/0") { text throws(InvalidValue) in
            try RedisLocation(parsing: text)
        } format: {
            let name = $0.host.contains(":") ? "[\($0.host)]" : $0.host
            return "redis://\($0.password.map { "\($0)@" } ?? "")\(name):\($0.port)/\($0.database)"
        }
    }
}

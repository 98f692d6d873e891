import Crypto
import Foundation
package import Primitives

/// How gateways of one cluster prove to each other who they are: a token for one stream and half a minute.
///
/// Its key is derived from `cluster.secret`, so that nobody whose tokens the gateway signs can make one, and it is good for
/// pulling a stream and nothing else.
package struct NodeTokens: Sendable {
    /// How long a token counts.
    package static let lifetime: Int64 = 30
    /// What clocks of two machines may disagree by, in seconds.
    private static let skew: Int64 = 5
    /// Gateways that a request may have passed, the asking one among them.
    package static let maximumHops = 4
    private static let maximumLength = 1024
    private static let prefix = "node."

    /// What a token says.
    package struct Claims: Codable, Equatable, Sendable {
        /// The only stream that it is for.
        package var stream: String
        /// The gateways that the request has passed, the asking one last.
        package var visited: [String]
        /// Seconds since 1970.
        package var expiry: Int64

        package init(stream: String, visited: [String], expiry: Int64) {
            self.stream = stream
            self.visited = visited
            self.expiry = expiry
        }
    }

    private let secret: @Sendable () -> Secret?
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - secret: What the gateways of the cluster share; `nil` while it is not known, when no token counts.
    ///   - now: Seconds since 1970.
    package init(
        secret: @escaping @Sendable () -> Secret?,
        now: @escaping @Sendable () -> Int64 = { Int64(Date.now.timeIntervalSince1970) }
    ) {
        self.secret = secret
        self.now = now
    }

    /// Whether a credential is meant to be a token of this kind.
    package static func looksLike(_ credential: Secret) -> Bool { credential.revealed.hasPrefix(prefix) }

    /// Makes a token.
    ///
    /// - Parameters:
    ///   - stream: The stream to pull.
    ///   - visited: The gateways that the request has passed, this one last.
    /// - Returns: What goes behind `Bearer`; `nil` while the secret is not known.
    package func issue(stream: StreamName, visited: [String]) -> Secret? {
        let claims = Claims(stream: stream.description, visited: visited, expiry: now() + Self.lifetime)
        guard let key, let json = try? JSONEncoder().encode(claims) else { return nil }
        let payload = Base64URL.encode(json)
        return Secret("\(Self.prefix)\(payload).\(Self.code(payload, key))")
    }

    /// Checks a token from the network.
    ///
    /// - Returns: The gateways that the request has passed; `nil` for a token that does not count for this stream now.
    package func verify(_ token: Secret, stream: StreamName) -> [String]? {
        let text = token.revealed
        guard text.utf8.count <= Self.maximumLength, let key else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, "\(parts[0])." == Self.prefix else { return nil }
        let (expected, given) = (Array(Self.code(parts[1], key).utf8), Array(parts[2].utf8))
        guard expected.count == given.count else { return nil }
        // As long for every wrong code, whatever it begins with.
        var difference: UInt8 = 0
        for (left, right) in zip(expected, given) { difference |= left ^ right }
        guard difference == 0, let json = Base64URL.decode(parts[1]),
            let claims = try? JSONDecoder().decode(Claims.self, from: Data(json))
        else { return nil }
        let now = now()
        guard claims.stream == stream.description, claims.expiry > now - Self.skew,
            claims.expiry <= now + Self.lifetime + Self.skew, (1...Self.maximumHops).contains(claims.visited.count)
        else { return nil }
        return claims.visited
    }

    private var key: SymmetricKey? {
        secret().map {
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: SymmetricKey(data: Array($0.revealed.utf8)),
                info: Array("martlet node token".utf8), outputByteCount: 32)
        }
    }

    private static func code(_ payload: some StringProtocol, _ key: SymmetricKey) -> String {
        Hexadecimal.text(HMAC<SHA256>.authenticationCode(for: Array(payload.utf8), using: key))
    }
}

import Foundation
import JWTKit
package import Primitives

/// Signs tokens and checks them, with one HS256 secret (RFC 7515, RFC 7518 section 3.2).
package struct TokenAuthority: Sendable {
    /// A secret shorter than the digest would be weaker than the algorithm (RFC 7518 section 3.2).
    package static let minimumSecretLength = 32
    /// Longer texts are refused unread.
    package static let maximumTokenLength = 4096

    private let keys: JWTKeyCollection
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - secret: At least ``minimumSecretLength`` bytes.
    ///   - now: Seconds since 1970.
    package init(
        secret: Secret,
        now: @escaping @Sendable () -> Int64 = { Int64(Date.now.timeIntervalSince1970) }
    ) async {
        precondition(secret.revealed.utf8.count >= Self.minimumSecretLength, "the configuration checks this length")
        keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(from: secret.revealed), digestAlgorithm: .sha256)
        self.now = now
    }

    /// Makes a token that holds from now on.
    ///
    /// - Parameters:
    ///   - stream: The streams it is for.
    ///   - permissions: What it allows there.
    ///   - lifetime: How long it counts, in whole seconds.
    ///   - subject: Who it is for; without one each token is a holder of its own.
    ///   - record: Whether what its holder publishes is to be recorded.
    /// - Returns: The compact form that goes behind `Bearer`.
    /// - Throws: Whatever the encoder throws; with these claims it has no reason to.
    package func issue(
        stream: StreamPattern,
        permissions: [Permission],
        lifetime: Duration,
        subject: String? = nil,
        record: Bool = false
    ) async throws -> Secret {
        let claims = TokenClaims(
            stream: stream.description,
            allow: permissions.map(\.rawValue),
            exp: now() + lifetime.components.seconds,
            sub: subject,
            jti: subject == nil ? RandomText.hexadecimal(bytes: 8) : nil,
            record: record ? true : nil
        )
        return Secret(try await keys.sign(claims))
    }

    /// Checks signature, algorithm and times.
    ///
    /// - Parameter token: The compact form, from the network.
    /// - Returns: The claims, which the caller compares with what was asked for.
    /// - Throws: ``TokenProblem``.
    package func verify(_ token: String) async throws(TokenProblem) -> TokenClaims {
        guard token.utf8.count <= Self.maximumTokenLength else { throw .malformed }
        try Self.checkHeader(of: token)
        let claims: TokenClaims
        do {
            claims = try await keys.verify(token, as: TokenClaims.self)
        } catch let error as JWTError where error.errorType == .signatureVerificationFailed {
            throw .badSignature
        } catch {
            throw .malformed
        }
        let now = now()
        guard now < claims.exp else { throw .expired }
        // Five seconds for clocks that disagree.
        if let start = claims.nbf, now &+ 5 < start { throw .notYetValid }
        return claims
    }

    /// The key is for HS256 alone: a token that names `none` or anything else is refused before its
    /// signature is looked at (RFC 8725 section 3.1), and so is one with extensions that must be understood.
    private static func checkHeader(of token: String) throws(TokenProblem) {
        struct Header: Decodable {
            var alg: String
            var crit: [String]?
        }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64URL.decode(parts[0]),
            let header = try? JSONDecoder().decode(Header.self, from: Data(bytes))
        else { throw .malformed }
        guard header.alg == "HS256", header.crit == nil else { throw .wrongAlgorithm }
    }
}

/// Why a token does not count.
package enum TokenProblem: Error, Sendable, Equatable {
    case malformed
    case wrongAlgorithm
    case badSignature
    case expired
    case notYetValid
}

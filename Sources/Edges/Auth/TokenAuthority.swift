import Foundation
import JWTKit
package import Primitives

/// Signs tokens with one HS256 secret, and checks those and others' (RFC 7515, RFC 7518 section 3).
package struct TokenAuthority: Sendable {
    /// A secret shorter than the digest would be weaker than the algorithm (RFC 7518 section 3.2).
    package static let minimumSecretLength = 32
    /// Longer texts are refused unread.
    package static let maximumTokenLength = 4096

    private let keys: JWTKeyCollection
    private let issuer: JSONWebKeySource?
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - secret: At least ``minimumSecretLength`` bytes.
    ///   - issuer: Whose tokens count besides our own.
    ///   - now: Seconds since 1970.
    package init(
        secret: Secret,
        issuer: JSONWebKeySource? = nil,
        now: @escaping @Sendable () -> Int64 = { Int64(Date.now.timeIntervalSince1970) }
    ) async {
        precondition(secret.revealed.utf8.count >= Self.minimumSecretLength, "the configuration checks this length")
        keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(from: secret.revealed), digestAlgorithm: .sha256)
        self.issuer = issuer
        self.now = now
    }

    /// Makes a token that holds from now on.
    ///
    /// - Parameters:
    ///   - stream: The streams it is for.
    ///   - permissions: What it allows there.
    ///   - lifetime: How long it counts, in whole seconds.
    ///   - subject: Who it is for; without one each token is a holder of its own.
    ///   - streams: More streams it is for.
    ///   - record: Whether what its holder publishes is to be recorded, or must not be; `nil` says nothing about it.
    ///   - maximumBitrate: Bits per second that a publisher may send.
    /// - Returns: The compact form that goes behind `Bearer`.
    /// - Throws: Whatever the encoder throws; with these claims it has no reason to.
    package func issue(
        stream: StreamPattern,
        permissions: [Permission],
        lifetime: Duration,
        subject: String? = nil,
        streams: [StreamPattern] = [],
        record: Bool? = nil,
        maximumBitrate: Int? = nil
    ) async throws -> Secret {
        let claims = TokenClaims(
            stream: stream.description,
            streams: streams.isEmpty ? nil : streams.map(\.description),
            allow: permissions.map(\.rawValue),
            exp: now() + lifetime.components.seconds,
            sub: subject,
            jti: RandomText.hexadecimal(bytes: 8),
            record: record,
            maximumBitrate: maximumBitrate
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
        let header = try Self.header(of: token)
        let claims: TokenClaims
        let verifier = try await verifier(for: header)
        do {
            claims = try await verifier.verify(token, as: TokenClaims.self)
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

    private struct Header: Decodable {
        var alg: String
        var kid: String?
        var crit: [String]?
    }

    /// Each key is for one algorithm: a token that names `none` or anything else is refused before its
    /// signature is looked at (RFC 8725 section 3.1), and so is one with extensions that must be understood.
    private func verifier(for header: Header) async throws(TokenProblem) -> JWTKeyCollection {
        guard header.crit == nil else { throw .wrongAlgorithm }
        if header.alg == "HS256" { return keys }
        guard let issuer, ["RS256", "ES256", "EdDSA"].contains(header.alg) else { throw .wrongAlgorithm }
        guard let verifier = await issuer.verifier(id: header.kid, algorithm: header.alg) else { throw .unknownKey }
        return verifier
    }

    private static func header(of token: String) throws(TokenProblem) -> Header {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64URL.decode(parts[0]),
            let header = try? JSONDecoder().decode(Header.self, from: Data(bytes))
        else { throw .malformed }
        return header
    }
}

/// Why a token does not count.
package enum TokenProblem: Error, Sendable, Equatable {
    case malformed
    case wrongAlgorithm
    /// It names a key that nobody we trust has.
    case unknownKey
    case badSignature
    case expired
    case notYetValid
}

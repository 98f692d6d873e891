import Crypto
package import Primitives

/// Decides who may do what.
package struct Authorizer: Sendable {
    private let policy: AccessPolicy
    private let tokens: TokenAuthority
    /// Tokens that no longer count.
    package let revocations: any RevocationStore
    /// Who has a say besides.
    let decider: (any AccessDecider)?

    package init(
        policy: AccessPolicy,
        tokens: TokenAuthority,
        revocations: any RevocationStore = RevocationList(path: nil),
        decider: (any AccessDecider)? = nil
    ) {
        self.policy = policy
        self.tokens = tokens
        self.revocations = revocations
        self.decider = decider
    }

    /// Gives or refuses a permission.
    ///
    /// A credential that is present must be good: a wrong one is refused even where none is needed, so that a
    /// typing error never looks like success.
    ///
    /// - Parameters:
    ///   - permission: What is asked for.
    ///   - stream: The stream it is asked for; `nil` for all of them together.
    ///   - credential: A token or a stream key, from the network.
    ///   - origin: Where the request comes from.
    /// - Returns: Who it was given to.
    /// - Throws: ``AuthRefusal``, whose words name the command that makes a credential.
    package func authorize(
        _ permission: Permission,
        stream: StreamName?,
        credential: Secret?,
        origin: RequestOrigin
    ) async throws(AuthRefusal) -> Grant {
        if let credential {
            return try await check(credential, permission, stream)
        }
        if policy.anonymous(for: permission) != .nobody, origin.isLoopback {
            return Grant(permission: permission, holder: .loopback)
        }
        if policy.anonymous(for: permission) == .anyone {
            let digest = Self.digest("address", origin.peer?.host ?? "")
            return Grant(permission: permission, holder: .anonymous(digest: digest))
        }
        throw refusal(.credentialMissing, permission, stream, "\(Self.words(permission, stream)) needs a token")
    }

    /// The refusal of a credential that cannot even be read, such as `Authorization: Basic`.
    ///
    /// - Parameters:
    ///   - permission: What was asked for.
    ///   - stream: The stream it was asked for.
    /// - Returns: A refusal that asks for a bearer token.
    package func malformedCredential(_ permission: Permission, stream: StreamName?) -> AuthRefusal {
        refusal(.credentialMalformed, permission, stream, "The credential is not a bearer token")
    }

    private func check(
        _ credential: Secret,
        _ permission: Permission,
        _ stream: StreamName?
    ) async throws(AuthRefusal) -> Grant {
        let text = credential.revealed
        let sha256 = Hexadecimal.text(SHA256.hash(data: Array(text.utf8)))
        if text.utf8.count <= TokenAuthority.maximumTokenLength,
            let key = policy.keys.first(where: { $0.sha256 == sha256 })
        {
            guard permission == .publish else {
                throw refusal(.permissionNotAllowed, permission, stream, "A stream key is for publishing alone")
            }
            guard let stream, key.pattern.matches(stream.description) else {
                throw refusal(.streamNotAllowed, permission, stream, "This stream key is for other streams")
            }
            return Grant(permission: permission, holder: .credential(digest: Self.digest("key", sha256)))
        }
        let claims: TokenClaims
        do {
            claims = try await tokens.verify(text)
        } catch {
            throw refusal(of: error, permission, stream)
        }
        if let id = claims.jti, revocations.isRevoked(id) {
            throw refusal(.credentialRevoked, permission, stream, "The token has been revoked")
        }
        let isAllowed =
            claims.allow.contains(permission.rawValue)
            || (permission == .play && claims.allow.contains(Permission.subscribe.rawValue))
        guard isAllowed else {
            throw refusal(
                .permissionNotAllowed,
                permission,
                stream,
                "This token does not allow `\(permission.rawValue)`"
            )
        }
        // What shows every stream is not for a token of one.
        let patterns = claims.patterns
        guard
            stream.map({ name in patterns.contains { $0.matches(name.description) } }) ?? patterns.contains(.any)
        else { throw refusal(.streamNotAllowed, permission, stream, "This token is for other streams") }
        let digest =
            claims.sub.map { Self.digest("subject", $0) } ?? Self.digest("token", claims.jti ?? sha256)
        return Grant(
            permission: permission,
            holder: .credential(digest: digest),
            expiresAt: claims.exp,
            subject: claims.sub,
            tokenID: claims.jti,
            record: claims.record,
            maximumBitrate: claims.maximumBitrate
        )
    }

    private func refusal(of problem: TokenProblem, _ permission: Permission, _ stream: StreamName?) -> AuthRefusal {
        switch problem {
        case .expired: refusal(.credentialExpired, permission, stream, "The token has expired")
        case .notYetValid: refusal(.credentialNotYetValid, permission, stream, "The token does not count yet")
        case .malformed:
            refusal(
                .credentialMalformed,
                permission,
                stream,
                "The credential is neither a known stream key nor a token"
            )
        case .wrongAlgorithm:
            refusal(.credentialWrong, permission, stream, "The token is signed in a way that does not count here")
        case .unknownKey:
            refusal(.credentialWrong, permission, stream, "The token's key is not known here")
        case .badSignature:
            refusal(.credentialWrong, permission, stream, "The token was not signed by this gateway")
        }
    }

    private func refusal(
        _ reason: AuthRefusal.Reason,
        _ permission: Permission,
        _ stream: StreamName?,
        _ what: String
    ) -> AuthRefusal {
        AuthRefusal(
            reason: reason,
            detail: "\(what). Make one on the gateway with: \(Self.command(permission, stream: stream))"
        )
    }

    /// The command line that makes a token for this very purpose.
    ///
    /// - Parameters:
    ///   - permission: What the token shall allow.
    ///   - stream: The stream it shall be for; `nil` for all.
    /// - Returns: A line for a shell; stream names need no quotes, the star does.
    package static func command(_ permission: Permission, stream: StreamName?) -> String {
        "martlet token create --stream \(stream?.description ?? "'*'") --allow \(permission.rawValue) --expires 12h"
    }

    private static func words(_ permission: Permission, _ stream: StreamName?) -> String {
        switch permission {
        case .publish: "Publishing \(stream?.description ?? "") from another machine"
        case .play: "Watching \(stream?.description ?? "")"
        case .subscribe: stream.map { "Taking part in room \($0)" } ?? "Taking part in rooms"
        case .admin: "This page of the API"
        }
    }

    /// 128 bits of SHA-256: enough to tell holders apart, and nothing can be read out of them.
    static func digest(_ kind: String, _ text: String) -> String {
        Hexadecimal.text(SHA256.hash(data: Array("\(kind):\(text)".utf8)).prefix(16))
    }
}

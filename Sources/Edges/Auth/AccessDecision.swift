package import Primitives

/// Somebody wants to publish or to play, and an application is asked whether they may.
package struct AccessQuestion: Sendable, Hashable {
    /// The way that somebody came.
    package enum Way: String, Sendable {
        case whip, whep, hls, rtmp
    }

    /// What was presented, as far as the gateway knows.
    package enum Kind: String, Sendable {
        case none, token, key
    }

    package var permission: Permission
    package var stream: StreamName
    package var way: Way
    /// Where the request comes from; `nil` when the system does not know.
    package var address: String?
    package var kind: Kind
    /// The `sub` and `jti` of a token.
    package var subject: String?
    package var tokenID: String?
    /// A credential that the gateway cannot check and the application perhaps can; `nil` for all others.
    package var credential: Secret?

    package init(
        permission: Permission,
        stream: StreamName,
        way: Way,
        address: String?,
        kind: Kind,
        subject: String? = nil,
        tokenID: String? = nil,
        credential: Secret? = nil
    ) {
        self.permission = permission
        self.stream = stream
        self.way = way
        self.address = address
        self.kind = kind
        self.subject = subject
        self.tokenID = tokenID
        self.credential = credential
    }
}

/// What an application adds to a yes.
package struct AccessConditions: Sendable, Equatable {
    /// Seconds since 1970 at which it ends.
    package var expiresAt: Int64?
    /// Bits per second.
    package var maximumBitrate: Int?
    package var record: Bool?

    package init(expiresAt: Int64? = nil, maximumBitrate: Int? = nil, record: Bool? = nil) {
        self.expiresAt = expiresAt
        self.maximumBitrate = maximumBitrate
        self.record = record
    }
}

/// What was decided.
package enum AccessVerdict: Sendable, Equatable {
    case allowed(AccessConditions)
    /// `reason` is for the people who are refused.
    case denied(reason: String?)
    /// Nobody could be asked, and so nobody is let in.
    case undecided

    package var isAllowed: Bool {
        if case .allowed = self { true } else { false }
    }
}

/// An application that has a say in who publishes and who plays.
package protocol AccessDecider: Sendable {
    /// Whether it wants to be asked.
    func decides(_ permission: Permission) -> Bool
    /// Answers in bounded time.
    func decide(_ question: AccessQuestion) async -> AccessVerdict
}

extension Authorizer {
    /// Gives or refuses the right to begin something, after an application was asked where there is one.
    ///
    /// The application is asked about whoever would be let in, and about credentials that the gateway cannot check. It cannot
    /// bring back what has expired, was revoked or is for another stream.
    ///
    /// - Parameters:
    ///   - permission: What is asked for.
    ///   - stream: The stream it is asked for.
    ///   - credential: A token, a stream key, or something that the application knows; from the network.
    ///   - origin: Where the request comes from.
    ///   - way: The way it came.
    /// - Returns: Who it was given to, and until when.
    /// - Throws: ``AuthRefusal``.
    package func admit(
        _ permission: Permission,
        stream: StreamName,
        credential: Secret?,
        origin: RequestOrigin,
        way: AccessQuestion.Way
    ) async throws(AuthRefusal) -> Grant {
        guard let decider, decider.decides(permission) else {
            return try await authorize(permission, stream: stream, credential: credential, origin: origin)
        }
        var question = AccessQuestion(
            permission: permission, stream: stream, way: way, address: origin.peer?.host, kind: .none)
        var grant: Grant
        do throws(AuthRefusal) {
            grant = try await authorize(permission, stream: stream, credential: credential, origin: origin)
            question.subject = grant.subject
            question.tokenID = grant.tokenID
            if credential != nil { question.kind = grant.expiresAt == nil ? .key : .token }
        } catch {
            guard error.reason == .credentialMalformed || error.reason == .credentialWrong, let credential,
                credential.revealed.utf8.count <= TokenAuthority.maximumTokenLength
            else { throw error }
            question.credential = credential
            grant = Grant(
                permission: permission,
                holder: .credential(digest: Self.digest("application", credential.revealed)))
        }
        switch await decider.decide(question) {
        case .allowed(let conditions):
            grant.limit(by: conditions)
            return grant
        case .denied(let reason):
            throw AuthRefusal(
                reason: .decisionRefused, detail: reason ?? "The application behind this gateway does not allow it.")
        case .undecided:
            throw AuthRefusal(
                reason: .decisionMissing,
                detail: "The application that decides about this did not answer. Try again later.")
        }
    }
}

extension Grant {
    /// Adds conditions; what was narrower stays so.
    fileprivate mutating func limit(by conditions: AccessConditions) {
        if let end = conditions.expiresAt { expiresAt = min(expiresAt ?? .max, end) }
        if let bitrate = conditions.maximumBitrate { maximumBitrate = min(maximumBitrate ?? .max, bitrate) }
        if record != false, let wish = conditions.record { record = wish }
    }
}

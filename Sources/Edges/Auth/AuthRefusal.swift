/// Why somebody may not do what they asked for, and how they could.
package struct AuthRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Reason: String, Sendable, CaseIterable {
        case credentialMissing = "credential-missing"
        case credentialMalformed = "credential-malformed"
        case credentialWrong = "credential-wrong"
        case credentialExpired = "credential-expired"
        case credentialRevoked = "credential-revoked"
        case credentialNotYetValid = "credential-not-yet-valid"
        case streamNotAllowed = "stream-not-allowed"
        case permissionNotAllowed = "permission-not-allowed"
        /// The application said no.
        case decisionRefused = "decision-refused"
        /// The application did not say anything.
        case decisionMissing = "decision-missing"
    }

    /// A stable word, also the last part of the problem's `type`.
    package var reason: Reason
    /// What happened and the command that makes the missing credential; never a credential.
    package var detail: String

    package init(reason: Reason, detail: String) {
        self.reason = reason
        self.detail = detail
    }

    /// 403 for a good credential of somebody else's business, 503 for an application that is away, 401 for everything
    /// else (RFC 9110 section 15.5).
    package var status: Int {
        switch reason {
        case .streamNotAllowed, .permissionNotAllowed, .decisionRefused: 403
        case .decisionMissing: 503
        default: 401
        }
    }

    package var description: String { detail }
}

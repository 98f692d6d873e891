/// A permission that was given, and to whom.
package struct Grant: Sendable, Equatable {
    package enum Holder: Hashable, Sendable {
        /// A program on this machine, without a credential.
        case loopback
        /// Somebody without a credential, where anyone may.
        ///
        /// - Parameter digest: Tells addresses apart.
        case anonymous(digest: String)
        /// Somebody with a token or a stream key.
        ///
        /// - Parameter digest: Opaque and stable: the same for every token of one subject, never a secret.
        case credential(digest: String)

        /// Tells holders apart where space is short, as in the user names of a TURN server.
        package var shortName: String {
            switch self {
            case .loopback: "loopback"
            case .anonymous(let digest), .credential(let digest): String(digest.prefix(12))
            }
        }
    }

    package var permission: Permission
    package var holder: Holder
    /// Seconds since 1970 at which it ends, and everything that was begun with it; `nil` for never.
    package var expiresAt: Int64?
    /// The `sub` and the `jti` of the token it comes from.
    package var subject: String?
    package var tokenID: String?
    /// Whether what its holder publishes is to be recorded, or must not be; `nil` leaves it to the configuration.
    package var record: Bool?
    /// Bits per second that a publisher may send; `nil` for as many as it likes.
    package var maximumBitrate: Int?

    package init(
        permission: Permission,
        holder: Holder,
        expiresAt: Int64? = nil,
        subject: String? = nil,
        tokenID: String? = nil,
        record: Bool? = nil,
        maximumBitrate: Int? = nil
    ) {
        self.permission = permission
        self.holder = holder
        self.expiresAt = expiresAt
        self.subject = subject
        self.tokenID = tokenID
        self.record = record
        self.maximumBitrate = maximumBitrate
    }
}

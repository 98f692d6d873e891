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
    /// Whether what the holder publishes is to be recorded.
    package var wishesRecording: Bool

    package init(permission: Permission, holder: Holder, wishesRecording: Bool = false) {
        self.permission = permission
        self.holder = holder
        self.wishesRecording = wishesRecording
    }
}

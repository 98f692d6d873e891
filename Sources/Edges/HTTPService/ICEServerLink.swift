import Auth
package import Primitives

/// A STUN or TURN server as clients are told about it (RFC 9725 section 4.6).
package struct ICEServerLink: Sendable {
    package enum Access: Sendable {
        case open
        /// Fresh credentials for each session, from a secret shared with the TURN server.
        case sharedSecret(Secret)
        case fixed(username: String, credential: Secret)
    }

    package var url: String
    package var access: Access

    package init(url: String, access: Access) {
        self.url = url
        self.access = access
    }

    /// How long the credentials of a session last: longer than any session should.
    static let lifetime = Duration.seconds(24 * 3600)

    /// - Parameters:
    ///   - now: Seconds since 1970.
    ///   - name: What the TURN server tells users apart by, in its log and for its quotas.
    /// - Returns: The value of a `Link` field.
    func fieldValue(now: Int64, name: String = "martlet") -> String {
        let link = "<\(url)>; rel=\"ice-server\""
        switch access {
        case .open: return link
        case .fixed(let username, let credential):
            return Self.with(link, username: username, credential: credential.revealed)
        case .sharedSecret(let secret):
            let made = TURNCredential(secret: secret, expiresAt: now + Self.lifetime.components.seconds, name: name)
            return Self.with(link, username: made.username, credential: made.password.revealed)
        }
    }

    private static func with(_ link: String, username: String, credential: String) -> String {
        "\(link); username=\"\(escape(username))\"; credential=\"\(escape(credential))\"; credential-type=\"password\""
    }

    private static func escape(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    }
}

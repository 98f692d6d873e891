import Crypto
import Foundation
package import Primitives

/// A user name and password that a TURN server accepts until a moment both know, from a secret they share.
///
/// The scheme that coturn calls `use-auth-secret`: the name holds the moment, the password is its HMAC-SHA1.
package struct TURNCredential: Sendable, Equatable {
    package var username: String
    package var password: Secret

    /// - Parameters:
    ///   - secret: What the TURN server knows as `static-auth-secret`.
    ///   - expiresAt: Seconds since 1970.
    ///   - name: Told apart in the logs of the TURN server.
    package init(secret: Secret, expiresAt: Int64, name: String = "martlet") {
        username = "\(expiresAt):\(name)"
        let key = SymmetricKey(data: Array(secret.revealed.utf8))
        let code = HMAC<Insecure.SHA1>.authenticationCode(for: Array(username.utf8), using: key)
        password = Secret(Data(code).base64EncodedString())
    }
}

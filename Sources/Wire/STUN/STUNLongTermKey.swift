import COpenSSL

/// The key of MESSAGE-INTEGRITY for a user name and password that outlive a session (RFC 8489 §9.2.2).
package enum STUNLongTermKey {
    /// The longest realm and the longest nonce, in bytes (RFC 8489 §14.9, §14.10).
    package static let maximumChallengeLength = 763

    /// MD5 of `username:realm:password`.
    ///
    /// The algorithm is the protocol's: every TURN server in the field knows it, and few another one.
    ///
    /// - Parameters:
    ///   - username: As USERNAME has it.
    ///   - realm: As the server's challenge has it.
    ///   - password: As UTF-8.
    /// - Returns: 16 bytes; `nil` where the system's OpenSSL does not offer MD5.
    package static func make(username: [UInt8], realm: [UInt8], password: [UInt8]) -> [UInt8]? {
        let colon = [UInt8(ascii: ":")]
        let text = username + colon + realm + colon + password
        var digest = [UInt8](repeating: 0, count: 16)
        var length: UInt32 = 0
        guard EVP_Digest(text, text.count, &digest, &length, EVP_md5(), nil) == 1, length == 16 else { return nil }
        return digest
    }
}

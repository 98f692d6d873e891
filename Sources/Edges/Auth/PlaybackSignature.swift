import Crypto
package import Primitives

/// The right to watch one stream by HLS for a while, as an address or a cookie holds it.
///
/// Players fetch hundreds of files for a stream, and many send no header of ours with any of them. A token of the gateway
/// allows more, and for longer, than an address that lands in histories and logs should.
package struct PlaybackSignature: Sendable {
    /// Bytes of a signature at most: expiry, code, and a token's name in base 64.
    private static let maximumLength = 64 + RevocationList.maximumIDLength * 4 / 3

    private let key: SymmetricKey

    /// - Parameter secret: The one that signs tokens; a key of our own is derived from it (RFC 5869).
    package init(secret: Secret) {
        key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: Array(secret.revealed.utf8)),
            info: Array("martlet hls playback".utf8), outputByteCount: 32)
    }

    /// Signs a stream until a time.
    ///
    /// - Parameters:
    ///   - stream: The only stream that it is for.
    ///   - expiry: Seconds since 1970.
    ///   - tokenID: The `jti` of the token that it was given for, with which it can be revoked; `nil` for one that cannot.
    /// - Returns: Expiry, code and perhaps the token with dots between, letters that an address and a cookie may hold.
    package func sign(_ stream: StreamName, expiry: Int64, tokenID: String? = nil) -> String {
        let token = tokenID.map { Base64URL.encode($0.utf8) }
        let code = Hexadecimal.text(code(stream, expiry, token).prefix(16))
        return "\(expiry).\(code)\(token.map { ".\($0)" } ?? "")"
    }

    /// Checks what a client presents.
    ///
    /// - Parameters:
    ///   - text: From the network.
    ///   - stream: The stream that is asked for.
    ///   - now: Seconds since 1970.
    ///   - isRevoked: Whether a token counts no longer.
    /// - Returns: Whether it was signed for this stream, has not expired and was not revoked.
    package func allows(
        _ text: some StringProtocol,
        stream: StreamName,
        now: Int64,
        isRevoked: (String) -> Bool = { _ in false }
    ) -> Bool {
        guard text.utf8.count <= Self.maximumLength else { return false }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), let expiry = Int64(parts[0]) else { return false }
        var tokenID: String?
        if parts.count == 3 {
            guard let bytes = Base64URL.decode(parts[2]) else { return false }
            tokenID = String(decoding: bytes, as: UTF8.self)
        }
        let expected = Array(sign(stream, expiry: expiry, tokenID: tokenID).utf8)
        let given = Array(text.utf8)
        guard expected.count == given.count else { return false }
        // As long for every wrong code, whatever it begins with.
        var difference: UInt8 = 0
        for (left, right) in zip(expected, given) { difference |= left ^ right }
        return difference == 0 && expiry > now && tokenID.map(isRevoked) != true
    }

    /// Neither a stream's name nor a number holds a slash, so that no two rights have one text.
    private func code(_ stream: StreamName, _ expiry: Int64, _ token: String?) -> HMAC<SHA256>.MAC {
        let text = "\(stream)/\(expiry)\(token.map { "/\($0)" } ?? "")"
        return HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key)
    }
}

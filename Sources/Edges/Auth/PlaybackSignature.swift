import Crypto
package import Primitives

/// The right to watch one stream by HLS for a while, as an address or a cookie holds it.
///
/// Players fetch hundreds of files for a stream, and many send no header of ours with any of them. A token of the gateway
/// allows more, and for longer, than an address that lands in histories and logs should.
package struct PlaybackSignature: Sendable {
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
    /// - Returns: Expiry and code with a dot between, letters that an address and a cookie may hold.
    package func sign(_ stream: StreamName, expiry: Int64) -> String {
        "\(expiry).\(Hexadecimal.text(code(stream, expiry).prefix(16)))"
    }

    /// Checks what a client presents.
    ///
    /// - Parameters:
    ///   - text: From the network.
    ///   - stream: The stream that is asked for.
    ///   - now: Seconds since 1970.
    /// - Returns: Whether it was signed for this stream and has not expired.
    package func allows(_ text: some StringProtocol, stream: StreamName, now: Int64) -> Bool {
        guard text.utf8.count <= 64, let dot = text.firstIndex(of: "."), let expiry = Int64(text[..<dot]) else {
            return false
        }
        let expected = Array(sign(stream, expiry: expiry).utf8)
        let given = Array(text.utf8)
        guard expected.count == given.count else { return false }
        // As long for every wrong code, whatever it begins with.
        var difference: UInt8 = 0
        for (left, right) in zip(expected, given) { difference |= left ^ right }
        return difference == 0 && expiry > now
    }

    private func code(_ stream: StreamName, _ expiry: Int64) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: Array("\(stream)/\(expiry)".utf8), using: key)
    }
}

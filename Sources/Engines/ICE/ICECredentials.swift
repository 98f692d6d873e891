package import Primitives

/// The name and password of one side of an ICE session (RFC 8445 §5.3).
package struct ICECredentials: Hashable, Sendable {
    /// 4 to 256 letters, digits, `+` or `/`; sent in clear in every check.
    package var usernameFragment: String
    /// 22 to 256 of the same characters; the key of MESSAGE-INTEGRITY, never sent after signaling.
    package var password: Secret

    package init(usernameFragment: String, password: Secret) {
        self.usernameFragment = usernameFragment
        self.password = password
    }

    /// Credentials with 48 bits of name and 192 bits of password from `generator`.
    ///
    /// - Parameter generator: `SystemRandomNumberGenerator` outside tests: a peer that can guess the password can
    ///   take the session over.
    package init(using generator: inout some RandomNumberGenerator) {
        usernameFragment = Self.characters(8, using: &generator)
        password = Secret(Self.characters(32, using: &generator))
    }

    /// Whether both parts have a length and alphabet that the specification allows.
    package var isValid: Bool {
        Self.isValid(usernameFragment, lengths: 4...256) && Self.isValid(password.revealed, lengths: 22...256)
    }

    /// The bytes that MESSAGE-INTEGRITY is keyed with.
    var key: [UInt8] { Array(password.revealed.utf8) }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static func characters(_ count: Int, using generator: inout some RandomNumberGenerator) -> String {
        let bytes = (0..<count).map { _ in alphabet[Int(generator.next() >> 58)] }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isValid(_ text: String, lengths: ClosedRange<Int>) -> Bool {
        lengths.contains(text.utf8.count) && text.utf8.allSatisfy { alphabet.contains($0) }
    }
}

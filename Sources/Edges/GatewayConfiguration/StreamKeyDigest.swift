/// The SHA-256 of a stream key, and the streams that key may publish.
package struct StreamKeyDigest: Sendable, Equatable {
    /// A stream name in which `*` stands for anything; `*` alone is every stream.
    package var pattern: String
    /// 64 lower-case hexadecimal digits.
    package var sha256: String

    package init(pattern: String = "*", sha256: String) {
        self.pattern = pattern
        self.sha256 = sha256
    }

    /// Reads `DIGEST` or `PATTERN=DIGEST`.
    ///
    /// - Throws: ``InvalidValue`` that does not repeat the text: it may be a key written where its digest belongs.
    init(parsing text: String) throws(InvalidValue) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let digest = parts[parts.count - 1].lowercased()
        guard digest.utf8.count == 64, digest.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
            throw InvalidValue(
                "an entry is not a SHA-256 digest of 64 hexadecimal digits",
                cure: "write the output of: printf %s KEY | sha256sum"
            )
        }
        let pattern = parts.count == 2 ? try StreamNamePattern.check(parts[0]) : "*"
        self.init(pattern: pattern, sha256: digest)
    }
}

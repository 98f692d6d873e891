package import JWTKit

/// What a token says (RFC 7519): which streams, what may be done with them, until when.
package struct TokenClaims: JWTPayload, Equatable {
    /// A stream name, in which `*` stands for anything.
    package var stream: String
    /// Words of ``Permission``; unknown ones allow nothing.
    package var allow: [String]
    /// Seconds since 1970 from which the token counts no longer; a token without it is refused.
    package var exp: Int64
    /// Seconds since 1970 before which the token does not count yet.
    package var nbf: Int64?
    /// Who holds the token.
    ///
    /// Two tokens of one subject are the same publisher, so that a renewed token
    /// replaces the session of the old one at once.
    package var sub: String?
    /// Tells tokens without a subject apart.
    package var jti: String?
    /// Whether what its holder publishes is to be recorded.
    package var record: Bool?

    package init(
        stream: String,
        allow: [String],
        exp: Int64,
        nbf: Int64? = nil,
        sub: String? = nil,
        jti: String? = nil,
        record: Bool? = nil
    ) {
        self.stream = stream
        self.allow = allow
        self.exp = exp
        self.nbf = nbf
        self.sub = sub
        self.jti = jti
        self.record = record
    }

    /// Times are checked by ``TokenAuthority`` with its own clock, so there is nothing to do here.
    package func verify(using algorithm: some JWTAlgorithm) {}
}

package import JWTKit

/// What a token says (RFC 7519): which streams, what may be done with them, until when.
package struct TokenClaims: JWTPayload, Equatable {
    /// A stream name, in which `*` stands for anything.
    package var stream: String?
    /// More of them, ``maximumStreams`` at most.
    package var streams: [String]?
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
    /// Names the token, so that it can be revoked.
    package var jti: String?
    /// Whether what its holder publishes is to be recorded, or must not be; what it does not say, the configuration does.
    package var record: Bool?
    /// Bits per second that a publisher may send.
    package var maximumBitrate: Int?

    /// Patterns that are looked at.
    package static let maximumStreams = 32

    enum CodingKeys: String, CodingKey {
        case stream, streams, allow, exp, nbf, sub, jti, record
        case maximumBitrate = "max_bitrate"
    }

    /// The streams it is for; those that are no patterns are for none.
    package var patterns: [StreamPattern] {
        ((stream.map { [$0] } ?? []) + (streams ?? [])).prefix(Self.maximumStreams).compactMap { StreamPattern($0) }
    }

    package init(
        stream: String?,
        streams: [String]? = nil,
        allow: [String],
        exp: Int64,
        nbf: Int64? = nil,
        sub: String? = nil,
        jti: String? = nil,
        record: Bool? = nil,
        maximumBitrate: Int? = nil
    ) {
        self.stream = stream
        self.streams = streams
        self.maximumBitrate = maximumBitrate
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

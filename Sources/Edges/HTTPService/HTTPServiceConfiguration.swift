package import Auth
import Primitives
package import TransportSecurity

/// How the HTTP service listens and answers.
package struct HTTPServiceConfiguration: Sendable {
    /// A literal address; `::` takes IPv4 too.
    package var host: String
    /// 0 takes any free port.
    package var port: UInt16
    /// Origins besides the gateway's own that may call the API from a browser, in lower case.
    package var corsOrigins: Set<String>
    /// Whose word about their clients counts.
    package var trustedProxies = TrustedProxies()
    /// The value of the CSP directive `frame-ancestors`.
    package var frameAncestors: String
    package var iceServers: [ICEServerLink]
    package var limits: Limits
    /// The name of this gateway in health answers.
    package var nodeName: String
    /// Who signs addresses and cookies of HLS.
    package var playback: PlaybackSignature
    /// Whether anyone may watch, so that shared caches may keep what HLS sends.
    package var isPlayPublic: Bool
    /// The certificate for HTTPS and HTTP/2; `nil` for plain HTTP.
    package var tls: TLSIdentity?
    /// How long browsers shall insist on HTTPS.
    package var hstsMaxAge: Duration?

    /// How much one address, or one holder of a credential, may ask for.
    package struct Limits: Sendable {
        package var requestsPerMinute: Int
        package var requestsBurst: Int
        package var postsPerMinute: Int
        package var postsBurst: Int
        /// Sessions of one holder, from wherever.
        package var sessionsPerMinute: Int
        package var sessionsBurst: Int
        /// Whether clients on this machine are limited too.
        package var includeLoopback: Bool

        package init(
            requestsPerMinute: Int = 60_000,
            requestsBurst: Int = 5_000,
            postsPerMinute: Int = 120,
            postsBurst: Int = 60,
            sessionsPerMinute: Int = 6_000,
            sessionsBurst: Int = 2_000,
            includeLoopback: Bool = false
        ) {
            self.requestsPerMinute = requestsPerMinute
            self.requestsBurst = requestsBurst
            self.postsPerMinute = postsPerMinute
            self.postsBurst = postsBurst
            self.sessionsPerMinute = sessionsPerMinute
            self.sessionsBurst = sessionsBurst
            self.includeLoopback = includeLoopback
        }
    }

    /// What other gateways of the cluster prove themselves with; `nil` where there is none.
    package var nodeTokens: NodeTokens?

    package init(
        host: String = "::",
        port: UInt16 = 8080,
        corsOrigins: Set<String> = [],
        frameAncestors: String = "'self'",
        iceServers: [ICEServerLink] = [],
        limits: Limits = Limits(),
        nodeName: String = "martlet",
        playback: PlaybackSignature = PlaybackSignature(secret: Secret(RandomText.hexadecimal(bytes: 32))),
        isPlayPublic: Bool = true
    ) {
        self.host = host
        self.port = port
        self.corsOrigins = corsOrigins
        self.frameAncestors = frameAncestors
        self.iceServers = iceServers
        self.limits = limits
        self.nodeName = nodeName
        self.playback = playback
        self.isPlayPublic = isPlayPublic
    }
}

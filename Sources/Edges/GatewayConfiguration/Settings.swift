package import Primitives

/// Everything an operator can set, with the value in force when nothing is set.
///
/// `config/martlet.yaml` lists the same keys with the same defaults; a test keeps the two equal. How text
/// becomes these values is in ``Setting``, where the text comes from in ``SettingsLoader``.
package struct Settings: Sendable, Equatable {
    package var http = HTTP()
    package var rtmp = RTMP()
    /// `rtmps.port`: RTMP over TLS, with the certificate of ``HTTP/tls``; `nil` for none.
    package var rtmpsPort: UInt16?
    package var webrtc = WebRTC()
    package var publish = Publish()
    package var hls = HLS()
    package var transcode = Transcode()
    package var recording = Recording()
    package var auth = Auth()
    package var webhooks = Webhooks()
    package var limits = Limits()
    package var log = Log()

    /// `data.directory`: where generated secrets are kept (created with mode 0700).
    package var dataDirectory = "martlet-data"
    /// `node.id`: the name of this gateway in logs and health answers; `nil` generates one at first start.
    package var nodeID: String?
    /// `node.url`: where other gateways reach this one; `nil` takes `http.host` or the first announced address.
    package var nodeURL: String?
    /// `redis.url`: what several gateways share; `nil` where there is no other.
    package var redis: RedisLocation?
    /// `cluster.secret`: by which gateways know each other; `nil` has them agree on one through Redis.
    package var clusterSecret: Secret?
    /// `shutdown.grace`: how long a drain waits for sessions to end by themselves.
    package var shutdownGrace: Duration = .seconds(30)

    package init() {}

    /// The TCP port of WHIP, WHEP, API and pages.
    package struct HTTP: Sendable, Equatable {
        /// `http.host`: the address to listen on; `::` takes IPv4 too.
        package var host = "::"
        /// `http.port`: 0 takes any free port.
        package var port: UInt16 = 8080
        /// `http.cors.origins`: origins besides the gateway's own that may call the API.
        ///
        /// WHIP and WHEP answer every origin: their requests carry a bearer token, never a cookie.
        package var corsOrigins: [String] = []
        /// `http.trusted_proxies`: addresses and networks of proxies whose `Forwarded` and `X-Forwarded-For` count.
        package var trustedProxies: [String] = []
        /// `http.frame_ancestors`: who may embed the pages (CSP source expressions).
        package var frameAncestors = ["'self'"]
        package var tls = TLS()
    }

    /// HTTPS and HTTP/2 on the same port; plain HTTP where none of it is set.
    package struct TLS: Sendable, Equatable {
        /// `http.tls.certificate`: the path of the certificate chain, in PEM.
        package var certificate: String?
        /// `http.tls.key`: the path of its private key, in PEM.
        package var key: String?
        /// `http.tls.self_signed`: a certificate that the gateway makes for itself, where none is set.
        package var selfSigned = false
        /// `http.tls.hsts_max_age`: how long browsers shall insist on HTTPS; `nil` does not ask them to.
        package var hstsMaxAge: Duration?

        /// Whether there is a certificate to show.
        package var isOn: Bool { certificate != nil || key != nil || selfSigned }
    }

    package struct RTMP: Sendable, Equatable {
        /// `rtmp.host`: the address to listen on; `::` takes IPv4 too.
        package var host = "::"
        /// `rtmp.port`: 0 takes any free port.
        package var port: UInt16 = 1935
        /// `rtmp.b_frames`: what to do with frames that reorder, which break WebRTC players.
        package var bFrames: BFramePolicy = .automatic
    }

    /// What happens to an RTMP publisher's B-frames.
    package enum BFramePolicy: String, Sendable, CaseIterable {
        /// Leave them out where no other frame needs any of them; otherwise the same as ``transcode``.
        case automatic = "auto"
        /// Leave out those that no other frame needs, even where that is not enough for WebRTC.
        case drop
        /// Leave none out, and encode the picture anew for WebRTC viewers.
        case transcode
        /// Leave none out: WebRTC viewers of such a stream are told why they see nothing.
        case hlsOnly = "hls_only"
    }

    package struct WebRTC: Sendable, Equatable {
        /// `webrtc.host`: the address media is received on; `::` takes IPv4 too.
        package var host = "::"
        /// `webrtc.port`: the one UDP port of all workers, and the TCP port that locks it.
        package var port: UInt16 = 8100
        /// `webrtc.tcp`: whether clients that UDP does not reach may come by TCP to the same port.
        package var tcp = true
        /// `webrtc.announce`: addresses or host names put in candidates; empty means the usable local addresses.
        ///
        /// Names are resolved at the start, every minute, and at SIGHUP.
        package var announce: [String] = []
        /// `webrtc.workers`: 1 to 64 threads; `nil` is one for each core.
        package var workers: Int?
        /// `webrtc.srtp_backend`: who encrypts.
        package var srtpBackend: SRTPChoice = .automatic
        /// `webrtc.ice_servers`: STUN and TURN servers handed to clients in `Link` headers.
        package var iceServers: [ICEServer] = []
        /// `webrtc.playout_delay`: how long viewers may hold pictures back; `nil` is as short as lip sync allows.
        package var playoutDelay: PlayoutRange?
        /// `webrtc.playout_delays`: the same for single streams; the first pattern that fits counts.
        package var playoutDelays: [StreamPlayoutDelay] = []
    }

    package enum SRTPChoice: String, Sendable, CaseIterable {
        case automatic = "auto"
        case openssl
        case multiBuffer = "ipsec-mb"
        case libsrtp2
    }

    package struct Publish: Sendable, Equatable {
        /// `publish.takeover`: what a second publisher of a live stream gets.
        package var takeover: Takeover = .automatic
        /// `publish.grace`: how long viewers wait for a publisher that vanished.
        package var grace: Duration = .seconds(15)
    }

    /// What is recorded, and for how long it is kept.
    package struct Recording: Sendable, Equatable {
        /// `recording.streams`: names in which `*` stands for anything.
        package var streams: [String] = []
        /// `recording.retention`: what is older, or the oldest of what is more, is removed.
        package var retention = Retention()
        /// `recording.segment_duration`: how long a file becomes at most.
        package var segmentDuration: Duration = .seconds(3600)
        /// `recording.segment_size`: how many bytes a file has at most.
        package var segmentSize: Int64 = 2_000_000_000
        /// `recording.sync`: how often the disk is made to keep what was written; `nil` leaves it to the system.
        package var sync: Duration? = .seconds(5)
    }

    package struct Retention: Sendable, Equatable {
        package var age: Duration?
        package var bytes: Int64?

        package init() {}
    }

    package enum Takeover: String, Sendable, CaseIterable {
        /// The same credential replaces at once, anyone else once the old publisher has been silent for 2 s.
        case automatic = "auto"
        /// The newest publisher wins.
        case replace
        /// The first publisher wins.
        case reject
    }

    package struct HLS: Sendable, Equatable {
        /// `hls.enabled`: whether streams can be watched by HLS.
        package var enabled = true
        /// `hls.start`: when a stream is begun to be cut.
        package var start: HLSStart = .onDemand
        /// `hls.part_duration`: what parts last, where the frame rate allows.
        package var partDuration: Duration = .milliseconds(500)
        /// `hls.segment_duration`: what segments last at least; they end at the next key frame.
        package var segmentDuration: Duration = .seconds(2)
        /// `hls.window`: how far back a stream can be watched; never less than ten target durations.
        package var window: Duration = .seconds(60)
    }

    package enum HLSStart: String, Sendable, CaseIterable {
        /// When somebody asks, until nobody has asked for a minute.
        case onDemand = "on_demand"
        /// As soon as somebody publishes.
        case always
    }

    /// Pictures that are encoded anew for viewers who cannot take the publisher's.
    package struct Transcode: Sendable, Equatable {
        /// `transcode.max_streams`: pictures encoded anew at the same time; 0 for none.
        package var maximumStreams = 2
        /// `transcode.ladder`: smaller sizes beside the publisher's, at most six.
        package var ladder: [LadderStep] = []
        /// `transcode.encoder`: who encodes H.264.
        package var encoder: EncoderChoice = .automatic
    }

    /// Encoders of libavcodec, by its names.
    package enum EncoderChoice: String, Sendable, CaseIterable {
        /// The first in this list that the machine has.
        case automatic = "auto"
        case libx264
        case libopenh264
        /// The encoder of NVIDIA's graphics cards.
        case nvenc = "h264_nvenc"
        /// The encoder of Intel's and AMD's graphics cards, by way of VAAPI.
        case vaapi = "h264_vaapi"
    }

    package struct Auth: Sendable, Equatable {
        /// `auth.anonymous.publish`: who may publish without a credential.
        package var anonymousPublish: AnonymousAccess = .loopback
        /// `auth.anonymous.play`: who may watch without a credential.
        package var anonymousPlay: AnonymousAccess = .anyone
        /// `auth.anonymous.rooms`: who may take part in rooms without a credential.
        package var anonymousRooms: AnonymousAccess = .loopback
        /// `auth.anonymous.admin`: who may read the API and `/metrics` without a credential.
        package var anonymousAdmin: AnonymousAccess = .loopback
        /// `auth.jwt.secret`: the HS256 secret, at least 32 bytes; `nil` generates one at first start.
        package var jwtSecret: Secret?
        /// `auth.jwt.jwks`: a file, or an http(s) URL, with the public keys of whoever else issues tokens.
        package var jwks: String?
        /// `auth.keys`: SHA-256 digests of stream keys.
        package var keys: [StreamKeyDigest] = []
    }

    package enum AnonymousAccess: String, Sendable, CaseIterable {
        case nobody
        /// Programs on this machine; see the README for what counts as such.
        case loopback
        case anyone
    }

    /// What an application is asked, and told.
    package struct Webhooks: Sendable, Equatable {
        /// `webhooks.url`: where it listens; `nil` for no application.
        package var url: String?
        /// `webhooks.secret`: signs what it is sent; needed with a URL.
        package var secret: Secret?
        /// `webhooks.decisions`: what it is asked about before it begins; `none` adds nothing.
        package var decisions: [WebhookDecision] = [.publish, .play]
        /// `webhooks.on_failure`: what counts when it does not answer.
        package var onFailure = WebhookFailure.deny
        /// `webhooks.timeout`: how long it may take to decide.
        package var timeout: Duration = .seconds(3)
    }

    package enum WebhookDecision: String, Sendable, CaseIterable {
        case publish
        case play
        case none
    }

    package enum WebhookFailure: String, Sendable, CaseIterable {
        case deny
        case allow
    }

    /// Bounds on what one client may ask for.
    package struct Limits: Sendable, Equatable {
        /// `limits.loopback`: whether the limits hold for clients on this machine as well.
        package var loopback = false
        /// `limits.requests_per_minute`: HTTP requests of one address, in the long run.
        package var requestsPerMinute = 60_000
        /// `limits.requests_burst`: HTTP requests of one address, at once.
        package var requestsBurst = 5_000
        /// `limits.posts_per_minute`: WHIP and WHEP requests of one address, in the long run.
        package var postsPerMinute = 120
        /// `limits.posts_burst`: WHIP and WHEP requests of one address, at once.
        package var postsBurst = 60
        /// `limits.token_posts_per_minute`: WHIP and WHEP sessions of one token, in the long run.
        package var tokenPostsPerMinute = 6_000
        /// `limits.token_posts_burst`: WHIP and WHEP sessions of one token, at once.
        package var tokenPostsBurst = 2_000
        /// `limits.rtmp_per_minute`: RTMP connections of one address, in the long run.
        package var rtmpPerMinute = 120
        /// `limits.rtmp_burst`: RTMP connections of one address, at once.
        package var rtmpBurst = 60
        /// `limits.failures_per_minute`: refused credentials of one address before it is turned away unheard.
        package var failuresPerMinute = 20
    }

    package struct Log: Sendable, Equatable {
        /// `log.level`: the least important message to write.
        package var level: LogLevel = .info
        /// `log.format`: one JSON object a line, or text for people.
        package var format: LogFormat = .automatic
    }

    package enum LogLevel: String, Sendable, CaseIterable {
        case trace, debug, info, notice, warning, error, critical
    }

    package enum LogFormat: String, Sendable, CaseIterable {
        /// Text on a terminal, JSON elsewhere.
        case automatic = "auto"
        case text
        case json
    }
}

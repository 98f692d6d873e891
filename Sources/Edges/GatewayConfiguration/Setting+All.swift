extension Setting {
    /// Every key of this version, in the order of `config/martlet.yaml`.
    package static let all: [Setting] =
        http + rtmp + webrtc + publish + hls + transcode + recording + auth + webhooks + limits + [
            Setting(
                "data.directory",
                \.dataDirectory,
                .text("a path", maximumLength: 4096),
                "Where generated secrets and recordings are kept."
            ),
            Setting(
                "node.id",
                \.nodeID,
                .optional(.text("a short name", maximumLength: 64)),
                "The name of this gateway in logs, health answers and among others; generated when not set."
            ),
            Setting(
                "node.url",
                \.nodeURL,
                .optional(.httpAddress),
                "Where other gateways reach this one; made from http.host or an announced address when not set."
            ),
            Setting(
                "redis.url",
                \.redis,
                .optional(.redis),
                isSecret: true,
                "The Redis that several gateways share; without one this gateway knows of no other."
            ),
            Setting(
                "cluster.secret",
                \.clusterSecret,
                .optional(.secret(atLeast: 32)),
                isSecret: true,
                "The secret by which gateways know each other; agreed on through Redis when not set."
            ),
            Setting(
                "shutdown.grace",
                \.shutdownGrace,
                .duration(.zero ... .seconds(3600)),
                "How long a shutdown waits for sessions to end."
            ),
        ] + log

    private static let http = [
        Setting("http.host", \.http.host, .address, "The address of WHIP, WHEP, API and pages."),
        Setting("http.port", \.http.port, .port(from: 0), "The TCP port of WHIP, WHEP, API and pages."),
        Setting(
            "http.cors.origins",
            \.http.corsOrigins,
            .list("origins", of: { text throws(InvalidValue) in try origin(text) }, format: { $0 }),
            "Origins besides the gateway's own that may call the API from a browser."
        ),
        Setting(
            "http.trusted_proxies",
            \.http.trustedProxies,
            .list("addresses or networks", of: { text throws(InvalidValue) in try network(text) }, format: { $0 }),
            "Proxies whose Forwarded and X-Forwarded-For count."
        ),
        Setting(
            "http.frame_ancestors",
            \.http.frameAncestors,
            .list("CSP sources", of: { text throws(InvalidValue) in try contentSource(text) }, format: { $0 }),
            "Who may embed the pages in a frame."
        ),
        Setting(
            "http.tls.certificate",
            \.http.tls.certificate,
            .optional(.text("a path", maximumLength: 4096)),
            "The certificate chain for HTTPS, in PEM; read again at SIGHUP."
        ),
        Setting(
            "http.tls.key",
            \.http.tls.key,
            .optional(.text("a path", maximumLength: 4096)),
            "The private key of the certificate, in PEM."
        ),
        Setting(
            "http.tls.self_signed",
            \.http.tls.selfSigned,
            .boolean,
            "HTTPS with a certificate that the gateway makes for itself."
        ),
        Setting(
            "http.tls.hsts_max_age",
            \.http.tls.hstsMaxAge,
            .optional(.duration(.zero ... .seconds(2 * 365 * 86_400)), absent: "off"),
            "How long browsers shall insist on HTTPS."
        ),
    ]

    private static let rtmp = [
        Setting("rtmp.host", \.rtmp.host, .address, "The address of RTMP."),
        Setting("rtmp.port", \.rtmp.port, .port(from: 0), "The TCP port of RTMP."),
        Setting(
            "rtmp.b_frames",
            \.rtmp.bFrames,
            .oneOf(Settings.BFramePolicy.self),
            "What to do with B-frames, which browsers cannot play over WebRTC."
        ),
        Setting(
            "rtmps.port",
            \.rtmpsPort,
            .optional(.port(from: 0), absent: "off"),
            "The TCP port of RTMP over TLS, with the certificate of HTTPS."
        ),
    ]

    private static let webrtc = [
        Setting("webrtc.host", \.webrtc.host, .address, "The address of WebRTC media."),
        Setting("webrtc.port", \.webrtc.port, .port(from: 1), "The UDP port of WebRTC media, and the TCP port."),
        Setting("webrtc.tcp", \.webrtc.tcp, .boolean, "Whether clients without UDP may come by TCP."),
        Setting(
            "webrtc.announce",
            \.webrtc.announce,
            .list(
                "addresses or host names",
                of: { text throws(InvalidValue) in try hostOrAddress(text) },
                format: { $0 }
            ),
            "The addresses told to clients; the usable local ones when empty."
        ),
        Setting(
            "webrtc.workers",
            \.webrtc.workers,
            .optional(.integer(1...64), absent: "auto"),
            "How many threads move media; `auto` is one for each core."
        ),
        Setting(
            "webrtc.srtp_backend",
            \.webrtc.srtpBackend,
            .oneOf(Settings.SRTPChoice.self),
            "The library that encrypts media; `auto` measures at the start which is fastest."
        ),
        Setting(
            "webrtc.ice_servers",
            \.webrtc.iceServers,
            .list(
                "STUN or TURN URLs",
                of: { text throws(InvalidValue) in try ICEServer(parsing: text) },
                format: { $0.url }
            ),
            isSecret: true,
            "STUN and TURN servers that clients are told to use."
        ),
        Setting(
            "webrtc.playout_delay",
            \.webrtc.playoutDelay,
            .optional(
                ValueForm<PlayoutRange>(
                    expected: "a range of durations up to 10s",
                    parse: { text throws(InvalidValue) in try PlayoutRange(parsing: text) },
                    format: { $0.description }
                ),
                absent: "auto"
            ),
            "How long viewers may hold pictures back, as MIN-MAX; `auto` is as short as lip sync allows."
        ),
        Setting(
            "webrtc.playout_delays",
            \.webrtc.playoutDelays,
            .list(
                "STREAM=MIN-MAX",
                of: { text throws(InvalidValue) in try StreamPlayoutDelay(parsing: text) },
                format: { $0.text }
            ),
            "The playout delay of single streams; the first name that fits counts."
        ),
    ]

    private static let publish = [
        Setting(
            "publish.takeover",
            \.publish.takeover,
            .oneOf(Settings.Takeover.self),
            "What a second publisher of a live stream gets."
        ),
        Setting(
            "publish.grace",
            \.publish.grace,
            .duration(.zero ... .seconds(600)),
            "How long viewers wait for a publisher that vanished."
        ),
    ]

    private static let hls = [
        Setting("hls.enabled", \.hls.enabled, .boolean, "Whether streams can be watched by HLS."),
        Setting(
            "hls.start",
            \.hls.start,
            .oneOf(Settings.HLSStart.self),
            "Whether HLS begins when somebody asks, or with the publisher."
        ),
        Setting(
            "hls.part_duration",
            \.hls.partDuration,
            .duration(.milliseconds(100) ... .seconds(2)),
            "What the parts of a segment last, which players near the live edge fetch."
        ),
        Setting(
            "hls.segment_duration",
            \.hls.segmentDuration,
            .duration(.seconds(1) ... .seconds(10)),
            "What segments last at least; they end at the next key frame."
        ),
        Setting(
            "hls.window",
            \.hls.window,
            .duration(.seconds(10) ... .seconds(3600)),
            "How far back a stream can be watched; never less than ten segments."
        ),
    ]

    private static let transcode = [
        Setting(
            "transcode.max_streams",
            \.transcode.maximumStreams,
            .integer(0...64),
            "How many pictures are encoded anew at the same time; 0 for none."
        ),
        Setting(
            "transcode.ladder",
            \.transcode.ladder,
            .ladder,
            "The smaller sizes in which pictures are also sent."
        ),
        Setting(
            "transcode.encoder",
            \.transcode.encoder,
            .oneOf(Settings.EncoderChoice.self),
            "The encoder of H.264."
        ),
    ]

    private static let recording = [
        Setting(
            "recording.streams",
            \.recording.streams,
            .list(
                "stream names",
                of: { text throws(InvalidValue) in try StreamNamePattern.check(text) },
                format: { $0 }
            ),
            "Streams that are recorded; `*` stands for anything."
        ),
        Setting(
            "recording.retention",
            \.recording.retention,
            .retention,
            "The age and the size beyond which the oldest recordings are removed."
        ),
        Setting(
            "recording.segment_duration",
            \.recording.segmentDuration,
            .duration(.seconds(1) ... .seconds(86_400)),
            "How long a file becomes before another one follows."
        ),
        Setting(
            "recording.segment_size",
            \.recording.segmentSize,
            .size(1_000_000...100_000_000_000),
            "How large a file becomes before another one follows."
        ),
        Setting(
            "recording.sync",
            \.recording.sync,
            .optional(.duration(.zero ... .seconds(600)), absent: "off"),
            "How often the disk is made to keep what was written; `0s` is after each second of media."
        ),
    ]

    private static let auth = [
        Setting(
            "auth.anonymous.publish",
            \.auth.anonymousPublish,
            .oneOf(Settings.AnonymousAccess.self),
            "Who may publish without a credential."
        ),
        Setting(
            "auth.anonymous.play",
            \.auth.anonymousPlay,
            .oneOf(Settings.AnonymousAccess.self),
            "Who may watch without a credential."
        ),
        Setting(
            "auth.anonymous.rooms",
            \.auth.anonymousRooms,
            .oneOf(Settings.AnonymousAccess.self),
            "Who may take part in rooms without a credential."
        ),
        Setting(
            "auth.anonymous.admin",
            \.auth.anonymousAdmin,
            .oneOf(Settings.AnonymousAccess.self),
            "Who may read the API and the metrics without a credential."
        ),
        Setting(
            "auth.jwt.secret",
            \.auth.jwtSecret,
            .optional(.secret(atLeast: 32)),
            isSecret: true,
            "The secret that signs tokens; generated in the data directory when not set."
        ),
        Setting(
            "auth.jwt.jwks",
            \.auth.jwks,
            .optional(.text("a file, or a URL that begins with http:// or https://", maximumLength: 2048)),
            "The public keys (JWKS) of whoever else issues tokens."
        ),
        Setting(
            "auth.keys",
            \.auth.keys,
            .list(
                "SHA-256 digests",
                of: { text throws(InvalidValue) in try StreamKeyDigest(parsing: text) },
                format: { "\($0.pattern)=\($0.sha256)" }
            ),
            isSecret: true,
            "Digests of stream keys, each for one stream or for all."
        ),
    ]

    private static let webhooks = [
        Setting(
            "webhooks.url",
            \.webhooks.url,
            .optional(.httpAddress),
            "The address of the application that decides who may publish and play, and is told what happens."
        ),
        Setting(
            "webhooks.secret",
            \.webhooks.secret,
            .optional(.secret(atLeast: 32)),
            isSecret: true,
            "The secret that signs what the application is sent."
        ),
        Setting(
            "webhooks.decisions",
            \.webhooks.decisions,
            .list(
                "`publish` and `play`, or `none`",
                of: { text throws(InvalidValue) in
                    try ValueForm<Settings.WebhookDecision>.oneOf(Settings.WebhookDecision.self).parse(text)
                },
                format: { $0.rawValue }
            ),
            "What the application is asked about before it begins."
        ),
        Setting(
            "webhooks.on_failure",
            \.webhooks.onFailure,
            .oneOf(Settings.WebhookFailure.self),
            "What is decided when the application does not answer."
        ),
        Setting(
            "webhooks.timeout",
            \.webhooks.timeout,
            .duration(.milliseconds(100) ... .seconds(30)),
            "How long the application may take to decide."
        ),
    ]

    private static let limits = [
        Setting("limits.loopback", \.limits.loopback, .boolean, "Whether limits hold on this machine too."),
        Setting(
            "limits.requests_per_minute",
            \.limits.requestsPerMinute,
            .integer(1...1_000_000),
            "HTTP requests of one address, in the long run."
        ),
        Setting(
            "limits.requests_burst",
            \.limits.requestsBurst,
            .integer(1...1_000_000),
            "HTTP requests of one address, at once."
        ),
        Setting(
            "limits.posts_per_minute",
            \.limits.postsPerMinute,
            .integer(1...1_000_000),
            "WHIP and WHEP requests of one address, in the long run."
        ),
        Setting(
            "limits.posts_burst",
            \.limits.postsBurst,
            .integer(1...1_000_000),
            "WHIP and WHEP requests of one address, at once."
        ),
        Setting(
            "limits.token_posts_per_minute",
            \.limits.tokenPostsPerMinute,
            .integer(1...1_000_000),
            "WHIP and WHEP sessions of one token, in the long run."
        ),
        Setting(
            "limits.token_posts_burst",
            \.limits.tokenPostsBurst,
            .integer(1...1_000_000),
            "WHIP and WHEP sessions of one token, at once."
        ),
        Setting(
            "limits.rtmp_per_minute",
            \.limits.rtmpPerMinute,
            .integer(1...1_000_000),
            "RTMP connections of one address, in the long run."
        ),
        Setting(
            "limits.rtmp_burst",
            \.limits.rtmpBurst,
            .integer(1...1_000_000),
            "RTMP connections of one address, at once."
        ),
        Setting(
            "limits.failures_per_minute",
            \.limits.failuresPerMinute,
            .integer(1...1_000_000),
            "Refused credentials of one address before it is turned away unheard."
        ),
    ]

    private static let log = [
        Setting("log.level", \.log.level, .oneOf(Settings.LogLevel.self), "The least important message to write."),
        Setting("log.format", \.log.format, .oneOf(Settings.LogFormat.self), "Text for people or JSON for machines."),
    ]
}

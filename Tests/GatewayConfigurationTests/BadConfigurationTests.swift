import GatewayConfiguration
import Testing

@Suite("Bad configuration")
struct BadConfigurationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var yaml: String
        var key: String
        var line: Int
        /// A word that the reason or the cure must hold.
        var says: String
        var testDescription: String { yaml }
    }

    static let cases = [
        Case(yaml: "\n\nhttp:\n  prot: 80", key: "http.prot", line: 4, says: "http.port"),
        Case(yaml: "http:\n  port: many", key: "http.port", line: 2, says: "0 to 65535"),
        Case(yaml: "http:\n  port: 65536", key: "http.port", line: 2, says: "65535"),
        Case(yaml: "http:\n  port: -1", key: "http.port", line: 2, says: "-1"),
        Case(yaml: "http:\n  port: 80.5", key: "http.port", line: 2, says: "80.5"),
        Case(yaml: "http:\n  trusted_proxies: [10.0.0.0/33]", key: "http.trusted_proxies", line: 2, says: "10.0.0.0/8"),
        Case(yaml: "http: 8080", key: "http", line: 1, says: "section"),
        Case(yaml: "http:\n  host: example.org", key: "http.host", line: 2, says: "IP address"),
        Case(yaml: "webrtc:\n  port: 0", key: "webrtc.port", line: 2, says: "1 to 65535"),
        Case(yaml: "webrtc:\n  workers: 65", key: "webrtc.workers", line: 2, says: "64"),
        Case(yaml: "webrtc:\n  srtp_backend: nss", key: "webrtc.srtp_backend", line: 2, says: "`ipsec-mb`"),
        Case(yaml: "webrtc:\n  announce: ['10.0.0.1:80']", key: "webrtc.announce", line: 2, says: "without a port"),
        Case(yaml: "webrtc:\n  announce: ['::']", key: "webrtc.announce", line: 2, says: "address clients connect to"),
        Case(yaml: "webrtc.ice_servers: ['turn:host']", key: "webrtc.ice_servers", line: 1, says: "credentials"),
        Case(yaml: "webrtc.ice_servers: ['http://host']", key: "webrtc.ice_servers", line: 1, says: "STUN or TURN"),
        Case(yaml: "webrtc.playout_delay: 200ms", key: "webrtc.playout_delay", line: 1, says: "200ms-800ms"),
        Case(yaml: "webrtc.playout_delay: 800ms-200ms", key: "webrtc.playout_delay", line: 1, says: "0s to 10s"),
        Case(yaml: "webrtc.playout_delay: 1s-11s", key: "webrtc.playout_delay", line: 1, says: "0s to 10s"),
        Case(yaml: "webrtc.playout_delays: [0s-1s]", key: "webrtc.playout_delays", line: 1, says: "no stream"),
        Case(yaml: "webrtc.playout_delays: [a/b=auto]", key: "webrtc.playout_delays", line: 1, says: "stream name"),
        Case(yaml: "rtmp:\n  b_frames: forbid", key: "rtmp.b_frames", line: 2, says: "`transcode`"),
        Case(yaml: "transcode:\n  ladder: [481p]", key: "transcode.ladder", line: 2, says: "481p"),
        Case(yaml: "transcode:\n  ladder: [480p@9k]", key: "transcode.ladder", line: 2, says: "bitrate"),
        Case(yaml: "transcode:\n  ladder: [480p, 480p@1M]", key: "transcode.ladder", line: 2, says: "twice"),
        Case(yaml: "transcode:\n  max_streams: 65", key: "transcode.max_streams", line: 2, says: "64"),
        Case(yaml: "transcode:\n  encoder: x264", key: "transcode.encoder", line: 2, says: "`libx264`"),
        Case(yaml: "publish:\n  grace: 15", key: "publish.grace", line: 2, says: "unit"),
        Case(yaml: "publish:\n  grace: 11m", key: "publish.grace", line: 2, says: "10m"),
        Case(yaml: "publish:\n  takeover: maybe", key: "publish.takeover", line: 2, says: "`reject`"),
        Case(yaml: "auth.anonymous.publish: everyone", key: "auth.anonymous.publish", line: 1, says: "`anyone`"),
        Case(yaml: "auth:\n  jwt:\n    secret: short", key: "auth.jwt.secret", line: 3, says: "openssl rand"),
        Case(yaml: "auth:\n  keys: [mykey]", key: "auth.keys", line: 2, says: "sha256sum"),
        Case(yaml: "limits.loopback: perhaps", key: "limits.loopback", line: 1, says: "true or false"),
        Case(yaml: "limits.posts_burst: 0", key: "limits.posts_burst", line: 1, says: "from 1"),
        Case(yaml: "http.cors.origins: [example.org]", key: "http.cors.origins", line: 1, says: "https://"),
        Case(yaml: "http.frame_ancestors: [\"a; script-src *\"]", key: "http.frame_ancestors", line: 1, says: "'self'"),
        Case(yaml: "log:\n  level: loud", key: "log.level", line: 2, says: "`warning`"),
        Case(yaml: "database:\n  url: mysql://localhost/db", key: "database.url", line: 2, says: "this version"),
        Case(yaml: "redis.url: rediss://localhost", key: "redis.url", line: 1, says: "stunnel"),
        Case(yaml: "redis.url: localhost", key: "redis.url", line: 1, says: "redis://"),
        Case(yaml: "cluster.secret: short", key: "cluster.secret", line: 1, says: "openssl rand"),
        Case(yaml: "node.url: localhost:8080", key: "node.url", line: 1, says: "https://"),
        Case(
            yaml: "http:\n  tls:\n    self_signed: perhaps", key: "http.tls.self_signed", line: 3, says: "true or false"
        ),
        Case(yaml: "http.tls.hsts_max_age: 3", key: "http.tls.hsts_max_age", line: 1, says: "unit"),
        Case(yaml: "webhooks.url: localhost/hook", key: "webhooks.url", line: 1, says: "https://"),
        Case(yaml: "webhooks.secret: short", key: "webhooks.secret", line: 1, says: "openssl rand"),
        Case(yaml: "webhooks.on_failure: panic", key: "webhooks.on_failure", line: 1, says: "`allow`"),
        Case(yaml: "webhooks.timeout: 31s", key: "webhooks.timeout", line: 1, says: "30s"),
        Case(yaml: "webhooks.decisions: [admin]", key: "webhooks.decisions", line: 1, says: "`publish`"),
        Case(yaml: "log.level: info\nlog:\n  level: debug", key: "log.level", line: 3, says: "line 1"),
        Case(yaml: "log.level: info\nlog.level: debug", key: "log.level", line: 1, says: "twice"),
    ]

    @Test(arguments: cases)
    func `the error names key, line, reason and cure`(bad: Case) throws {
        let found = problems(yaml: bad.yaml)
        try #require(found.count == 1)
        #expect(found[0].key == bad.key)
        #expect(found[0].line == bad.line)
        #expect(found[0].description.contains(bad.says), "\(found[0])")
        #expect(found[0].description.hasPrefix("test.yaml:\(bad.line): \(bad.key): "))
    }

    @Test(arguments: ["http: [", "a: b: c", "\tx: y", "- one\n- two", "just words", "\"unterminated", "a: *nowhere"])
    func `a file that is no list of keys is refused`(yaml: String) {
        #expect(!problems(yaml: yaml).isEmpty)
    }

    @Test func `every cut of a good file loads or is refused, and never traps`() {
        let yaml = "http:\n  port: 80\nwebrtc:\n  announce: [10.0.0.1]\nauth: {anonymous: {play: nobody}}\n"
        for length in 0...yaml.utf8.count {
            _ = problems(yaml: String(yaml.prefix(length)))
        }
    }

    @Test func `a file beyond a megabyte is refused`() {
        let found = problems(yaml: String(repeating: "# padding\n", count: 1 << 17))
        #expect(found.first?.reason.contains("larger") == true)
    }

    @Test func `nesting without end is refused`() {
        #expect(
            !problems(yaml: String(repeating: "{a: ", count: 100) + "1" + String(repeating: "}", count: 100)).isEmpty
        )
    }

    @Test func `all problems are reported at once`() {
        #expect(problems(yaml: "http.port: x\nrtmp.port: y\nnonsense: 1").count == 3)
    }

    @Test func `a bad variable names the variable and a bad option the option`() {
        #expect(
            problems(environment: ["MARTLET_HTTP_PORT": "x"]).first?.description.hasPrefix("MARTLET_HTTP_PORT: ")
                == true
        )
        #expect(problems(commandLine: ["http.port": "x"]).first?.description.hasPrefix("--http-port: ") == true)
    }

    @Test func `a variable of a later version is refused, not ignored`() {
        #expect(problems(environment: ["MARTLET_DATABASE_URL": "mysql://localhost"]).count == 1)
    }

    @Test func `no message repeats a secret`() {
        let found =
            problems(yaml: "auth.jwt.secret: swordfish") + problems(environment: ["MARTLET_AUTH_KEYS": "swordfish"])
            + problems(yaml: "webrtc.ice_servers: ['turn:a secret=swordfish username=x']")
        #expect(found.count == 3)
        #expect(!found.contains { $0.description.contains("swordfish") })
    }

    @Test func `two listeners cannot share a port`() {
        let found = problems(yaml: "rtmp:\n  port: 8080")
        #expect(found.first?.key == "rtmp.port")
        #expect(found.first?.line == 2)
        #expect(found.first?.reason.contains("http.port") == true)
    }
}

@Suite("Durations")
struct DurationTextTests {
    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("15s", .seconds(15)), ("5m", .seconds(300)), ("2h", .seconds(7200)),
        ("1d", .seconds(86_400)), ("0s", .zero),
    ])
    func `a duration is read and written back`(text: String, duration: Duration) {
        #expect(DurationText.parse(text) == duration)
        #expect(DurationText.format(duration) == text)
    }

    @Test(arguments: ["", "15", "s", "-1s", "1.5s", "1 s", "1w", "9223372036854775807d", "99999999999999999999s", "٣s"])
    func `anything else is not a duration`(text: String) {
        #expect(DurationText.parse(text) == nil)
    }
}

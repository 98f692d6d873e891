import GatewayConfiguration
import Primitives
import Testing

/// The settings that `yaml` and the rest give, or the error.
func load(
    yaml: String = "",
    environment: [String: String] = [:],
    commandLine: [String: String] = [:]
) throws -> SettingsLoader.Loaded {
    try SettingsLoader(
        commandLine: commandLine,
        environment: environment,
        file: SettingsFile(yaml: yaml, path: "test.yaml")
    ).load()
}

/// The problems that loading reports; empty when it loads.
func problems(
    yaml: String = "",
    environment: [String: String] = [:],
    commandLine: [String: String] = [:]
) -> [SettingsProblem] {
    do {
        _ = try load(yaml: yaml, environment: environment, commandLine: commandLine)
        return []
    } catch {
        return (error as? SettingsError)?.problems ?? []
    }
}

@Suite("Layers of configuration")
struct SettingsLoaderTests {
    @Test func `nothing set gives the defaults`() throws {
        #expect(try load().settings == Settings())
    }

    @Test func `the environment wins over the file and the command line over both`() throws {
        let yaml = "http:\n  port: 1001\nrtmp:\n  port: 1002\nwebrtc:\n  port: 1003\n"
        let settings = try load(
            yaml: yaml,
            environment: ["MARTLET_RTMP_PORT": "2002", "MARTLET_WEBRTC_PORT": "2003"],
            commandLine: ["webrtc.port": "3003"]
        ).settings
        #expect(settings.http.port == 1001)
        #expect(settings.rtmp.port == 2002)
        #expect(settings.webrtc.port == 3003)
    }

    @Test func `playout delays are ranges, for all streams and for single ones`() throws {
        let settings = try load(
            yaml: "webrtc:\n  playout_delay: 0s-1s\n  playout_delays: ['cam-*=200ms-800ms', talk=auto]"
        ).settings.webrtc
        #expect(settings.playoutDelay?.bounds == .zero ... .seconds(1))
        #expect(settings.playoutDelays.map(\.pattern) == ["cam-*", "talk"])
        #expect(settings.playoutDelays.first?.range?.bounds == .milliseconds(200) ... .milliseconds(800))
        #expect(settings.playoutDelays.last?.range == nil)
        #expect(try load(yaml: "webrtc.playout_delay: auto").settings.webrtc.playoutDelay == nil)
    }

    @Test func `dotted and nested keys are the same`() throws {
        #expect(try load(yaml: "auth.anonymous.publish: nobody").settings.auth.anonymousPublish == .nobody)
        #expect(
            try load(yaml: "auth:\n  anonymous: {publish: nobody}").settings.auth.anonymousPublish == .nobody
        )
    }

    @Test func `lists come from YAML and from commas`() throws {
        let wanted = ["203.0.113.7", "gateway.example.org"]
        #expect(
            try load(yaml: "webrtc:\n  announce:\n    - 203.0.113.7\n    - gateway.example.org").settings.webrtc
                .announce == wanted
        )
        #expect(
            try load(environment: ["MARTLET_WEBRTC_ANNOUNCE": "203.0.113.7, gateway.example.org"]).settings.webrtc
                .announce == wanted
        )
    }

    @Test func `an empty variable and an empty key mean not set`() throws {
        let settings = try load(yaml: "log.level:", environment: ["MARTLET_HTTP_PORT": ""]).settings
        #expect(settings == Settings())
    }

    @Test func `an ICE server carries its secret without showing it`() throws {
        let wanted = ICEServer(url: "turn:turn.example.org:3478", access: .sharedSecret(Secret("hunter2")))
        let asMapping = "webrtc.ice_servers:\n  - {url: 'turn:turn.example.org:3478', secret: hunter2}"
        let asText = "webrtc.ice_servers:\n  - turn:turn.example.org:3478 secret=hunter2"
        for yaml in [asMapping, asText] {
            let settings = try load(yaml: yaml).settings
            #expect(settings.webrtc.iceServers == [wanted])
            #expect(!"\(settings)".contains("hunter2"))
        }
    }

    @Test func `a stream key digest names its stream`() throws {
        let digest = String(repeating: "0f", count: 32)
        let keys = try load(yaml: "auth.keys: ['\(digest)', 'cam-*=\(digest.uppercased())']").settings.auth.keys
        #expect(keys == [StreamKeyDigest(sha256: digest), StreamKeyDigest(pattern: "cam-*", sha256: digest)])
    }

    @Test func `an unknown variable is a warning that offers the right name`() throws {
        let loaded = try load(environment: ["MARTLET_HTTP_PROT": "80", "PATH": "/bin"])
        #expect(loaded.settings == Settings())
        #expect(loaded.warnings.map(\.description).count == 1)
        #expect(loaded.warnings.first?.description.contains("MARTLET_HTTP_PORT") == true)
    }

    @Test(arguments: ["MARTLET_WARNINGS_AS_ERRORS", "MARTLET_TOKEN"])
    func `variables of the build and of our clients are none of its business`(name: String) throws {
        #expect(try load(environment: [name: "1"]).warnings.isEmpty)
    }

    @Test(arguments: Setting.all.map(\.key))
    func `every key can be set in all three places`(key: String) throws {
        let setting = try #require(Setting.all.first { $0.key == key })
        let examples = [
            "true", "false", "17", "7s", "0.0.0.0", "debug", "json", "reject", "nobody", "drop", "openssl", "text",
            "always", "250ms", "90s", "480p@1200k", "libx264", "https://example.org", "stun:stun.example.org",
            "redis://cache",
            String(repeating: "ab", count: 32),
            "0s-1s", "cam=0s-1s", "3GB", "publish", "allow",
        ]
        let accepted = examples.first { example in
            problems(commandLine: [key: example]).isEmpty
                && (try? load(commandLine: [key: example]).settings) != Settings()
        }
        let example = try #require(accepted)
        let changed = try load(commandLine: [key: example]).settings
        #expect(try load(environment: [setting.environmentName: example]).settings == changed)
        #expect(try load(yaml: "\(key): '\(example)'").settings == changed)
    }
}

@Suite("Options of the command line")
struct CommandLineOverridesTests {
    @Test func `an option takes its value from the next word or behind an equals sign`() throws {
        let values = try CommandLineOverrides.parse(["--http-port", "9000", "--webrtc-srtp-backend=openssl"])
        #expect(values == ["http.port": "9000", "webrtc.srtp_backend": "openssl"])
    }

    @Test(arguments: [["--http-prot", "1"], ["stray"], ["--http-port"], ["--http-port", "--log-level", "info"]])
    func `anything else is refused`(arguments: [String]) {
        #expect(throws: SettingsError.self) { try CommandLineOverrides.parse(arguments) }
    }

    @Test func `a misspelt option is corrected`() {
        let error = #expect(throws: SettingsError.self) { try CommandLineOverrides.parse(["--http-prot", "1"]) }
        #expect(error?.description.contains("--http-port") == true)
    }
}

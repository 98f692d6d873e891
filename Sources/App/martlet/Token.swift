import ArgumentParser
import Auth
import GatewayConfiguration
import Primitives
import Telemetry

struct Token: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make tokens for publishers and viewers on other machines.", subcommands: [Create.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token and print it.",
            discussion: """
                Run it with the settings of the gateway (the same --config,
                environment and directory): it signs with the gateway's secret,
                which is made now if there is none yet.

                  martlet token create --stream cam --allow publish --expires 12h

                With --hls it prints the path of a playlist instead, signed for
                this one stream: players and caches that send no token can use
                it until it expires.
                """)

        @Option(help: "The stream it is for, or several with commas; `*` stands for anything.")
        var stream: String

        @Option(help: "What it allows: publish, play, subscribe, admin, or several with commas.")
        var allow: String = "publish,play"

        @Option(help: "How long it counts, like 30m, 12h or 7d.")
        var expires: String = "12h"

        @Option(help: "Who it is for. A renewed token of the same subject takes its own stream over at once.")
        var subject: String?

        @Flag(help: "Print a signed path for watching the stream by HLS instead of a token.")
        var hls = false

        @Option(help: "Kilobits per second that a publisher may send; one that keeps sending more is ended.")
        var maxBitrate: Int?

        @Flag(inversion: .prefixedNo, help: "Record what its holder publishes, or never do; else as configured.")
        var record: Bool?

        @Flag(help: "Print a JSON object instead of the token alone.")
        var json = false

        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let names = stream.split(separator: "," as Character).map(String.init)
            let patterns = names.compactMap { StreamPattern($0) }
            guard let first = patterns.first, patterns.count == names.count,
                patterns.count <= TokenClaims.maximumStreams
            else {
                throw CommandFailure("--stream: `\(stream)` is not a stream name; use A-Z a-z 0-9 . _ - and *")
            }
            guard maxBitrate.map({ (1...10_000_000).contains($0) }) ?? true else {
                throw CommandFailure("--max-bitrate: write a number of kilobits per second, as in 4000")
            }
            guard let lifetime = DurationText.parse(expires), lifetime >= .seconds(1) else {
                throw CommandFailure("--expires: `\(expires)` is not a duration; write it like 30m, 12h or 7d")
            }
            let permissions = try permissions()
            let loaded = try options.load()
            let secret = try Composition.tokenSecret(loaded.settings)
            if hls { return try sayPath(secret, lifetime: lifetime) }
            let token = try await TokenAuthority(secret: secret).issue(
                stream: first, permissions: permissions, lifetime: lifetime, subject: subject,
                streams: Array(patterns.dropFirst()), record: record,
                maximumBitrate: maxBitrate.map { $0 * 1000 })
            guard json else { return Terminal.say(token.revealed) }
            let end = Timestamp(milliseconds: Timestamp.now.milliseconds + lifetime.components.seconds * 1000)
            Terminal.say(
                """
                {"token":\(JSONText.quote(token.revealed)),"stream":\(JSONText.quote(stream)),\
                "allow":[\(permissions.map { JSONText.quote($0.rawValue) }.joined(separator: ","))],\
                "expires":\(JSONText.quote(end.text))}
                """)
        }

        private func sayPath(_ secret: Secret, lifetime: Duration) throws(CommandFailure) {
            guard let name = StreamName(stream) else {
                throw CommandFailure("--stream: `\(stream)` is not one stream; --hls signs a path for one alone")
            }
            let end = Timestamp(milliseconds: Timestamp.now.milliseconds + lifetime.components.seconds * 1000)
            let signature = PlaybackSignature(secret: secret).sign(name, expiry: end.milliseconds / 1000)
            let path = "/hls/\(name)/~\(signature)/index.m3u8"
            guard json else { return Terminal.say(path) }
            Terminal.say(
                "{\"path\":\(JSONText.quote(path)),\"stream\":\(JSONText.quote(stream)),\"expires\":\(JSONText.quote(end.text))}"
            )
        }

        private func permissions() throws(CommandFailure) -> [Permission] {
            var permissions: [Permission] = []
            for word in allow.split(separator: "," as Character) {
                guard let permission = Permission(rawValue: String(word)) else {
                    throw CommandFailure("--allow: `\(word)` is none of publish, play, subscribe and admin")
                }
                permissions.append(permission)
            }
            guard !permissions.isEmpty else { throw CommandFailure("--allow: name publish, play or admin") }
            return permissions
        }
    }
}

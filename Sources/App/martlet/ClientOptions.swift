import ArgumentParser
import Foundation
import GatewayConfiguration
import Primitives

/// What the commands that are clients of a server have in common.
struct ClientOptions: ParsableArguments {
    @Option(
        help: "A bearer token, where the server asks for one. Default: MARTLET_TOKEN, which no list of processes shows."
    )
    var token: String?

    @Option(help: "End after this time, like 10s or 5m. Default: go on until Ctrl-C.")
    var duration: String?

    @Option(help: "How long to try again while the server says to come back later.")
    var wait: String = "30s"

    @OptionGroup var trust: TrustOptions

    @Flag(help: "Print the figures as a JSON object.")
    var json = false

    /// - Returns: `nil` when there is none.
    var secret: Secret? {
        let text = token ?? ProcessInfo.processInfo.environment["MARTLET_TOKEN"] ?? ""
        return text.isEmpty ? nil : Secret(text)
    }

    /// - Throws: ``CommandFailure`` when it is none.
    func limit() throws(CommandFailure) -> Duration? {
        guard let duration else { return nil }
        return try Self.parse(duration, "--duration", above: .zero)
    }

    func patience() throws(CommandFailure) -> Duration {
        try Self.parse(wait, "--wait", above: .seconds(-1))
    }

    private static func parse(
        _ text: String, _ option: String, above least: Duration
    ) throws(CommandFailure) -> Duration {
        guard let duration = DurationText.parse(text), duration > least else {
            throw CommandFailure("\(option): `\(text)` is not a time; write it like 500ms, 10s or 5m")
        }
        return duration
    }

    /// The address of a WHIP or WHEP endpoint.
    static func endpoint(_ text: String) throws(CommandFailure) -> URL {
        guard let url = URL(string: text), let host = url.host, !host.isEmpty,
            url.scheme == "http" || url.scheme == "https"
        else {
            throw CommandFailure("`\(text)` is not an address; write it like http://localhost:8080/whep/cam")
        }
        return url
    }

    /// Where signaling goes to, as far as the name tells; `nil` when the name tells nothing.
    static func address(of url: URL) -> TransportAddress? {
        url.host.flatMap { HostNames.resolve($0).first }
    }
}

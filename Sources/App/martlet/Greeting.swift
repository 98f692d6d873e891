import Auth
import GatewayConfiguration
import Primitives

/// What an operator reads first: where the pages are, and how to publish.
struct Greeting: Sendable {
    let settings: Settings
    /// Addresses of this machine that clients can use.
    let addresses: [TransportAddress]
    let rtmpPort: UInt16
    /// `nil` where there is no RTMPS.
    let rtmpsPort: UInt16?
    let tokens: TokenAuthority
    let publishesDemo: Bool
    /// `http` or `https`.
    let scheme: String

    /// A token that is printed counts this long.
    private static let tokenLifetime = Duration.seconds(12 * 3600)
    private static let exampleStream = "cam"

    func print(httpPort: UInt16) async {
        let page = publishesDemo ? "/play/\(DemoPublisher.streamName)" : "/"
        Terminal.say()
        Terminal.say(publishesDemo ? "The demo plays at" : "Martlet is running. Its pages are at")
        Terminal.say("  \(scheme)://\(hosts.local):\(httpPort)\(page)    on this machine")
        if let remote = hosts.remote { Terminal.say("  \(scheme)://\(remote):\(httpPort)\(page)    on the network") }
        Terminal.say()
        Terminal.say(
            "Publish from this machine, and watch at \(scheme)://\(hosts.local):\(httpPort)/play/\(Self.exampleStream)")
        Terminal.say("  RTMP  rtmp://\(rtmpHost(hosts.local))/live/\(Self.exampleStream)")
        if let rtmps = rtmpsHost(hosts.local) { Terminal.say("  RTMPS rtmps://\(rtmps)/live/\(Self.exampleStream)") }
        Terminal.say("  WHIP  \(scheme)://\(hosts.local):\(httpPort)/whip/\(Self.exampleStream)")
        if let remote = hosts.remote { await printRemote(remote, httpPort: httpPort) }
        Terminal.say()
    }

    /// Tokens go to a terminal alone: what a service prints ends in a log.
    private func printRemote(_ remote: String, httpPort: UInt16) async {
        guard settings.auth.anonymousPublish != .anyone else { return }
        let pattern = StreamPattern(Self.exampleStream) ?? .any
        guard Terminal.isInteractive,
            let token = try? await tokens.issue(
                stream: pattern, permissions: [.publish, .play], lifetime: Self.tokenLifetime)
        else {
            let command = Authorizer.command(.publish, stream: StreamName(Self.exampleStream))
            return Terminal.say("From other machines, with a token:  \(command)")
        }
        Terminal.say("From other machines, for 12 hours")
        Terminal.say("  RTMP  rtmp://\(rtmpHost(remote))/live/\(Self.exampleStream)?token=\(token.revealed)")
        Terminal.say(
            "        (OBS: server rtmp://\(rtmpHost(remote))/live, stream key \(Self.exampleStream)?token=…)")
        if let rtmps = rtmpsHost(remote) {
            Terminal.say("  RTMPS rtmps://\(rtmps)/live/\(Self.exampleStream)?token=\(token.revealed)")
        }
        Terminal.say("  WHIP  \(scheme)://\(remote):\(httpPort)/whip/\(Self.exampleStream)  with bearer token")
        Terminal.say("        \(token.revealed)")
    }

    private func rtmpHost(_ host: String) -> String { rtmpPort == 1935 ? host : "\(host):\(rtmpPort)" }

    private func rtmpsHost(_ host: String) -> String? { rtmpsPort.map { $0 == 443 ? host : "\(host):\($0)" } }

    /// Names for both sides, as far as the address listened on lets them in.
    private var hosts: (local: String, remote: String?) {
        let bound = TransportAddress(settings.http.host, port: 0)
        if let bound, !bound.isUnspecified {
            let name = Self.inURL(bound)
            return bound.isLoopback ? (bound.isIPv4 ? "localhost" : name, nil) : (name, name)
        }
        let usable = addresses.filter { !$0.isLoopback }
        let best = usable.first(where: \.isIPv4) ?? usable.first
        return ("localhost", best.map(Self.inURL))
    }

    private static func inURL(_ address: TransportAddress) -> String {
        address.isIPv4 ? address.host : "[\(address.host)]"
    }
}

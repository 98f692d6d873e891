import Auth
import Foundation
import GatewayConfiguration
import Glibc
import ICE
import Primitives
import STUN

/// Whether viewers that need a relay will get one.
extension Examination {
    /// Makes an allocation at each TURN server, as a viewer's browser would.
    ///
    /// - Parameter candidates: The gateway's own addresses, which a relay must be able to send to.
    /// - Returns: A finding for each TURN server of the settings.
    func turn(reaching candidates: [TransportAddress]) -> [Finding] {
        settings.webrtc.iceServers.compactMap { server in
            guard let location = server.location else {
                return Finding(
                    server.url, .failed, "the URL has no port or transport that can be read",
                    cure: "write turn:HOST:3478?transport=udp, or ?transport=tcp")
            }
            guard location.isRelay, let credentials = Self.credentials(of: server) else { return nil }
            guard !location.isEncrypted else {
                return Finding(
                    server.url, .warning, "TLS to a TURN server is not examined",
                    cure: "examine the same server without TLS, as turn:\(location.host)?transport=tcp")
            }
            return examine(server.url, location, credentials, candidates)
        }
    }

    private static func credentials(of server: ICEServer) -> TURNAllocation.Credentials? {
        switch server.access {
        case .open: return nil
        case .fixed(let username, let credential): return .init(username: username, password: credential)
        case .sharedSecret(let secret):
            let made = TURNCredential(
                secret: secret, expiresAt: Int64(Date.now.timeIntervalSince1970) + 300, name: "doctor")
            return .init(username: made.username, password: made.password)
        }
    }

    private func examine(
        _ url: String, _ location: ICEServer.Location, _ credentials: TURNAllocation.Credentials,
        _ candidates: [TransportAddress]
    ) -> Finding {
        guard let host = HostNames.resolve(location.host).first else {
            return Finding(
                url, .failed, "`\(location.host)` has no address", cure: "check the name in webrtc.ice_servers")
        }
        let server = TransportAddress(high: host.high, low: host.low, port: location.port)
        // A server relays to addresses of the family that it was asked for, which is IPv4 by default.
        let peers = candidates.filter(\.isIPv4)
        let probe = TURNProbe(
            server: server, isTCP: location.transport == .tcp, credentials: credentials,
            peers: peers.isEmpty ? candidates : peers)
        switch probe.run() {
        case .unreachable(let code):
            return Finding(
                url, .failed, "\(server) cannot be reached: \(String(cString: strerror(code)))",
                cure: "start the TURN server, and let \(location.transport.rawValue.uppercased()) port "
                    + "\(location.port) through to it")
        case .finished(.failed(let failure)): return Finding(url, failure, location)
        case .finished(.allocated(let relayed, _, let permissions)):
            return Self.judge(url, server: server, relayed: relayed, permissions)
        }
    }

    /// Whether an address that was given is of use to anybody.
    private static func judge(
        _ url: String, server: TransportAddress, relayed: TransportAddress, _ permissions: [TURNAllocation.Permission]
    ) -> Finding {
        if relayed.isUnspecified || (relayed.isLoopback && !server.isLoopback)
            || (relayed.isPrivate && !server.isPrivate && !server.isLoopback)
        {
            return Finding(
                url, .failed,
                "the relay address \(relayed) is not usable: it lies in a network that clients cannot reach",
                cure: "set external-ip=PUBLIC/PRIVATE in turnserver.conf")
        }
        let refused = permissions.filter { $0.error != nil }
        if let first = refused.first, refused.count == permissions.count {
            let reason = first.error.map { "\($0.code) \($0.reason)" } ?? ""
            return Finding(
                url, .failed,
                "it gives relay addresses, but does not relay to this gateway at \(first.peer.host): \(reason)",
                cure: "add allowed-peer-ip=\(first.peer.host) to turnserver.conf, or set webrtc.announce to an address "
                    + "that it may relay to")
        }
        return Finding(url, .ok, "relays from \(relayed) to this gateway")
    }
}

extension Finding {
    fileprivate init(_ url: String, _ failure: TURNFailure, _ location: ICEServer.Location) {
        let transport = location.transport.rawValue.uppercased()
        switch failure {
        case .noAnswer:
            self.init(
                url, .failed, "no answer",
                cure: "start the TURN server, and let \(transport) port \(location.port) through to it")
        case .malformedAnswer:
            self.init(
                url, .failed, "what answers there is no TURN server that knows long-term credentials",
                cure: "check host and port, and set lt-cred-mech or use-auth-secret in turnserver.conf")
        case .refused(let error):
            let (cause, cure) = Self.words(error.code)
            self.init(url, .failed, "\(error.code) \(error.reason): \(cause)", cure: cure)
        }
    }

    private static func words(_ code: UInt16) -> (cause: String, cure: String) {
        switch code {
        case 300: ("the server sends clients to another one", "name that server in webrtc.ice_servers")
        case 401, 441:
            (
                "the server does not accept the credentials",
                "give webrtc.ice_servers the secret that turnserver.conf has as static-auth-secret, and let both clocks agree"
            )
        case 403:
            ("the server does not serve this machine", "look at allowed-peer-ip and denied-peer-ip in turnserver.conf")
        case 437: ("the address is still in use by an allocation before", "try again in a minute")
        case 438: ("the server takes back each nonce at once", "raise stale-nonce in turnserver.conf")
        case 442: ("the server does not relay UDP", "remove no-udp-relay from turnserver.conf")
        case 486: ("a quota is used up", "raise user-quota or total-quota in turnserver.conf")
        case 508: ("no relay port is free", "widen min-port and max-port in turnserver.conf")
        default: ("the server refuses", "look at the log of the TURN server")
        }
    }
}

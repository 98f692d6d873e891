import Glibc
import HTTPService
import MediaIO
import RTMPService
import Telemetry

/// A port that cannot be opened: which, who holds it, and what to change.
struct PortTrouble {
    var cause: String
    var cure: String

    var description: String { "\(cause); \(cure)" }

    init(_ error: ListenError) {
        self =
            error.code == EADDRINUSE
            ? .inUse("http.port", error.port, error.host, [.tcp])
            : .cannotListen("http.host", error.port, error.host, String(cString: strerror(error.code)))
    }

    /// - Parameters:
    ///   - error: Of either listener.
    ///   - key: The setting of its port.
    init(_ error: RTMPServiceError, key: String = "rtmp.port") {
        switch error {
        case .portInUse(let host, let port): self = .inUse(key, port, host, [.tcp])
        case .cannotListen(let host, let port, let reason): self = .cannotListen("rtmp.host", port, host, reason)
        }
    }

    init(_ error: MediaPlaneError) {
        switch error {
        case .portInUse(let host, let port, _): self = .inUse("webrtc.port", port, host, [.udp, .tcp])
        case .cannotBind(let host, let port, let reason): self = .cannotListen("webrtc.host", port, host, reason)
        case .badHost: self.init(cause: error.description, cure: "set webrtc.host")
        case .dtls: self.init(cause: error.description, cure: "install OpenSSL 3")
        }
    }

    private init(cause: String, cure: String) {
        self.cause = cause
        self.cure = cure
    }

    private static func inUse(
        _ key: String, _ port: UInt16, _ host: String, _ transports: [PortHolder.Transport]
    ) -> PortTrouble {
        let holder = transports.lazy.compactMap { PortHolder.find(port: port, $0) }.first
        let who = holder.map { "by \($0)" } ?? "by another program"
        let option = "--" + key.replacing(".", with: "-")
        return PortTrouble(
            cause: "\(key): port \(port) on \(host) is in use \(who)",
            cure: "stop it, or choose another port with \(option)")
    }

    private static func cannotListen(
        _ key: String, _ port: UInt16, _ host: String, _ reason: String
    ) -> PortTrouble {
        PortTrouble(
            cause: "\(key): cannot listen on \(host) port \(port): \(reason)",
            cure: "use an address of this machine and a port above 1023")
    }
}

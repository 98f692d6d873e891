import Glibc
import HTTPService
import MediaIO
import RTMPService
import Telemetry

/// Says which port cannot be opened, who holds it, and what to change.
enum PortTrouble {
    static func describe(_ error: ListenError) -> String {
        error.code == EADDRINUSE
            ? inUse("http.port", error.port, error.host, [.tcp])
            : cannotListen("http.host", error.port, error.host, String(cString: strerror(error.code)))
    }

    static func describe(_ error: RTMPServiceError) -> String {
        switch error {
        case .portInUse(let host, let port): inUse("rtmp.port", port, host, [.tcp])
        case .cannotListen(let host, let port, let reason): cannotListen("rtmp.host", port, host, reason)
        }
    }

    static func describe(_ error: MediaPlaneError) -> String {
        switch error {
        case .portInUse(let host, let port, _): inUse("webrtc.port", port, host, [.udp, .tcp])
        case .cannotBind(let host, let port, let reason): cannotListen("webrtc.host", port, host, reason)
        case .badHost, .dtls: error.description
        }
    }

    private static func inUse(
        _ key: String, _ port: UInt16, _ host: String, _ transports: [PortHolder.Transport]
    ) -> String {
        let holder = transports.lazy.compactMap { PortHolder.find(port: port, $0) }.first
        let who = holder.map { "by \($0)" } ?? "by another program"
        let option = "--" + key.replacing(".", with: "-")
        return "\(key): port \(port) on \(host) is in use \(who); stop it, or choose another port with \(option)"
    }

    private static func cannotListen(_ key: String, _ port: UInt16, _ host: String, _ reason: String) -> String {
        "\(key): cannot listen on \(host) port \(port): \(reason); use an address of this machine and a port above 1023"
    }
}

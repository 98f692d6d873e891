package import RTMP
package import TransportSecurity

/// Where RTMP publishers are taken in, and how many.
package struct RTMPServiceConfiguration: Sendable {
    /// `rtmp.host`: the address to listen on; `::` takes IPv4 too, and becomes `0.0.0.0` where there is no IPv6.
    package var host = "::"
    /// `rtmp.port`: 0 takes any free port.
    package var port: UInt16 = 1935
    /// The certificate of RTMPS; `nil` for plain RTMP.
    package var tls: TLSIdentity?
    /// Connections at one time; further ones are closed as they come.
    package var maximumConnections = 512
    /// `limits.rtmp_per_minute`: connections of one address in the long run.
    package var connectionsPerMinute = 120
    /// `limits.rtmp_burst`: connections of one address at once.
    package var connectionsBurst = 60
    /// `limits.loopback`: whether the limits hold for programs on this machine.
    package var limitsLoopback = false
    /// What one connection may make us hold, and how long it may take.
    package var limits = RTMPLimits()
    /// How long a TLS handshake may take, in seconds.
    package var handshakeSeconds: Int64 = 10
    /// How long a connection that we have ended may take to read why, in seconds.
    package var lingerSeconds: Int64 = 2

    package init() {}
}

/// Why the listener could not be opened.
package enum RTMPServiceError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another program, perhaps a second Martlet, listens there.
    case portInUse(host: String, port: UInt16)
    /// The address is not one of this machine's, or not allowed.
    case cannotListen(host: String, port: UInt16, reason: String)

    package var description: String {
        switch self {
        case .portInUse(let host, let port):
            "RTMP port \(port) on \(host) is in use: stop the program that listens there, or set rtmp.port"
        case .cannotListen(let host, let port, let reason):
            "cannot listen for RTMP on \(host) port \(port): \(reason)"
        }
    }
}

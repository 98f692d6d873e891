import CLinux
import Glibc
import Primitives

/// A bound UDP socket, before a worker takes it over.
package struct UDPSocket: Sendable {
    package var descriptor: Int32
    package var family: Int32
    package var segments: Bool
    /// `nil` when the socket has only one address.
    package var localAddresses: LocalAddresses?
}

/// Why the media port could not be opened.
package enum MediaPlaneError: Error, Equatable, Sendable, CustomStringConvertible {
    case badHost(String)
    /// Another process has the port; `holder` is its name and id where the system tells.
    case portInUse(host: String, port: UInt16, holder: String?)
    case cannotBind(host: String, port: UInt16, reason: String)
    case dtls(String)

    package var description: String {
        switch self {
        case .badHost(let host):
            "webrtc.host is \"\(host)\", which is not an IP address; use :: for all addresses, or 127.0.0.1"
        case .portInUse(let host, let port, let holder):
            "port \(port) on \(host) is in use\(holder.map { " by \($0)" } ?? ""): stop it, "
                + "or choose another port with webrtc.port (MARTLET_WEBRTC_PORT)"
        case .cannotBind(let host, let port, let reason):
            "cannot open port \(port) on \(host): \(reason)"
        case .dtls(let reason):
            "cannot set up DTLS: \(reason)"
        }
    }
}

/// The sockets of the one media port: a TCP socket that claims it, and a UDP socket for each worker.
///
/// The TCP port of the same number is bound first and without SO_REUSEPORT. It is the lock that keeps
/// a second gateway from joining the UDP group and stealing flows, and it listens for clients without UDP.
struct MediaPort: ~Copyable {
    let sockets: [UDPSocket]
    let port: UInt16
    let family: Int32
    /// The listening TCP socket, which is also the claim; closed with the port.
    let listener: Int32

    /// Connections that the kernel completes before they are accepted.
    private static let backlog: Int32 = 128

    init(host: String, port: UInt16, workers: Int) throws(MediaPlaneError) {
        guard var address = TransportAddress(host, port: port) else { throw .badHost(host) }
        var family = address.isIPv4 ? AF_INET : AF_INET6
        var lock = Self.bind(SOCK_STREAM, address, family: family, reusePort: false)
        if lock < 0, address.isUnspecified, family == AF_INET6, errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL {
            // No IPv6 on this machine.
            address = TransportAddress(ipv4: 0, port: port)
            family = AF_INET
            lock = Self.bind(SOCK_STREAM, address, family: family, reusePort: false)
        }
        guard lock >= 0, listen(lock, Self.backlog) == 0 else {
            let reason = errno
            if lock >= 0 { close(lock) }
            throw Self.failure(reason, host: host, port: port)
        }
        address.port = SocketAddress.bound(lock)?.port ?? 0
        let localAddresses = address.isUnspecified ? LocalAddresses() : nil
        var sockets: [UDPSocket] = []
        for _ in 0..<workers {
            let descriptor = Self.bind(SOCK_DGRAM, address, family: family, reusePort: true)
            guard descriptor >= 0 else {
                let reason = errno
                for socket in sockets { close(socket.descriptor) }
                close(lock)
                throw Self.failure(reason, host: host, port: address.port)
            }
            var size: Int32 = 4 << 20
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, UInt32(MemoryLayout<Int32>.size))
            setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, UInt32(MemoryLayout<Int32>.size))
            sockets.append(
                UDPSocket(descriptor: descriptor, family: family, segments: true, localAddresses: localAddresses)
            )
        }
        self.sockets = sockets
        self.port = address.port
        self.family = family
        listener = lock
    }

    deinit {
        close(listener)
    }

    private static func bind(
        _ type: __socket_type,
        _ address: TransportAddress,
        family: Int32,
        reusePort: Bool
    ) -> Int32 {
        var storage = sockaddr_in6()
        let length = SocketAddress.write(address, family: family, to: &storage)
        return withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                martlet_bind(Int32(type.rawValue), address, length, 1, reusePort ? 1 : 0)
            }
        }
    }

    private static func failure(_ reason: Int32, host: String, port: UInt16) -> MediaPlaneError {
        reason == EADDRINUSE
            ? .portInUse(host: host, port: port, holder: nil)
            : .cannotBind(host: host, port: port, reason: String(cString: strerror(reason)))
    }
}

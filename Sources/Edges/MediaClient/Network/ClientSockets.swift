import CLinux
import Glibc
import MediaIO
import Primitives

/// The UDP sockets of one session: one for each address of this machine that it may be reached at.
///
/// A socket of its own for each address tells without more where a datagram came to and leaves from, which
/// connectivity checks depend on.
struct ClientSockets: ~Copyable {
    struct Socket {
        var descriptor: Int32
        var family: Int32
        var address: TransportAddress
    }

    /// Addresses used at most; each costs checks against every candidate of the server.
    static let maximumCount = 6
    /// What a key frame may take at once, so that it does not get lost in our own kernel.
    private static let bufferSize: Int32 = 1 << 20

    let sockets: [Socket]

    /// Opens the sockets, the one on the way to `server` first.
    ///
    /// - Parameter server: The address that signaling goes to, if known. The loopback addresses are used only when the
    ///   server is this very machine, or nothing else is there.
    /// - Throws: ``ClientError/noSocket(reason:)`` when not one can be opened.
    init(towards server: TransportAddress?) throws(ClientError) {
        var addresses: [TransportAddress] = []
        if let server, let first = Self.source(towards: server) { addresses.append(first) }
        let all = SocketAddress.local().map(\.address).filter { !$0.isLinkLocal && !addresses.contains($0) }
        addresses += all.filter { !$0.isLoopback }
        if server?.isLoopback ?? false || addresses.isEmpty { addresses += all.filter(\.isLoopback) }
        var sockets: [Socket] = []
        var reason: Int32 = EADDRNOTAVAIL
        for address in addresses.prefix(Self.maximumCount) {
            let family = address.isIPv4 ? AF_INET : AF_INET6
            let descriptor = Self.bind(address, family: family)
            guard descriptor >= 0, let bound = SocketAddress.bound(descriptor) else {
                reason = errno
                if descriptor >= 0 { close(descriptor) }
                continue
            }
            var size = Self.bufferSize
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, UInt32(MemoryLayout<Int32>.size))
            setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, UInt32(MemoryLayout<Int32>.size))
            sockets.append(Socket(descriptor: descriptor, family: family, address: bound))
        }
        self.sockets = sockets
        guard !sockets.isEmpty else { throw .noSocket(reason: String(cString: strerror(reason))) }
    }

    deinit {
        for socket in sockets { close(socket.descriptor) }
    }

    private static func bind(_ address: TransportAddress, family: Int32) -> Int32 {
        var storage = sockaddr_in6()
        let length = SocketAddress.write(address, family: family, to: &storage)
        return withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                martlet_bind(Int32(SOCK_DGRAM.rawValue), address, length, 0, 0)
            }
        }
    }

    /// The address of ours that the kernel would send from; asks its routes and sends nothing.
    private static func source(towards server: TransportAddress) -> TransportAddress? {
        let family = server.isIPv4 ? AF_INET : AF_INET6
        let descriptor = socket(family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var storage = sockaddr_in6()
        // Any port will do, but not 0.
        var target = server
        target.port = 9
        let length = SocketAddress.write(target, family: family, to: &storage)
        let result = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
        }
        guard result == 0, var source = SocketAddress.bound(descriptor), !source.isUnspecified else { return nil }
        source.port = 0
        return source
    }

    // MARK: - Datagrams

    /// Receives one datagram into `buffer`.
    ///
    /// - Returns: What came and from where; `nil` when there is none now.
    func receive(
        _ index: Int,
        into buffer: UnsafeMutableRawBufferPointer
    ) -> (datagram: UnsafeMutableRawBufferPointer, source: TransportAddress)? {
        while true {
            var storage = sockaddr_in6()
            var length = UInt32(MemoryLayout<sockaddr_in6>.size)
            let count = withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(
                        sockets[index].descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT), $0, &length)
                }
            }
            if count >= 0 {
                guard let source = SocketAddress.read(&storage) else { continue }
                return (UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), source)
            }
            // An earlier datagram was refused (ICMP), which says nothing about this one.
            guard errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == EINTR else { return nil }
        }
    }

    /// Sends a datagram from the socket bound to `local`.
    ///
    /// One that the kernel does not take now is lost, as on any network.
    func send(_ datagram: [UInt8], from local: TransportAddress, to remote: TransportAddress) {
        guard let socket = sockets.first(where: { $0.address == local }) else { return }
        var storage = sockaddr_in6()
        let length = SocketAddress.write(remote, family: socket.family, to: &storage)
        guard length > 0 else { return }
        _ = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                datagram.withUnsafeBytes {
                    sendto(socket.descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT), address, length)
                }
            }
        }
    }
}

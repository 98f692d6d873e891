import Glibc
import Primitives

/// Opens a TCP port for a moment, to see whether it could be opened.
enum TCPProbe {
    /// - Parameters:
    ///   - host: A literal address.
    ///   - port: 0 always works.
    /// - Returns: `nil` when a listener can be opened there, otherwise the `errno` that says why not.
    static func listen(host: String, port: UInt16) -> Int32? {
        guard let address = TransportAddress(host, port: port) else { return EADDRNOTAVAIL }
        if address.isIPv4 { return listenIPv4(address.ipv4 ?? 0, port) }
        let code = listenIPv6(address, port)
        // Where there is no IPv6, `::` becomes 0.0.0.0.
        let isWithoutIPv6 = code == EAFNOSUPPORT || code == EADDRNOTAVAIL
        return address.isUnspecified && isWithoutIPv6 ? listenIPv4(0, port) : code
    }

    private static func listenIPv4(_ host: UInt32, _ port: UInt16) -> Int32? {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = host.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                listen(AF_INET, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private static func listenIPv6(_ host: TransportAddress, _ port: UInt16) -> Int32? {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
            bytes.storeBytes(of: host.high.bigEndian, as: UInt64.self)
            bytes.storeBytes(of: host.low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                listen(AF_INET6, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
    }

    private static func listen(_ family: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> Int32? {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, address, length) == 0, Glibc.listen(descriptor, 1) == 0 else { return errno }
        return nil
    }
}

package import CLinux
import Glibc
package import Primitives

/// `TransportAddress` as the kernel wants it, for a socket of one family.
package enum SocketAddress {
    /// Writes an address in the form that a socket of `family` takes; IPv4 goes mapped into an IPv6 socket.
    ///
    /// - Returns: The length to pass with it; 0 when the family cannot express the address.
    package static func write(
        _ address: TransportAddress,
        family: Int32,
        to storage: UnsafeMutablePointer<sockaddr_in6>
    ) -> UInt32 {
        if family == AF_INET6 {
            var result = sockaddr_in6()
            result.sin6_family = sa_family_t(AF_INET6)
            result.sin6_port = address.port.bigEndian
            withUnsafeMutableBytes(of: &result.sin6_addr) { bytes in
                bytes.storeBytes(of: address.high.bigEndian, as: UInt64.self)
                bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            storage.pointee = result
            return UInt32(MemoryLayout<sockaddr_in6>.size)
        }
        guard let ipv4 = address.ipv4 else { return 0 }
        var result = sockaddr_in()
        result.sin_family = sa_family_t(AF_INET)
        result.sin_port = address.port.bigEndian
        result.sin_addr.s_addr = ipv4.bigEndian
        UnsafeMutableRawPointer(storage).storeBytes(of: result, as: sockaddr_in.self)
        return UInt32(MemoryLayout<sockaddr_in>.size)
    }

    /// Reads what the kernel wrote.
    package static func read(_ storage: UnsafePointer<sockaddr_in6>) -> TransportAddress? {
        switch Int32(storage.pointee.sin6_family) {
        case AF_INET6:
            return withUnsafeBytes(of: storage.pointee.sin6_addr) { bytes in
                TransportAddress(
                    high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                    low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                    port: UInt16(bigEndian: storage.pointee.sin6_port)
                )
            }
        case AF_INET:
            let ipv4 = UnsafeRawPointer(storage).load(as: sockaddr_in.self)
            return TransportAddress(
                ipv4: UInt32(bigEndian: ipv4.sin_addr.s_addr),
                port: UInt16(bigEndian: ipv4.sin_port)
            )
        default:
            return nil
        }
    }

    /// The address that a socket is bound to; `nil` when it is none of IP.
    package static func bound(_ descriptor: Int32) -> TransportAddress? {
        var storage = sockaddr_in6()
        var length = UInt32(MemoryLayout<sockaddr_in6>.size)
        _ = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return read(&storage)
    }

    /// The addresses of this machine's interfaces that are up, without ports.
    package static func local() -> [(interface: String, address: TransportAddress)] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var result: [(String, TransportAddress)] = []
        var next = list
        while let entry = next {
            next = entry.pointee.ifa_next
            guard let address = entry.pointee.ifa_addr, entry.pointee.ifa_flags & UInt32(IFF_UP) != 0 else {
                continue
            }
            var storage = sockaddr_in6()
            let family = Int32(address.pointee.sa_family)
            guard family == AF_INET || family == AF_INET6 else { continue }
            let size = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
            withUnsafeMutableBytes(of: &storage) {
                $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: size))
            }
            if let parsed = read(&storage) {
                result.append(
                    (
                        String(cString: entry.pointee.ifa_name),
                        TransportAddress(high: parsed.high, low: parsed.low, port: 0)
                    )
                )
            }
        }
        return result
    }
}

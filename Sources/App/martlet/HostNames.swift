import Glibc
import Primitives

/// A host name without an address.
struct UnknownHost: Error {
    var name: String
}

/// What the system says about names and itself.
enum HostNames {
    /// The addresses of a host name, or of a literal address itself; empty when there are none.
    static func resolve(_ host: String) -> [TransportAddress] {
        if let address = TransportAddress(host, port: 0) { return [address] }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [TransportAddress] = []
        var entry = list
        while let current = entry {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let status = getnameinfo(
                current.pointee.ai_addr, current.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0,
                NI_NUMERICHOST)
            if status == 0 {
                let name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                if let address = TransportAddress(name, port: 0), !addresses.contains(address) {
                    addresses.append(address)
                }
            }
            entry = current.pointee.ai_next
        }
        return addresses
    }

    /// The addresses of several names, in their order.
    ///
    /// Waits for the network: not for threads that others wait for.
    static func resolve(_ hosts: [String]) throws(UnknownHost) -> [TransportAddress] {
        var all: [TransportAddress] = []
        for host in hosts {
            let addresses = resolve(host)
            guard !addresses.isEmpty else { throw UnknownHost(name: host) }
            all += addresses.filter { !all.contains($0) }
        }
        return all
    }

    /// Whether a host is a name, whose addresses may change.
    static func isName(_ host: String) -> Bool { TransportAddress(host, port: 0) == nil }

    /// Cores this process may use.
    static var processorCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}

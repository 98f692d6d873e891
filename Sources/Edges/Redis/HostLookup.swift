import Glibc
import MediaIO
import Primitives

/// Looks host names up on a thread of their own: it may take as long as the name servers like.
enum HostLookup {
    /// Calls `done` with the host's addresses, at once for a literal one; none when it has none.
    static func start(_ host: String, port: UInt16, done: @escaping @Sendable ([TransportAddress]) -> Void) {
        if let address = TransportAddress(host, port: port) { return done([address]) }
        Thread(name: "lookup") { done(addresses(of: host, port: port)) }.detach()
    }

    private static func addresses(of host: String, port: UInt16) -> [TransportAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [TransportAddress] = []
        var entry = list
        while let current = entry {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let status = getnameinfo(
                current.pointee.ai_addr, current.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0,
                NI_NUMERICHOST)
            if status == 0 {
                let name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                if let address = TransportAddress(name, port: port), !found.contains(address) { found.append(address) }
            }
            entry = current.pointee.ai_next
        }
        return found
    }
}

import CLinux
import Glibc
import Synchronization

/// This machine's own addresses, numbered as datagrams come to them.
///
/// A socket on the wildcard address receives on all of them and would answer from the one that the kernel
/// likes best, which strict peers drop (RFC 8445 section 7.2.5.2.1). All workers share the numbers, because a
/// session's datagrams may arrive at any of them; see `TransportAddress.local`.
package final class LocalAddresses: Sendable {
    /// Only addresses of this machine come here; somebody on it could still try all of 127.0.0.0/8.
    private static let capacity = 1024

    private let known = Mutex<[in6_addr]>([])

    package init() {}

    /// The number of an address, from 1; 0 when there are too many.
    func number(of address: in6_addr) -> UInt16 {
        known.withLock { known in
            if let index = known.firstIndex(where: { Self.areEqual($0, address) }) { return UInt16(index + 1) }
            guard known.count < Self.capacity else { return 0 }
            known.append(address)
            return UInt16(known.count)
        }
    }

    /// All addresses so far: number 1 is the first.
    var all: [in6_addr] { known.withLock { $0 } }

    static func areEqual(_ left: in6_addr, _ right: in6_addr) -> Bool {
        left.__in6_u.__u6_addr32 == right.__in6_u.__u6_addr32
    }

    /// fe80::/10 needs an interface beside it, and ff00::/8 is nobody's own: the kernel chooses for these.
    static func canBeSource(_ address: in6_addr) -> Bool {
        let first = address.__in6_u.__u6_addr8.0
        let second = address.__in6_u.__u6_addr8.1
        return first != 0xFF && !(first == 0xFE && second & 0xC0 == 0x80)
    }
}

/// One worker's copy of ``LocalAddresses``, which needs no lock for an address seen before.
struct LocalAddressCache {
    private let shared: LocalAddresses
    private var addresses: [in6_addr] = []

    init(_ shared: LocalAddresses) {
        self.shared = shared
    }

    /// The number of an address that a datagram came to; 0 leaves the choice to the kernel.
    mutating func number(of address: in6_addr) -> UInt16 {
        for index in addresses.indices where LocalAddresses.areEqual(addresses[index], address) {
            return UInt16(index + 1)
        }
        guard LocalAddresses.canBeSource(address) else { return 0 }
        let number = shared.number(of: address)
        addresses = shared.all
        return number
    }

    /// The address of a number that any worker has given out; `nil` for 0.
    mutating func address(_ number: UInt16) -> in6_addr? {
        guard number > 0 else { return nil }
        if Int(number) > addresses.count { addresses = shared.all }
        return Int(number) <= addresses.count ? addresses[Int(number) - 1] : nil
    }
}

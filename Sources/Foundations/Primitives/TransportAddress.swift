/// An IP address and port.
///
/// IPv4 is held as an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2).
///
/// A few integers rather than a `sockaddr`: it hashes and compares in a few instructions and lives in tables.
package struct TransportAddress: Hashable, Sendable {
    /// The upper 64 bits of the IPv6 form, in host order.
    package var high: UInt64
    /// The lower 64 bits of the IPv6 form, in host order.
    package var low: UInt64
    package var port: UInt16
    /// Which of this machine's own addresses datagrams from here came to, as the socket numbers them.
    ///
    /// What is sent to a `TransportAddress` leaves from that address: a peer drops what comes from an address
    /// that it did not ask. It takes part in equality, because a path has two ends. 0 leaves the choice to the
    /// kernel, and is what every address has that was not read from a socket.
    package var local: UInt16
    /// The number of the TCP connection that datagrams from here came by, framed (RFC 4571); 0 means UDP.
    ///
    /// What is sent to a `TransportAddress` with a number leaves by that connection or not at all. Numbers are a
    /// worker's own and are not used again soon, so that a connection's successor is another path.
    package var connection: UInt32

    @inlinable
    package init(high: UInt64, low: UInt64, port: UInt16, local: UInt16 = 0, connection: UInt32 = 0) {
        self.high = high
        self.low = low
        self.port = port
        self.local = local
        self.connection = connection
    }

    /// An IPv4 address, its four octets in one integer (`0x7F00_0001` is 127.0.0.1).
    @inlinable
    package init(ipv4 address: UInt32, port: UInt16) {
        self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(address), port: port)
    }

    @inlinable
    package var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// The four octets of an IPv4 address; `nil` for IPv6.
    @inlinable
    package var ipv4: UInt32? { isIPv4 ? UInt32(truncatingIfNeeded: low) : nil }

    /// 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        if let ipv4 { return ipv4 >> 24 == 127 }
        return high == 0 && low == 1
    }

    /// 169.254.0.0/16 or fe80::/10.
    package var isLinkLocal: Bool {
        if let ipv4 { return ipv4 >> 16 == 0xA9FE }
        return high >> 54 == 0x3FA
    }

    /// 0.0.0.0 or ::.
    package var isUnspecified: Bool { (high == 0 && low == 0) || ipv4 == 0 }

    /// Parses a literal address, without brackets and without a zone.
    ///
    /// - Returns: `nil` for anything that is not a literal IPv4 or IPv6 address (host names, `.local` names).
    package init?(_ text: some StringProtocol, port: UInt16) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let words = Self.parseIPv6(String(text)) else { return nil }
            var high: UInt64 = 0
            var low: UInt64 = 0
            for word in words[0..<4] { high = high << 16 | UInt64(word) }
            for word in words[4..<8] { low = low << 16 | UInt64(word) }
            self.init(high: high, low: low, port: port)
        } else {
            guard let address = Self.parseIPv4(text) else { return nil }
            self.init(ipv4: address, port: port)
        }
    }

    private static func parseIPv4(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let octet = UInt8(part)
            else { return nil }
            address = address << 8 | UInt32(octet)
        }
        return address
    }

    private static func parseIPv6(_ text: String) -> [UInt16]? {
        guard text.utf8.count <= 45 else { return nil }
        let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
        guard halves.count <= 2 else { return nil }
        func words(_ half: Substring, isLast: Bool) -> [UInt16]? {
            guard !half.isEmpty else { return [] }
            var result: [UInt16] = []
            let parts = half.split(separator: ":", omittingEmptySubsequences: false)
            for (index, part) in parts.enumerated() {
                if part.contains(".") {
                    guard isLast, index == parts.count - 1, let address = parseIPv4(part) else { return nil }
                    result.append(UInt16(address >> 16))
                    result.append(UInt16(truncatingIfNeeded: address))
                } else {
                    guard (1...4).contains(part.utf8.count), let word = UInt16(part, radix: 16), part.first != "+"
                    else { return nil }
                    result.append(word)
                }
            }
            return result
        }
        guard let head = words(halves[0], isLast: halves.count == 1) else { return nil }
        if halves.count == 1 { return head.count == 8 ? head : nil }
        guard let tail = words(halves[1], isLast: true), head.count + tail.count <= 7 else { return nil }
        return head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
    }

    /// The address alone, as SDP and logs write it: `192.0.2.1`, `2001:db8::1` (RFC 5952).
    package var host: String {
        if let ipv4 {
            return "\(ipv4 >> 24).\(ipv4 >> 16 & 255).\(ipv4 >> 8 & 255).\(ipv4 & 255)"
        }
        let words = (0..<8).map { index in
            UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(48 - 16 * (index % 4)))
        }
        var best = 0..<0
        var index = 0
        while index < 8 {
            var end = index
            while end < 8, words[end] == 0 { end += 1 }
            if end - index > max(best.count, 1) { best = index..<end }
            index = max(end, index + 1)
        }
        func hexadecimal(_ range: Range<Int>) -> String {
            words[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard !best.isEmpty else { return hexadecimal(0..<8) }
        return hexadecimal(0..<best.lowerBound) + "::" + hexadecimal(best.upperBound..<8)
    }
}

extension TransportAddress: CustomStringConvertible {
    /// `192.0.2.1:8100` or `[2001:db8::1]:8100`.
    package var description: String { isIPv4 ? "\(host):\(port)" : "[\(host)]:\(port)" }
}

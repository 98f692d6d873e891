/// A network in the notation of RFC 4632: an address, and how many of its bits count.
package struct AddressNetwork: Sendable, Equatable {
    private let high: UInt64
    private let low: UInt64
    /// Of the IPv6 form, 0 to 128.
    private let bits: Int

    /// - Returns: `nil` unless it is an address, or an address, a slash and a number of bits.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = TransportAddress(parts[0], port: 0) else { return nil }
        let longest = address.isIPv4 ? 32 : 128
        var length = longest
        if parts.count == 2 {
            guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(parts[1]), number <= longest
            else { return nil }
            length = number
        }
        bits = length + 128 - longest
        high = address.high & Self.mask(bits)
        low = address.low & Self.mask(bits - 64)
    }

    private static func mask(_ bits: Int) -> UInt64 {
        bits <= 0 ? 0 : bits >= 64 ? .max : ~(.max >> UInt64(bits))
    }

    package func contains(_ address: TransportAddress) -> Bool {
        address.high & Self.mask(bits) == high && address.low & Self.mask(bits - 64) == low
    }
}

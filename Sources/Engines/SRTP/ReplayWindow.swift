/// Remembers which of the last 1,024 packet indices of one source have been accepted (RFC 3711 §3.3.2).
///
/// 1,024 because a viewer behind a bad link gets retransmissions a second late, and at 5 Mbit/s that is 500 packets.
package struct ReplayWindow: Sendable {
    /// How many indices below and including the newest are told apart.
    package static let width: UInt64 = 1024

    /// The highest index accepted; `nil` before the first.
    package private(set) var newest: UInt64?
    /// One bit an index, at index modulo 1,024.
    private var bits = InlineArray<16, UInt64>(repeating: 0)

    package init() {}

    /// Whether `index` has been neither accepted nor overtaken by 1,024 others.
    package func admits(_ index: UInt64) -> Bool {
        guard let newest else { return true }
        if index > newest { return true }
        guard newest - index < Self.width else { return false }
        return bits[Self.word(index)] & Self.mask(index) == 0
    }

    /// Marks `index` as accepted.
    ///
    /// Call it only when ``admits(_:)`` said yes and the packet authenticated.
    package mutating func accept(_ index: UInt64) {
        if let newest, index <= newest {
            bits[Self.word(index)] |= Self.mask(index)
            return
        }
        if let newest, index - newest < Self.width {
            var skipped = newest + 1
            while skipped < index {
                if skipped % 64 == 0, index - skipped >= 64 {
                    bits[Self.word(skipped)] = 0
                    skipped += 64
                } else {
                    bits[Self.word(skipped)] &= ~Self.mask(skipped)
                    skipped += 1
                }
            }
        } else {
            bits = InlineArray(repeating: 0)
        }
        bits[Self.word(index)] |= Self.mask(index)
        newest = index
    }

    private static func word(_ index: UInt64) -> Int { Int(index % width / 64) }
    private static func mask(_ index: UInt64) -> UInt64 { 1 << (index % 64) }
}

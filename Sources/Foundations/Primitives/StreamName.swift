/// The name of a stream: 1 to 128 of `A-Z a-z 0-9 . _ -`, not starting with a dot.
///
/// The narrow alphabet lets a name stand in a path, a key or a metric without escaping.
package struct StreamName: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// - Returns: `nil` when `text` is not a valid name (`..` and anything with a slash are not).
    package init?(_ text: some StringProtocol) {
        let bytes = text.utf8
        guard (1...128).contains(bytes.count), bytes.first != UInt8(ascii: ".") else { return nil }
        let isValid = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isValid else { return nil }
        description = String(text)
    }
}

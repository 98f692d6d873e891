/// The streams a credential is for: a name in which `*` stands for any number of characters.
package struct StreamPattern: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Every stream.
    package static let any = StreamPattern(unchecked: "*")

    /// - Returns: `nil` unless `text` is 1 to 128 of `A-Z a-z 0-9 . _ - *`.
    package init?(_ text: some StringProtocol) {
        guard (1...128).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed) else { return nil }
        description = String(text)
    }

    private init(unchecked text: String) {
        description = text
    }

    /// Whether `name` is one of the streams.
    ///
    /// - Parameter name: A valid stream name.
    /// - Returns: Whether the whole name fits; letters count as they are written.
    /// - Complexity: At worst the product of both lengths, whatever the number of stars.
    package func matches(_ name: String) -> Bool {
        let pattern = Array(description.utf8)
        let text = Array(name.utf8)
        var position = 0
        var index = 0
        // Where to go on when a star has to take one more character.
        var retry: (position: Int, index: Int)?
        while index < text.count {
            if position < pattern.count, pattern[position] == UInt8(ascii: "*") {
                retry = (position + 1, index)
                position += 1
            } else if position < pattern.count, pattern[position] == text[index] {
                position += 1
                index += 1
            } else if let (next, start) = retry {
                retry = (next, start + 1)
                position = next
                index = start + 1
            } else {
                return false
            }
        }
        return pattern[position...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "._-*".utf8.contains(byte)
        }
    }
}

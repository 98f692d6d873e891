/// The name of a gateway among others: 1 to 64 bytes without control characters.
package struct NodeID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Bytes at most.
    package static let maximumLength = 64

    package let description: String

    /// - Returns: `nil` when `text` is empty, too long, or has control characters.
    package init?(_ text: some StringProtocol) {
        let bytes = text.utf8
        guard (1...Self.maximumLength).contains(bytes.count), bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            return nil
        }
        description = String(text)
    }

    package static func < (left: NodeID, right: NodeID) -> Bool { left.description < right.description }
}

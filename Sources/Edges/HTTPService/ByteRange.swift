import HTTPTypes
import Hummingbird

/// The part of a file that a request asks for (RFC 9110 section 14).
enum ByteRange: Equatable {
    case bytes(Range<Int>)
    case unsatisfiable

    /// Reads `Range`; `nil` when the whole is to be sent: without a range, with several, with one that makes no sense, or
    /// when `If-Range` names another version.
    init?(_ request: Request, tag: String, size: Int) {
        if let condition = request.headers[.ifRange], condition != tag { return nil }
        guard let field = request.headers[.range] else { return nil }
        self.init(field, size: size)
    }

    /// The same for the value of the field.
    init?(_ field: String, size: Int) {
        guard field.hasPrefix("bytes=") else { return nil }
        let sides = field.dropFirst(6).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2 else { return nil }
        func number(_ text: Substring) -> Int? {
            text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
        }
        if sides[0].isEmpty {
            guard let count = number(sides[1]) else { return nil }
            self = count == 0 || size == 0 ? .unsatisfiable : .bytes(max(0, size - count)..<size)
            return
        }
        guard let first = number(sides[0]) else { return nil }
        var last = size - 1
        if !sides[1].isEmpty {
            guard let number = number(sides[1]), number >= first else { return nil }
            last = min(last, number)
        }
        self = first >= size ? .unsatisfiable : .bytes(first..<(last + 1))
    }
}

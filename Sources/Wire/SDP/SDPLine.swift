/// One line of a description: `<letter>=<value>` (RFC 8866 §5).
struct SDPLine {
    /// The type letter, in ASCII.
    var letter: UInt8
    var value: String
    /// Counts from 1, empty lines included.
    var number: Int

    /// Cuts `text` into lines that end in LF or CRLF.
    ///
    /// Tolerates empty lines, which some encoders put at the end, and bytes that are not UTF-8, which become U+FFFD.
    /// A lone CR or a NUL is refused: values of an offer come back in answers, where they must not start a new line.
    static func split(_ text: Span<UInt8>) throws(SDPError) -> [SDPLine] {
        guard text.count <= SDPLimits.maximumBytes else { throw .tooLarge }
        var lines: [SDPLine] = []
        var number = 0
        var start = 0
        while start < text.count {
            var end = start
            while end < text.count, text[end] != UInt8(ascii: "\n") { end += 1 }
            number += 1
            guard number <= SDPLimits.maximumLines else { throw .tooManyLines }
            let next = end + 1
            if end < text.count, end > start, text[end - 1] == UInt8(ascii: "\r") { end -= 1 }
            if let line = try parse(text.extracting(start..<end), number: number) { lines.append(line) }
            start = next
        }
        return lines
    }

    private static func parse(_ bytes: Span<UInt8>, number: Int) throws(SDPError) -> SDPLine? {
        guard !bytes.isEmpty else { return nil }
        guard bytes.count <= SDPLimits.maximumLineBytes else { throw .lineTooLong(line: number) }
        guard bytes.count >= 2, bytes[1] == UInt8(ascii: "="),
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(bytes[0])
        else { throw .malformedLine(line: number) }
        var value: [UInt8] = []
        value.reserveCapacity(bytes.count - 2)
        for index in 2..<bytes.count {
            guard bytes[index] != 0, bytes[index] != UInt8(ascii: "\r") else { throw .malformedLine(line: number) }
            value.append(bytes[index])
        }
        return SDPLine(letter: bytes[0], value: String(decoding: value, as: UTF8.self), number: number)
    }
}

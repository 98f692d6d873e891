/// The value of a tag such as `EXT-X-STREAM-INF`: names and values between commas (RFC 8216bis §4.2).
package struct AttributeList: Hashable, Sendable {
    /// A value, and whether it stood in quotes.
    package struct Value: Hashable, Sendable {
        package var text: String
        package var isQuoted: Bool
    }

    package private(set) var values: [String: Value] = [:]

    /// Reads `NAME=VALUE,NAME="VALUE"`.
    ///
    /// - Returns: `nil` when a name or a quote is missing, a name comes twice, or there are too many.
    package init?(parsing text: some StringProtocol) {
        var rest = Substring(text).utf8
        while !rest.isEmpty {
            guard let equals = rest.firstIndex(of: UInt8(ascii: "=")), equals > rest.startIndex,
                rest[..<equals].allSatisfy(Self.isOfName), values.count < PlaylistLimits.maximumAttributes
            else { return nil }
            let name = String(Substring(rest[..<equals]))
            rest = rest[equals...].dropFirst()
            let value: Value
            if rest.first == UInt8(ascii: "\"") {
                rest = rest.dropFirst()
                guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
                value = Value(text: String(Substring(rest[..<end])), isQuoted: true)
                rest = rest[end...].dropFirst()
            } else {
                let end = rest.firstIndex(of: UInt8(ascii: ",")) ?? rest.endIndex
                value = Value(text: String(Substring(rest[..<end])), isQuoted: false)
                rest = rest[end...]
                guard !value.text.isEmpty else { return nil }
            }
            guard values.updateValue(value, forKey: name) == nil else { return nil }
            guard let comma = rest.first else { break }
            guard comma == UInt8(ascii: ","), rest.count > 1 else { return nil }
            rest = rest.dropFirst()
        }
    }

    /// §4.2: `[A..Z]`, `[0..9]` and `-`.
    private static func isOfName(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
    }

    /// A quoted string.
    package func string(_ name: String) -> String? {
        values[name].flatMap { $0.isQuoted ? $0.text : nil }
    }

    /// A value without quotes, such as `YES` or `AUDIO`.
    package func word(_ name: String) -> String? {
        values[name].flatMap { $0.isQuoted ? nil : $0.text }
    }

    package func flag(_ name: String) -> Bool { word(name) == "YES" }

    /// A decimal integer below 2^64.
    package func integer(_ name: String) -> UInt64? {
        word(name).flatMap(Decimal.integer)
    }

    /// A number of seconds, or another decimal number, that is not negative.
    package func decimal(_ name: String) -> Double? {
        word(name).flatMap(Decimal.number)
    }
}

/// Decimal numbers as playlists write them.
enum Decimal {
    static func integer(_ text: some StringProtocol) -> UInt64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt64(text)
    }

    /// Digits with at most one point; neither a sign nor an exponent.
    static func number(_ text: some StringProtocol) -> Double? {
        let isPlain = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
        guard !text.isEmpty, text.utf8.count <= 32, isPlain else { return nil }
        return Double(String(text))
    }
}

import Primitives

/// How values of one kind are written: both ways, and in words.
struct ValueForm<Value>: Sendable {
    /// Fits after "expected": "a port from 0 to 65535".
    var expected: String
    var parse: @Sendable (String) throws(InvalidValue) -> Value
    /// What ``parse`` reads back; empty for "not set".
    var format: @Sendable (Value) -> String
}

extension ValueForm where Value == String {
    /// A literal IP address.
    static var address: ValueForm {
        ValueForm(expected: "an IP address") { text throws(InvalidValue) in
            guard TransportAddress(text, port: 0) != nil else {
                throw InvalidValue(
                    "`\(text)` is not an IP address",
                    cure: "use an address of this machine, `0.0.0.0` or `::`"
                )
            }
            return text
        } format: {
            $0
        }
    }

    static func text(_ expected: String, maximumLength: Int) -> ValueForm {
        ValueForm(expected: expected) { text throws(InvalidValue) in
            guard text.utf8.count <= maximumLength, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                throw InvalidValue("the text is too long or has control characters", cure: "use \(expected)")
            }
            return text
        } format: {
            $0
        }
    }
}

extension ValueForm where Value == UInt16 {
    static func port(from lowest: UInt16) -> ValueForm {
        let expected = "a port from \(lowest) to 65535"
        return ValueForm(expected: expected) { text throws(InvalidValue) in
            guard text.utf8.first.map({ (0x30...0x39).contains($0) }) == true, let port = UInt16(text), port >= lowest
            else { throw InvalidValue("`\(text)` is not \(expected)", cure: "use \(expected)") }
            return port
        } format: {
            "\($0)"
        }
    }
}

extension ValueForm where Value == Int {
    static func integer(_ range: ClosedRange<Int>) -> ValueForm {
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return ValueForm(expected: expected) { text throws(InvalidValue) in
            guard let value = Int(text), range.contains(value) else {
                throw InvalidValue("`\(text)` is not \(expected)", cure: "use \(expected)")
            }
            return value
        } format: {
            "\($0)"
        }
    }
}

extension ValueForm where Value == Bool {
    static var boolean: ValueForm {
        ValueForm(expected: "true or false") { text throws(InvalidValue) in
            switch text.lowercased() {
            case "true", "yes", "on", "1": return true
            case "false", "no", "off", "0": return false
            default: throw InvalidValue("`\(text)` is neither true nor false", cure: "use true or false")
            }
        } format: {
            "\($0)"
        }
    }
}

extension ValueForm where Value == Duration {
    static func duration(_ range: ClosedRange<Duration>) -> ValueForm {
        let expected =
            "a duration from \(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
        return ValueForm(expected: expected) { text throws(InvalidValue) in
            guard let value = DurationText.parse(text), range.contains(value) else {
                throw InvalidValue(
                    "`\(text)` is not \(expected)",
                    cure: "write a whole number and its unit, as in 500ms, 15s or 5m"
                )
            }
            return value
        } format: {
            DurationText.format($0)
        }
    }
}

extension ValueForm where Value == Secret {
    /// A secret of at least `bytes` bytes, whose text no message repeats.
    static func secret(atLeast bytes: Int) -> ValueForm {
        ValueForm(expected: "a secret of \(bytes) bytes or more") { text throws(InvalidValue) in
            guard text.utf8.count >= bytes else {
                throw InvalidValue(
                    "the secret has only \(text.utf8.count) bytes, and \(bytes) are needed",
                    cure: "use the output of: openssl rand -hex 32"
                )
            }
            return Secret(text)
        } format: {
            $0.description
        }
    }
}

extension ValueForm where Value: RawRepresentable & CaseIterable & Sendable, Value.RawValue == String {
    /// One of a few words.
    static func oneOf(_ type: Value.Type) -> ValueForm {
        let words = Value.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
        return ValueForm(expected: "one of \(words)") { text throws(InvalidValue) in
            if let value = Value(rawValue: text) { return value }
            throw InvalidValue("`\(text)` is not one of \(words)", cure: "use one of \(words)")
        } format: {
            $0.rawValue
        }
    }
}

extension ValueForm {
    /// The same, or `word` for `nil`.
    static func optional<Wrapped>(_ form: ValueForm<Wrapped>, absent word: String = "") -> ValueForm
    where Value == Wrapped? {
        ValueForm(expected: word.isEmpty ? form.expected : "\(form.expected), or `\(word)`") {
            text throws(InvalidValue) in
            text == word ? nil : try form.parse(text)
        } format: {
            $0.map(form.format) ?? word
        }
    }

    /// Entries separated by commas, each read by `entry`.
    static func list<Entry>(
        _ expected: String,
        of entry: @escaping @Sendable (String) throws(InvalidValue) -> Entry,
        format: @escaping @Sendable (Entry) -> String
    ) -> ValueForm where Value == [Entry] {
        ValueForm(expected: "a list of \(expected)") { text throws(InvalidValue) in
            var entries: [Entry] = []
            for part in text.split(separator: ",") {
                let trimmed = part.trimmingSpaces()
                guard !trimmed.isEmpty else { continue }
                guard entries.count < 256 else {
                    throw InvalidValue("the list has more than 256 entries", cure: "shorten it")
                }
                entries.append(try entry(trimmed))
            }
            return entries
        } format: {
            $0.map(format).joined(separator: ",")
        }
    }
}

extension StringProtocol {
    /// The text without the spaces and tabs around it.
    func trimmingSpaces() -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let head = drop(while: isSpace)
        return String(head.reversed().drop(while: isSpace).reversed())
    }
}

/// A JSON value (RFC 8259) as it was written.
package indirect enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// As it was written: what goes through is not rounded.
    case number(String)
    case string(String)
    case array([JSONValue])
    /// In the order in which they were written; no name occurs twice.
    case object([Member])

    package struct Member: Sendable, Equatable {
        package var name: String
        package var value: JSONValue

        package init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// The member of an object; `nil` when there is none, or this is no object.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The shortest JSON text of it, ASCII but for what strings hold.
    package var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let digits): digits
        case .string(let text): Self.quote(text)
        case .array(let values): "[" + values.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { "\(Self.quote($0.name)):\($0.value.text)" }.joined(separator: ",") + "}"
        }
    }

    /// A string in quotes, with nothing in it that could end it (RFC 8259 section 7).
    package static func quote(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20 || (0x2028...0x2029).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

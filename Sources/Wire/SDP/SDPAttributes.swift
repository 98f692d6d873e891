/// An `a=` line: a property (`a=rtcp-mux`) or a value (`a=mid:0`) (RFC 8866 §5.13).
package struct SDPAttribute: Hashable, Sendable {
    package var name: String
    /// What stands behind the colon; `nil` for a property.
    package var value: String?

    package init(_ name: String, _ value: String? = nil) {
        self.name = name
        self.value = value
    }

    /// Takes the text behind `a=` apart.
    init(parsing text: String) {
        let parts = text.sdpSplit(at: UInt8(ascii: ":"), maximum: 2)
        name = parts.first.map(String.init) ?? ""
        value = parts.count == 2 ? String(parts[1]) : nil
    }

    /// The line without its end.
    package var line: String { value.map { "a=\(name):\($0)" } ?? "a=\(name)" }
}

/// The attributes of a session or of one media section, in order.
package struct SDPAttributes: Hashable, Sendable {
    package var elements: [SDPAttribute]

    package init(_ elements: [SDPAttribute] = []) {
        self.elements = elements
    }

    package func contains(_ name: String) -> Bool {
        elements.contains { $0.name == name }
    }

    /// The value of the first attribute called `name` that has one.
    package func first(_ name: String) -> String? {
        for element in elements where element.name == name {
            if let value = element.value { return value }
        }
        return nil
    }

    /// The values of all attributes called `name`, in order.
    package func all(_ name: String) -> [String] {
        elements.compactMap { $0.name == name ? $0.value : nil }
    }

    package mutating func append(_ name: String, _ value: String? = nil) {
        elements.append(SDPAttribute(name, value))
    }
}

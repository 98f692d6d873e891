/// A value of the Action Message Format, version 0: what RTMP commands and metadata are made of.
package indirect enum AMF0Value: Hashable, Sendable {
    case number(Double)
    case boolean(Bool)
    /// Short and long strings and XML documents alike.
    case string(String)
    /// Anonymous and typed objects; the class name of the latter is dropped.
    case object(AMF0Object)
    case null
    case undefined
    case ecmaArray(AMF0Object)
    case strictArray([AMF0Value])
    /// Milliseconds since the Unix epoch, UTC.
    case date(Double)

    package var number: Double? {
        if case .number(let value) = self { value } else { nil }
    }

    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The members of an object or an associative array.
    package var members: AMF0Object? {
        switch self {
        case .object(let object), .ecmaArray(let object): object
        default: nil
        }
    }
}

/// Named values in the order in which they travel.
///
/// Names may repeat; the first one wins.
package struct AMF0Object: Hashable, Sendable {
    package struct Property: Hashable, Sendable {
        package var name: String
        package var value: AMF0Value
    }

    package private(set) var properties: [Property]

    package init() {
        properties = []
    }

    package subscript(name: String) -> AMF0Value? {
        properties.first { $0.name == name }?.value
    }

    package mutating func append(_ name: String, _ value: AMF0Value) {
        properties.append(Property(name: name, value: value))
    }
}

extension AMF0Object: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, AMF0Value)...) {
        properties = elements.map { Property(name: $0.0, value: $0.1) }
    }
}

/// What one AMF0 message may hold; beyond it parsing stops with ``ParseError/limitExceeded(what:)``.
package struct AMF0Limits: Sendable {
    /// Objects and arrays inside one another.
    package var maximumDepth = 8
    /// Values in one message, at all depths together.
    package var maximumValues = 1_024
    /// Bytes of one string.
    package var maximumStringLength = 16 << 10

    package init() {}
}

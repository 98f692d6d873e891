/// What Redis answers (RESP2).
package enum RedisValue: Sendable, Equatable {
    case null
    case integer(Int64)
    /// Strings, simple ones too.
    case bytes([UInt8])
    case array([RedisValue])
    /// What the server did not like, as it says it.
    case error(String)

    /// A string's text; `nil` for anything else, and for what is no UTF-8.
    package var text: String? {
        if case .bytes(let bytes) = self { return String(validating: bytes, as: UTF8.self) }
        return nil
    }

    /// A number, or a string that is one.
    package var number: Int64? {
        switch self {
        case .integer(let number): number
        case .bytes: text.flatMap { Int64($0) }
        default: nil
        }
    }

    /// The elements of an array; `nil` for anything else.
    package var elements: [RedisValue]? {
        if case .array(let elements) = self { return elements }
        return nil
    }
}

/// Why a command brought no answer.
package enum RedisError: Error, Sendable, Equatable {
    /// There is no connection at the moment.
    case away
    /// As many commands wait as may.
    case overloaded
    /// The answer did not come in time, or the connection ended first. Whether the command was carried out is unknown.
    case unanswered
    /// The server's own words.
    case refused(String)
}

/// How the connection is.
package enum RedisState: Sendable, Equatable {
    case up
    /// Why not; never with a password.
    case away(String)
}

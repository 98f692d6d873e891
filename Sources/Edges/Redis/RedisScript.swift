/// A Lua script, which Redis carries out without interruption.
package struct RedisScript: Sendable, Hashable {
    package var source: String

    package init(_ source: String) {
        self.source = source
    }
}

/// What Redis calls the scripts that it was given.
struct ScriptNames {
    /// Scripts remembered at most; the program has a few.
    static let capacity = 64

    private var names: [RedisScript: String] = [:]

    subscript(script: RedisScript) -> String? { names[script] }

    mutating func set(_ name: String, of script: RedisScript) {
        if names[script] == nil, names.count >= Self.capacity { names = [:] }
        names[script] = name
    }
}

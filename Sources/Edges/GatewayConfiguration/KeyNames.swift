/// Tells keys that exist from keys that were misspelt.
enum KeyNames {
    private static let known = Set(Setting.all.map(\.key))

    /// What is wrong with the name `key`; `nil` for a key of this version.
    static func problem(with key: String, source: SettingsProblem.Source) -> SettingsProblem? {
        if known.contains(key) { return nil }
        if UnsupportedKeys.contains(key) {
            return SettingsProblem(
                key: key,
                source: source,
                reason: "not supported by this version of Martlet",
                cure: "remove it"
            )
        }
        if isSection(key) {
            let example = Setting.all.first { $0.key.hasPrefix(key + ".") }?.key ?? key
            return SettingsProblem(
                key: key,
                source: source,
                reason: "a section, not a key",
                cure: "write its keys below it, as in \(example)"
            )
        }
        let cure = nearest(to: key, among: Setting.all.map(\.key)).map { "did you mean \($0)?" }
        return SettingsProblem(
            key: key,
            source: source,
            reason: "unknown key",
            cure: cure ?? "config/martlet.yaml has every key"
        )
    }

    static func isSection(_ key: String) -> Bool {
        known.contains { $0.hasPrefix(key + ".") }
    }

    /// The name with the fewest changed letters, when a third of them or fewer are changed.
    static func nearest(to name: String, among names: [String]) -> String? {
        guard name.utf8.count <= 128 else { return nil }
        let ranked = names.map { ($0, distance(Array($0.utf8), Array(name.utf8))) }.min { $0.1 < $1.1 }
        guard let (best, distance) = ranked, distance * 3 <= name.utf8.count else { return nil }
        return best
    }

    /// Levenshtein's distance, in two rows.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var previous = Array(0...right.count)
        for (row, byte) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                let substitution = previous[column] + (byte == other ? 0 : 1)
                current.append(min(substitution, previous[column + 1] + 1, current[column] + 1))
            }
            previous = current
        }
        return previous[right.count]
    }
}

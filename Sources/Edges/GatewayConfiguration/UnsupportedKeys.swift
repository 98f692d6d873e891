/// Keys of the published list that this version cannot honour.
///
/// They are refused rather than ignored: a gateway that was told to use a database and silently does not is worse
/// than one that does not start.
enum UnsupportedKeys {
    static let exact: Set<String> = [
        "database.url"
    ]

    static func contains(_ key: String) -> Bool { exact.contains(key) }

    /// The same question for a variable of the environment, where dots and underscores are one.
    static func containsEnvironmentName(_ name: String) -> Bool {
        exact.contains { Setting.environmentName(of: $0) == name }
    }
}

/// Turns `--http-port 9000` and `--http-port=9000` into values of keys.
package enum CommandLineOverrides {
    /// - Parameter arguments: What the command did not recognise itself, in order.
    /// - Returns: Texts by key; the last one wins where an option is repeated.
    /// - Throws: ``SettingsError`` for anything that is not an option of a known key followed by a value.
    package static func parse(_ arguments: [String]) throws(SettingsError) -> [String: String] {
        var values: [String: String] = [:]
        var index = 0
        while index < arguments.count {
            let parts = arguments[index].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let option = String(parts[0])
            index += 1
            guard let setting = Setting.all.first(where: { $0.optionName == option }) else {
                throw unknown(option)
            }
            if parts.count == 2 {
                values[setting.key] = String(parts[1])
            } else if index < arguments.count, !arguments[index].hasPrefix("--") {
                values[setting.key] = arguments[index]
                index += 1
            } else {
                throw SettingsError(problems: [
                    SettingsProblem(
                        key: setting.key,
                        source: .commandLine(option: option),
                        reason: "the value is missing",
                        cure: "expected \(setting.expected)"
                    )
                ])
            }
        }
        return values
    }

    private static func unknown(_ option: String) -> SettingsError {
        let nearest = KeyNames.nearest(to: option, among: Setting.all.map(\.optionName))
        let reason = option.hasPrefix("-") ? "unknown option" : "unexpected argument"
        return SettingsError(problems: [
            SettingsProblem(
                key: nil,
                source: .commandLine(option: option),
                reason: reason,
                cure: nearest.map { "did you mean \($0)?" } ?? "see --help"
            )
        ])
    }
}

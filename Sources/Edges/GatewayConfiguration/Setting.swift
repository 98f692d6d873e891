/// One key: its name, what it means, and how its text becomes a value in ``Settings``.
package struct Setting: Sendable {
    /// As in the file: `http.port`.
    package let key: String
    /// One sentence for people.
    package let summary: String
    /// What the value looks like: "a port from 0 to 65535".
    package let expected: String
    /// Its value must not be printed.
    package let isSecret: Bool

    let apply: @Sendable (String, inout Settings) throws(InvalidValue) -> Void
    let text: @Sendable (Settings) -> String

    init<Value>(
        _ key: String,
        _ path: any WritableKeyPath<Settings, Value> & Sendable,
        _ form: ValueForm<Value>,
        isSecret: Bool = false,
        _ summary: String
    ) {
        self.key = key
        self.summary = summary
        self.isSecret = isSecret
        expected = form.expected
        apply = { text, settings throws(InvalidValue) in settings[keyPath: path] = try form.parse(text) }
        text = { form.format($0[keyPath: path]) }
    }

    /// `http.port` is `MARTLET_HTTP_PORT`.
    package var environmentName: String { Self.environmentName(of: key) }
    /// `http.port` is `--http-port`.
    package var optionName: String { "--" + key.mapping([".", "_"], to: "-") }

    /// The value in `settings` as one would write it; secrets are redacted, "not set" is empty.
    package func value(in settings: Settings) -> String { text(settings) }

    static func environmentName(of key: String) -> String {
        "MARTLET_" + key.uppercased().mapping([".", "-"], to: "_")
    }
}

extension String {
    /// The text with every character of `characters` replaced.
    fileprivate func mapping(_ characters: Set<Character>, to replacement: Character) -> String {
        String(map { characters.contains($0) ? replacement : $0 })
    }
}

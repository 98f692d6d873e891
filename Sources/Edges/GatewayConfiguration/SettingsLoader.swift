import Configuration

/// Puts the settings together: command line before environment before file before default.
package struct SettingsLoader: Sendable {
    /// Values given on the command line, by key.
    package var commandLine: [String: String]
    package var environment: [String: String]
    package var file: SettingsFile?

    /// Variables of the build and of our own clients, which are none of the gateway's business.
    private static let otherVariables: Set<String> = [
        "MARTLET_MEDIA_CORE", "MARTLET_WARNINGS_AS_ERRORS", "MARTLET_TOKEN",
    ]

    package init(commandLine: [String: String] = [:], environment: [String: String] = [:], file: SettingsFile? = nil) {
        self.commandLine = commandLine
        self.environment = environment
        self.file = file
    }

    /// The settings in force, and what an operator should hear about them.
    package struct Loaded: Sendable {
        package var settings: Settings
        /// Unknown variables; they change nothing.
        package var warnings: [SettingsProblem]
    }

    /// Reads every key.
    ///
    /// - Throws: ``SettingsError`` with every unknown or unsupported key and every value out of its range.
    package func load() throws(SettingsError) -> Loaded {
        var problems = unknownFileKeys() + unknownOptions()
        let (warnings, refused) = unknownVariables()
        problems += refused

        let reader = ConfigReader(providers: [
            provider(commandLine, name: "command line"),
            // An empty variable means "not set", as Compose files and shells leave them behind.
            EnvironmentVariablesProvider(environmentVariables: environment.filter { !$0.value.isEmpty })
                .prefixKeys(with: ["martlet"]),
            provider((file?.entries ?? [:]).mapValues(\.text).filter { !$0.value.isEmpty }, name: "file"),
        ])
        var settings = Settings()
        for setting in Setting.all {
            guard let text = reader.string(forKey: ConfigKey(setting.key), isSecret: setting.isSecret) else { continue }
            do throws(InvalidValue) {
                try setting.apply(text, &settings)
            } catch {
                problems.append(
                    SettingsProblem(
                        key: setting.key,
                        source: source(of: setting),
                        reason: error.reason,
                        cure: error.cure
                    )
                )
            }
        }
        problems += conflicts(in: settings)
        guard problems.isEmpty else { throw SettingsError(problems: Self.inOrder(problems)) }
        return Loaded(settings: settings, warnings: warnings)
    }

    /// Problems of the file by line, then the others as they were found.
    private static func inOrder(_ problems: [SettingsProblem]) -> [SettingsProblem] {
        problems.filter { $0.line != nil }.sorted { ($0.line ?? 0) < ($1.line ?? 0) }
            + problems.filter { $0.line == nil }
    }

    private func provider(_ values: [String: String], name: String) -> InMemoryProvider {
        var encoded: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, text) in values {
            encoded[AbsoluteConfigKey(key.split(separator: ".").map(String.init))] =
                ConfigValue(.string(text), isSecret: false)
        }
        return InMemoryProvider(name: name, values: encoded)
    }

    /// Where the value in force was written.
    private func source(of setting: Setting) -> SettingsProblem.Source {
        if commandLine[setting.key] != nil { return .commandLine(option: setting.optionName) }
        if let text = environment[setting.environmentName], !text.isEmpty {
            return .environment(name: setting.environmentName)
        }
        if let file, let entry = file.entries[setting.key], !entry.text.isEmpty {
            return .file(path: file.path, line: entry.line)
        }
        return .compiledDefault
    }

    // MARK: - Keys nobody knows

    private func unknownFileKeys() -> [SettingsProblem] {
        guard let file else { return [] }
        return file.entries
            .sorted { ($0.value.line ?? 0, $0.key) < ($1.value.line ?? 0, $1.key) }
            .compactMap { key, entry in
                // `hls:` alone, with everything below it in comments, asks for nothing.
                if entry.text.isEmpty, KeyNames.isSection(key) { return nil }
                return KeyNames.problem(with: key, source: .file(path: file.path, line: entry.line))
            }
    }

    private func unknownOptions() -> [SettingsProblem] {
        commandLine.keys.sorted().compactMap { key in
            KeyNames.problem(with: key, source: .commandLine(option: "--" + key.replacing(".", with: "-")))
        }
    }

    private func unknownVariables() -> (warnings: [SettingsProblem], refused: [SettingsProblem]) {
        let known = Set(Setting.all.map(\.environmentName)).union(Self.otherVariables)
        var warnings: [SettingsProblem] = []
        var refused: [SettingsProblem] = []
        for (name, text) in environment.sorted(by: { $0.key < $1.key })
        where name.hasPrefix("MARTLET_") && !known.contains(name) && !text.isEmpty {
            if UnsupportedKeys.containsEnvironmentName(name) {
                refused.append(
                    SettingsProblem(
                        key: nil,
                        source: .environment(name: name),
                        reason: "not supported by this version of Martlet",
                        cure: "unset it"
                    )
                )
            } else {
                let nearest = KeyNames.nearest(to: name, among: Setting.all.map(\.environmentName))
                warnings.append(
                    SettingsProblem(
                        key: nil,
                        source: .environment(name: name),
                        reason: "unknown variable, ignored",
                        cure: nearest.map { "did you mean \($0)?" } ?? "unset it"
                    )
                )
            }
        }
        return (warnings, refused)
    }

    // MARK: - Values that do not go together

    private func conflicts(in settings: Settings) -> [SettingsProblem] {
        // The media port is taken for TCP too: that is what keeps a second gateway from sharing it.
        let ports = [
            ("http.port", settings.http.port), ("rtmp.port", settings.rtmp.port),
            ("rtmps.port", settings.rtmpsPort ?? 0),
            ("webrtc.port", settings.webrtc.port),
        ]
        var problems: [SettingsProblem] = []
        for (index, (key, port)) in ports.enumerated() where port != 0 {
            for (other, otherPort) in ports[..<index] where otherPort == port {
                guard let setting = Setting.all.first(where: { $0.key == key }) else { continue }
                problems.append(
                    SettingsProblem(
                        key: key,
                        source: source(of: setting),
                        reason: "port \(port) is already taken by \(other)",
                        cure: "give each its own port"
                    )
                )
            }
        }
        return problems
    }
}

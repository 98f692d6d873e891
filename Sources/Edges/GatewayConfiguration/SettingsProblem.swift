/// One thing wrong with the configuration, in words that name the key, the place, the reason and the cure.
package struct SettingsProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// Where a value was written.
    package enum Source: Sendable, Equatable {
        case file(path: String, line: Int?)
        case environment(name: String)
        case commandLine(option: String)
        /// Nowhere: a default that conflicts with something that was set.
        case compiledDefault
    }

    /// `nil` when the file as a whole is unreadable.
    package var key: String?
    package var source: Source
    package var reason: String
    package var cure: String

    package init(key: String?, source: Source, reason: String, cure: String) {
        self.key = key
        self.source = source
        self.reason = reason
        self.cure = cure
    }

    /// The line of the file, counted from 1.
    package var line: Int? {
        if case .file(_, let line) = source { line } else { nil }
    }

    package var description: String { cause + "; " + cure }

    /// The description without the cure.
    package var cause: String {
        let place =
            switch source {
            case .file(let path, let line?): "\(path):\(line): "
            case .file(let path, nil): "\(path): "
            case .environment(let name): "\(name): "
            case .commandLine(let option): "\(option): "
            case .compiledDefault: ""
            }
        return place + (key.map { "\($0): " } ?? "") + reason
    }
}

/// Why the configuration was refused: every problem found, in the order of the keys.
package struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
    package var problems: [SettingsProblem]

    package init(problems: [SettingsProblem]) {
        self.problems = problems
    }

    /// One problem a line.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}

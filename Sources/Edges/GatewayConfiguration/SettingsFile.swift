import Yams

/// A YAML file as a flat list of keys, each with its line.
///
/// Sections nest or are written with dots, so that `http: {port: 80}` and `http.port: 80` are the same key.
/// A list becomes its entries joined by commas, which is also how the environment writes one.
package struct SettingsFile: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var text: String
        /// Counted from 1.
        package var line: Int?
    }

    package let path: String
    package let entries: [String: Entry]

    /// A file beyond this is a mistake, not a configuration.
    package static let maximumSize = 1 << 20

    /// - Parameters:
    ///   - yaml: The text of the file.
    ///   - path: Its name for messages.
    /// - Throws: ``SettingsError`` when the text is not YAML, or a key is written twice.
    package init(yaml: String, path: String) throws(SettingsError) {
        self.path = path
        var reader = Reader(path: path)
        let root: Node?
        do {
            guard yaml.utf8.count <= Self.maximumSize else { throw YamlError.memory }
            root = try compose(yaml: yaml)
        } catch {
            throw SettingsError(problems: [reader.problem(of: error, in: yaml)])
        }
        if let root { reader.read(root, key: "", depth: 0) }
        guard reader.problems.isEmpty else { throw SettingsError(problems: reader.problems) }
        entries = reader.entries
    }
}

/// Walks the tree and remembers what it cannot use.
private struct Reader {
    let path: String
    var entries: [String: SettingsFile.Entry] = [:]
    var problems: [SettingsProblem] = []

    init(path: String) {
        self.path = path
    }

    mutating func read(_ node: Node, key: String, depth: Int) {
        guard depth < 8, entries.count < 1000 else {
            return refuse(key, node.mark, "too deep or too many keys", cure: "keep to the keys of config/martlet.yaml")
        }
        switch node {
        case .mapping(let mapping):
            for (name, value) in mapping {
                guard let name = name.scalar?.string, !name.isEmpty else {
                    refuse(key, node.mark, "a key must be a word", cure: "write `name: value`")
                    continue
                }
                read(value, key: key.isEmpty ? name : "\(key).\(name)", depth: depth + 1)
            }
        case .scalar(let scalar):
            if key.isEmpty {
                // A file of comments alone is one empty scalar.
                guard scalar.string.isEmpty else {
                    return refuse(nil, scalar.mark, "the file is not a list of keys", cure: "write `key: value` lines")
                }
                return
            }
            let isNull = scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
            set(key, isNull ? "" : scalar.string, scalar.mark)
        case .sequence(let sequence):
            guard !key.isEmpty else {
                return refuse(nil, sequence.mark, "the file is a list", cure: "write `key: value` lines")
            }
            var parts: [String] = []
            for entry in sequence {
                guard let text = text(ofListEntry: entry), !text.contains(",") else {
                    return refuse(
                        key,
                        entry.mark ?? sequence.mark,
                        "a list entry is not plain text",
                        cure: "write each entry as `- value`, without commas"
                    )
                }
                parts.append(text)
            }
            set(key, parts.joined(separator: ","), sequence.mark)
        case .alias:
            refuse(key, node.mark, "aliases are not supported", cure: "write the value out")
        }
    }

    /// `{url: turn:…, secret: …}` reads like `turn:… secret=…`.
    private func text(ofListEntry node: Node) -> String? {
        if let scalar = node.scalar { return scalar.string }
        guard let mapping = node.mapping, let url = mapping["url"]?.scalar?.string else { return nil }
        var words = [url]
        for (name, value) in mapping where name.scalar?.string != "url" {
            guard let name = name.scalar?.string, let value = value.scalar?.string else { return nil }
            words.append("\(name)=\(value)")
        }
        return words.joined(separator: " ")
    }

    private mutating func set(_ key: String, _ text: String, _ mark: Mark?) {
        if let earlier = entries[key] {
            let first = earlier.line.map { " (first on line \($0))" } ?? ""
            return refuse(key, mark, "the key is written twice\(first)", cure: "remove one of the two")
        }
        entries[key] = SettingsFile.Entry(text: text, line: mark?.line)
    }

    private mutating func refuse(_ key: String?, _ mark: Mark?, _ reason: String, cure: String) {
        problems.append(
            SettingsProblem(key: key, source: .file(path: path, line: mark?.line), reason: reason, cure: cure)
        )
    }

    /// What the YAML parser has to say, with its line.
    func problem(of error: any Error, in yaml: String) -> SettingsProblem {
        var line: Int?
        var key: String?
        let reason: String
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            line = mark.line
            reason = "not valid YAML: \(problem)"
        case .reader(let problem, let offset, _, _):
            line = offset.map { offset in yaml.prefix(offset).count(where: \.isNewline) + 1 }
            reason = "not valid YAML: \(problem)"
        case .duplicatedKeysInMapping(let duplicates, let context):
            line = context.mark.line
            key = duplicates.first
            reason = "the key is written twice"
        case .memory: reason = "the file is larger than \(SettingsFile.maximumSize >> 20) MB"
        default: reason = "not valid YAML"
        }
        return SettingsProblem(
            key: key,
            source: .file(path: path, line: line),
            reason: reason,
            cure: key == nil ? "compare with config/martlet.yaml" : "remove one of the two"
        )
    }
}

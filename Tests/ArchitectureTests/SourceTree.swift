import Foundation

/// One Swift file of the project, with comments and the text of string literals blanked out.
///
/// Enough of a lexer for rules about words: it knows line and block comments and plain string
/// literals, and keeps line numbers.
struct SourceFile {
    /// Relative to the package, with forward slashes.
    var path: String
    /// The module's name: the folder below the ring.
    var module: String
    /// What the compiler reads as code, line by line.
    var code: [String]

    /// Module names behind `import`, with scoped imports (`import struct Foundation.Date`) reduced to the module.
    var imports: [(module: String, line: Int)] {
        code.enumerated().compactMap { index, line in
            let words = line.split(separator: " ")
            guard let keyword = words.firstIndex(of: "import"),
                words[..<keyword].allSatisfy({ Self.importModifiers.contains($0) || $0.hasPrefix("@") })
            else { return nil }
            let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "let", "var", "typealias"]
            guard let name = words[(keyword + 1)...].first(where: { !kinds.contains($0) }) else { return nil }
            return (String(name.prefix { $0 != "." }), index + 1)
        }
    }

    private static let importModifiers: Set<Substring> = ["package", "public", "internal", "private", "fileprivate"]
}

/// The sources of the package this test was compiled from.
enum SourceTree {
    /// The package's folder: this file is `Tests/ArchitectureTests/SourceTree.swift` in it.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Every Swift file below `Sources` and `signaling/Sources`, in the order of their paths.
    static let files: [SourceFile] = {
        let prefix = root.path(percentEncoded: false)
        let found = ["Sources", "signaling/Sources"].flatMap { folder in
            FileManager.default.enumerator(at: root.appending(path: folder), includingPropertiesForKeys: nil)?
                .compactMap { $0 as? URL } ?? []
        }
        return found.filter { $0.pathExtension == "swift" }.compactMap { url in
            let full = url.path(percentEncoded: false)
            let path = full.hasPrefix(prefix) ? String(full.dropFirst(prefix.count)) : full
            let parts = path.split(separator: "/")
            guard parts.count >= 4, let text = try? String(contentsOf: url, encoding: .utf8) else { return nil }
            return SourceFile(path: path, module: String(parts[2]), code: code(of: text))
        }
        .sorted { $0.path < $1.path }
    }()

    /// Blanks out comments and string literals, keeping the line breaks.
    static func code(of text: String) -> [String] {
        enum State { case code, lineComment, blockComment(depth: Int), string, multilineString }
        var state = State.code
        var lines = [""]
        var rest = Substring(text)
        func starts(_ token: String) -> Bool { rest.hasPrefix(token) }
        while let character = rest.first {
            var consumed = 1
            switch state {
            case .code where starts("//"): state = .lineComment
            case .code where starts("/*"): (state, consumed) = (.blockComment(depth: 1), 2)
            case .code where starts("\"\"\""): (state, consumed) = (.multilineString, 3)
            case .code where character == "\"": state = .string
            case .code where character != "\n": lines[lines.count - 1].append(character)
            case .blockComment(let depth) where starts("/*"): (state, consumed) = (.blockComment(depth: depth + 1), 2)
            case .blockComment(let depth) where starts("*/"):
                (state, consumed) = (depth == 1 ? .code : .blockComment(depth: depth - 1), 2)
            case .string where character == "\\", .multilineString where character == "\\": consumed = 2
            case .string where character == "\"": state = .code
            case .multilineString where starts("\"\"\""): (state, consumed) = (.code, 3)
            default: break
            }
            if rest.prefix(consumed).contains("\n") {
                lines.append("")
                switch state {
                case .lineComment, .string: state = .code
                default: break
                }
            }
            rest = rest.dropFirst(consumed)
        }
        return lines
    }
}

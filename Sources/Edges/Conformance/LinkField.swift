/// One link of a `Link` field (RFC 8288 §3).
struct LinkField: Hashable, Sendable {
    /// The address between `<` and `>`, as it stands.
    var target: String
    /// Names in lower case; the first of equal names counts (RFC 8288 §3.3).
    var parameters: [String: String]

    /// What `rel` says the link is; several words are several relations.
    var relations: [String] {
        (parameters["rel"] ?? "").split(separator: " ").map { $0.lowercased() }
    }

    /// The rest of a longer list is not read.
    static let maximumLinks = 64

    /// Reads the values of all `Link` fields of an answer.
    ///
    /// Goes on with the next field behind one that is not well formed.
    ///
    /// - Returns: The links, at most ``maximumLinks``, and whether each field was well formed.
    static func parse(_ values: [String]) -> (links: [LinkField], isWellFormed: Bool) {
        var links: [LinkField] = []
        var isWellFormed = true
        for value in values {
            var scanner = Scanner(bytes: Array(value.utf8))
            repeat {
                guard links.count < maximumLinks else { return (links, isWellFormed) }
                guard let link = scanner.link() else {
                    isWellFormed = false
                    break
                }
                links.append(link)
            } while scanner.skip(UInt8(ascii: ","))
            if !scanner.isAtEnd { isWellFormed = false }
        }
        return (links, isWellFormed)
    }

    private struct Scanner {
        let bytes: [UInt8]
        var position = 0

        init(bytes: [UInt8]) {
            self.bytes = bytes
        }

        var isAtEnd: Bool { position >= bytes.count }
        private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

        mutating func link() -> LinkField? {
            guard skip(UInt8(ascii: "<")) else { return nil }
            let target = take { $0 != UInt8(ascii: ">") }
            guard skip(UInt8(ascii: ">")) else { return nil }
            var parameters: [String: String] = [:]
            while skip(UInt8(ascii: ";")) {
                skipSpace()
                let name = take(Self.isTokenByte).lowercased()
                guard !name.isEmpty else { return nil }
                var value = ""
                if skip(UInt8(ascii: "=")) {
                    skipSpace()
                    guard let parsed = next == UInt8(ascii: "\"") ? quoted() : take(Self.isTokenByte) else {
                        return nil
                    }
                    value = parsed
                }
                if parameters[name] == nil { parameters[name] = value }
                skipSpace()
            }
            return LinkField(target: target, parameters: parameters)
        }

        /// Takes `byte` and the spaces around it.
        mutating func skip(_ byte: UInt8) -> Bool {
            skipSpace()
            guard next == byte else { return false }
            position += 1
            skipSpace()
            return true
        }

        private mutating func skipSpace() {
            while next == UInt8(ascii: " ") || next == UInt8(ascii: "\t") { position += 1 }
        }

        private mutating func take(_ isWanted: (UInt8) -> Bool) -> String {
            let start = position
            while let byte = next, isWanted(byte) { position += 1 }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }

        private mutating func quoted() -> String? {
            position += 1
            var value: [UInt8] = []
            while let byte = next {
                position += 1
                if byte == UInt8(ascii: "\"") { return String(decoding: value, as: UTF8.self) }
                if byte == UInt8(ascii: "\\") {
                    guard let escaped = next else { return nil }
                    position += 1
                    value.append(escaped)
                } else {
                    value.append(byte)
                }
            }
            return nil
        }

        /// RFC 9110 §5.6.2.
        private static func isTokenByte(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
        }
    }
}

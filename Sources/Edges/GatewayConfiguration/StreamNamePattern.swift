/// Stream names in settings, where `*` stands for anything.
enum StreamNamePattern {
    /// Returns `text` if it is 1 to 128 of `A-Z a-z 0-9 . _ - *`.
    static func check(_ text: some StringProtocol) throws(InvalidValue) -> String {
        guard (1...128).contains(text.utf8.count), text.utf8.allSatisfy(isAllowed) else {
            throw InvalidValue(
                "`\(text)` is not a stream name",
                cure: "use A-Z a-z 0-9 . _ - and * for anything"
            )
        }
        return String(text)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "._-*".utf8.contains(byte)
        }
    }
}

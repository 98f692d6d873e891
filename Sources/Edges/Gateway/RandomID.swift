/// Names that nobody can guess, for session resources.
enum RandomID {
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)

    /// 24 characters, 124 random bits: knowing a session's path is the right to end it.
    static func make() -> String {
        String(decoding: (0..<24).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] }, as: UTF8.self)
    }
}

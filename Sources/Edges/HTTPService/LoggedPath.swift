/// A path as a log may show it: what was asked for, without anything that opens something.
///
/// The address of a session stands for the right to it, a signed address for the right to watch, and people put tokens
/// where they do not belong.
enum LoggedPath {
    /// The names of streams, which stand second, may be longer.
    private static let maximumName = 64
    private static let maximumWord = 24
    private static let maximumWords = 6
    /// What may stand behind the address of a session.
    private static let words: Set<String> = ["layer", "events"]
    /// Where the addresses of sessions and connections begin.
    private static let secretive: Set<Substring> = ["whip", "whep", "signaling"]

    /// - Parameter path: Of a request, without its query.
    /// - Returns: At most about 200 bytes.
    static func text(_ path: String) -> String {
        let parts = path.split(separator: "/" as Character).prefix(maximumWords)
        let isOfSession = parts.first.map { secretive.contains($0) } ?? false
        let shown = parts.enumerated().map { index, part in
            if part.hasPrefix("~") { return "~…" }
            if isOfSession, index > 1, !words.contains(String(part)) { return "…" }
            let limit = index == 1 ? maximumName : maximumWord
            return part.utf8.count > limit ? part.prefix(6) + "…" : String(part)
        }
        return "/" + shown.joined(separator: "/")
    }
}

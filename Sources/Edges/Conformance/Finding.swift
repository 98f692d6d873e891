/// What became of one row.
package struct Finding: Hashable, Sendable {
    package enum Verdict: String, Hashable, Sendable {
        case passed
        case failed
        /// It could not be tried, or the server does without what the row is about.
        case skipped
    }

    package var row: Row
    package var verdict: Verdict
    /// What the server did, or why nothing was tried; one line of printable ASCII, without a credential.
    package var seen: String

    package init(_ row: Row, _ verdict: Verdict, _ seen: String) {
        self.row = row
        self.verdict = verdict
        self.seen = seen
    }
}

/// Text of a server under test, fit for a terminal.
enum Quoted {
    static let maximumLength = 80

    /// Printable ASCII of at most ``maximumLength`` characters; everything else is replaced.
    ///
    /// A server must not be able to steer the terminal of whoever tests it.
    static func line(_ text: String) -> String {
        var line = ""
        for scalar in text.unicodeScalars.prefix(maximumLength) {
            line.unicodeScalars.append((0x20...0x7E).contains(scalar.value) ? scalar : "?")
        }
        return text.unicodeScalars.count > maximumLength ? line + "..." : line
    }
}

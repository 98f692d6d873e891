/// What has been seen of each row so far: many observations come to one finding.
struct PlaylistLedger: Sendable {
    private enum Entry {
        case passed(count: Int, seen: String)
        case failed(String)
        case skipped(String)
    }

    private typealias Entries = [PlaylistRow: Entry]

    private var entries: Entries = [:]
    /// What was seen of each media playlist, in the order in which they were named.
    private var playlists: [(name: String, entries: Entries)] = []
    /// The media playlist that is being looked at; `nil` for what concerns them all.
    var subject: String?

    /// Notes one observation, of all playlists together and of the ``subject``.
    ///
    /// The first failure stays; of what passes, the last is shown.
    mutating func note(_ row: PlaylistRow, _ passes: Bool, _ seen: @autoclosure () -> String) {
        let seen = seen()
        guard let subject else { return Self.note(row, passes, seen, in: &entries) }
        Self.note(row, passes, passes ? seen : "\(subject): \(seen)", in: &entries)
        if let index = playlists.firstIndex(where: { $0.name == subject }) {
            Self.note(row, passes, seen, in: &playlists[index].entries)
        } else {
            playlists.append((subject, [:]))
            Self.note(row, passes, seen, in: &playlists[playlists.count - 1].entries)
        }
    }

    private static func note(_ row: PlaylistRow, _ passes: Bool, _ seen: String, in entries: inout Entries) {
        switch (entries[row], passes) {
        case (.failed, _): break
        case (_, false): entries[row] = .failed(seen)
        case (.passed(let count, _), true): entries[row] = .passed(count: count + 1, seen: seen)
        case (_, true): entries[row] = .passed(count: 1, seen: seen)
        }
    }

    /// Says why a row is not looked at, unless it was.
    mutating func skip(_ rows: [PlaylistRow], _ reason: String) {
        for row in rows where entries[row] == nil { entries[row] = .skipped(reason) }
    }

    func hasFailed(_ row: PlaylistRow) -> Bool {
        if case .failed = entries[row] { true } else { false }
    }

    /// A finding for each row, of all playlists together.
    var findings: [PlaylistFinding] { Self.findings(in: entries) }

    /// The rows that were looked at in each media playlist.
    var findingsByPlaylist: [(name: String, findings: [PlaylistFinding])] {
        playlists.map { playlist in
            (playlist.name, Self.findings(in: playlist.entries).filter { playlist.entries[$0.row] != nil })
        }
    }

    private static func findings(in entries: Entries) -> [PlaylistFinding] {
        PlaylistRow.allCases.map { row in
            switch entries[row] {
            case .passed(let count, let seen):
                PlaylistFinding(
                    row: row, verdict: .passed, seen: Quoted.line(count > 1 ? "\(seen) (\(count) looks)" : seen))
            case .failed(let seen): PlaylistFinding(row: row, verdict: .failed, seen: Quoted.line(seen))
            case .skipped(let reason): PlaylistFinding(row: row, verdict: .skipped, seen: Quoted.line(reason))
            case nil: PlaylistFinding(row: row, verdict: .skipped, seen: "nothing of it was seen")
            }
        }
    }
}

/// What became of one row.
package struct PlaylistFinding: Hashable, Sendable {
    package var row: PlaylistRow
    package var verdict: Finding.Verdict
    /// What the server did, or why nothing was tried; one line of printable ASCII.
    package var seen: String
}

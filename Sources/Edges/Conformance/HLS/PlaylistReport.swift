import Telemetry

/// What a run against HLS found.
package struct PlaylistReport: Tally, Sendable {
    /// The address without its query, which may hold a credential.
    package var address: String
    /// One for each row, in the order of ``PlaylistRow``.
    package var findings: [PlaylistFinding]
    /// The rows that were looked at in each media playlist, in the order in which they are named.
    package var playlists: [(name: String, findings: [PlaylistFinding])]
    /// Whether the run went through to its end.
    package var isComplete: Bool

    package var verdicts: [(verdict: Finding.Verdict, level: Requirement.Level)] {
        findings.map { ($0.verdict, $0.row.requirement.level) }
    }

    /// One line for each row, topic by topic, and what they come to.
    package var table: String {
        var lines: [String] = []
        var topic: Substring = ""
        for finding in findings {
            if finding.row.topic != topic {
                topic = finding.row.topic
                lines += lines.isEmpty ? [] : [""]
            }
            lines.append(
                Report.line(
                    finding.verdict, finding.row.requirement, id: finding.row.rawValue, source: finding.row.source,
                    seen: finding.seen))
        }
        return lines.joined(separator: "\n") + "\n\n" + playlistLines + summary
    }

    /// What each media playlist comes to, and the rows that it fails.
    private var playlistLines: String {
        guard playlists.count > 1 else { return "" }
        let lines = playlists.map { playlist in
            let failed = playlist.findings.filter { $0.verdict == .failed }.map(\.row.rawValue)
            let passed = playlist.findings.count { $0.verdict == .passed }
            return "\(playlist.name): \(passed) passed"
                + (failed.isEmpty ? "" : ", failed: \(failed.joined(separator: " "))")
        }
        return lines.joined(separator: "\n") + "\n\n"
    }

    package var subject: String { "HLS \(address)" }

    /// One JSON object, on one line.
    package var json: String {
        let rows = findings.map { finding in
            """
            {"id":\(JSONText.quote(finding.row.rawValue)),"level":"\(finding.row.requirement.level.rawValue)",\
            "requirement":\(JSONText.quote(finding.row.requirement.text)),\
            "source":\(JSONText.quote(finding.row.source)),\
            "verdict":"\(finding.verdict.rawValue)","seen":\(JSONText.quote(finding.seen))}
            """
        }
        let ofPlaylists = playlists.map { playlist in
            let rows = playlist.findings.map { finding in
                """
                {"id":\(JSONText.quote(finding.row.rawValue)),"verdict":"\(finding.verdict.rawValue)",\
                "seen":\(JSONText.quote(finding.seen))}
                """
            }
            return "{\"name\":\(JSONText.quote(playlist.name)),\"rows\":[\(rows.joined(separator: ","))]}"
        }
        return """
            {"url":\(JSONText.quote(address)),"kind":"hls","conforms":\(isPassed),"complete":\(isComplete),\
            "passed":\(count(.passed)),"failed":\(count(.failed)),"skipped":\(count(.skipped)),\
            "rows":[\(rows.joined(separator: ","))],"playlists":[\(ofPlaylists.joined(separator: ","))]}
            """
    }
}

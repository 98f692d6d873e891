import Telemetry

/// What a run against HLS found.
package struct PlaylistReport: Sendable {
    /// The address without its query, which may hold a credential.
    package var address: String
    /// One for each row, in the order of ``PlaylistRow``.
    package var findings: [PlaylistFinding]
    /// Whether the run went through to its end.
    package var isComplete: Bool

    /// Whether nothing that MUST be is missing, and everything was tried.
    package var isPassed: Bool {
        isComplete && !findings.contains { $0.verdict == .failed && $0.row.requirement.level == .must }
    }

    package func count(_ verdict: Finding.Verdict) -> Int {
        findings.count { $0.verdict == verdict }
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
        return lines.joined(separator: "\n") + "\n\n" + summary
    }

    package var summary: String {
        let musts = findings.count { $0.verdict == .failed && $0.row.requirement.level == .must }
        let verdict = !isComplete ? "not finished" : isPassed ? "conforms" : "does not conform"
        return "HLS \(address) \(verdict): \(count(.passed)) passed, \(count(.failed)) failed (\(musts) of them MUST), "
            + "\(count(.skipped)) skipped"
    }

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
        return """
            {"url":\(JSONText.quote(address)),"kind":"hls","conforms":\(isPassed),"complete":\(isComplete),\
            "passed":\(count(.passed)),"failed":\(count(.failed)),"skipped":\(count(.skipped)),\
            "rows":[\(rows.joined(separator: ","))]}
            """
    }
}

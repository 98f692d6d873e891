import Foundation
import Telemetry

/// What a run found.
package struct Report: Tally, Sendable {
    package var endpoint: Endpoint
    /// One for each row of the endpoint's kind, in the order of ``Row``.
    package var findings: [Finding]
    /// Whether the run went through to its end.
    package var isComplete: Bool

    package init(endpoint: Endpoint, findings: [Finding], isComplete: Bool) {
        self.endpoint = endpoint
        self.findings = findings
        self.isComplete = isComplete
    }

    package var verdicts: [(verdict: Finding.Verdict, level: Requirement.Level)] {
        findings.map { ($0.verdict, $0.row.requirement.level) }
    }

    /// The address without its query, which may hold a credential.
    private var address: String {
        let text = endpoint.url.absoluteString
        return Quoted.line(String(text.prefix { $0 != "?" }))
    }

    // MARK: For people

    /// One line for each row, topic by topic, and what they come to.
    package var table: String {
        var lines: [String] = []
        var topic: Substring = ""
        for finding in findings {
            if finding.row.topic != topic {
                topic = finding.row.topic
                lines += lines.isEmpty ? [] : [""]
            }
            lines.append(Self.line(finding, endpoint.kind))
        }
        return lines.joined(separator: "\n") + "\n\n" + summary
    }

    package static func line(_ finding: Finding, _ kind: EndpointKind) -> String {
        let requirement = finding.row.requirement
        return line(
            finding.verdict, requirement, id: finding.row.rawValue, source: requirement.source(for: kind) ?? "",
            seen: finding.seen)
    }

    static func line(
        _ verdict: Finding.Verdict, _ requirement: Requirement, id: String, source: String, seen: String
    ) -> String {
        let mark =
            switch verdict {
            case .passed: "pass"
            case .failed: "FAIL"
            case .skipped: "skip"
            }
        return pad(mark, 6) + pad(requirement.level.rawValue, 8) + pad(id, 30)
            + "\(requirement.text) (\(source)): \(seen)"
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.utf8.count))
    }

    package var subject: String { "\(endpoint.kind.rawValue.uppercased()) \(address)" }

    // MARK: For machines

    /// One JSON object, on one line.
    package var json: String {
        let rows = findings.map { finding in
            let requirement = finding.row.requirement
            return """
                {"id":\(JSONText.quote(finding.row.rawValue)),"level":"\(requirement.level.rawValue)",\
                "requirement":\(JSONText.quote(requirement.text)),\
                "source":\(JSONText.quote(requirement.source(for: endpoint.kind) ?? "")),\
                "verdict":"\(finding.verdict.rawValue)","seen":\(JSONText.quote(finding.seen))}
                """
        }
        return """
            {"url":\(JSONText.quote(address)),"kind":"\(endpoint.kind.rawValue)","conforms":\(isPassed),\
            "complete":\(isComplete),"passed":\(count(.passed)),"failed":\(count(.failed)),\
            "skipped":\(count(.skipped)),"rows":[\(rows.joined(separator: ","))]}
            """
    }
}

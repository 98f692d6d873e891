import Conformance
import Foundation
import Testing

@Suite("Report")
struct ReportTests {
    private func report(_ findings: [Finding], isComplete: Bool = true) throws -> Report {
        Report(
            endpoint: try Endpoint("http://localhost/whep/cam?token=secret"), findings: findings,
            isComplete: isComplete)
    }

    @Test func `only what MUST be decides, and only a whole run passes`() throws {
        let passed = Finding(.created, .passed, "201")
        #expect(try report([passed, Finding(.acceptPost, .failed, "none")]).isPassed)
        #expect(try !report([passed, Finding(.get, .failed, "405")]).isPassed)
        #expect(try !report([passed], isComplete: false).isPassed)
    }

    @Test func `a machine reads what people read`() throws {
        let report = try report([Finding(.created, .passed, "201"), Finding(.get, .failed, "a \"quote\"")])
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? [String: Any])
        #expect(object["url"] as? String == "http://localhost/whep/cam")
        #expect(object["kind"] as? String == "whep" && object["conforms"] as? Bool == false)
        let rows = try #require(object["rows"] as? [[String: String]])
        #expect(rows.map { $0["id"] } == ["offer.created", "endpoint.get"])
        #expect(rows[1]["seen"] == "a \"quote\"" && rows[1]["level"] == "MUST" && rows[1]["verdict"] == "failed")
        #expect(rows[1]["source"] == "WHEP, HTTP usage")
        #expect(!report.table.contains("secret") && !report.json.contains("secret"))
        #expect(report.summary.hasSuffix("does not conform: 1 passed, 1 failed (1 of them MUST), 0 skipped"))
    }

    @Test func `rows have names of their own, and each belongs to some kind of endpoint`() {
        #expect(Set(Row.allCases.map(\.rawValue)).count == Row.allCases.count)
        for row in Row.allCases {
            #expect(row.rawValue.split(separator: ".").count == 2)
            #expect(row.requirement.whip != nil || row.requirement.whep != nil)
        }
    }
}

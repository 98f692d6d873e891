import Conformance
import HTTPTypes
import Testing

@Suite("Examination of endpoints")
struct ExaminationTests {
    @Test(arguments: EndpointKind.allCases)
    func `a server that does everything right passes every row`(kind: EndpointKind) async throws {
        let server = ReferenceServer()
        let report = try await Run.examine(server, Run.path(kind))
        #expect(report.findings.map(\.row) == Row.all(for: kind))
        #expect(report.rows(.failed).isEmpty, "\(report.table)")
        #expect(report.rows(.skipped) == [.redirect], "\(report.table)")
        #expect(report.isPassed)
        #expect(server.openSessions == 0)
    }

    @Test(arguments: Flaw.all)
    func `a flaw fails the rows that are about it and no others`(flaw: Flaw) async throws {
        let server = ReferenceServer(flaw: flaw)
        let report = try await Run.examine(server, Run.path(flaw.kind))
        #expect(report.rows(.failed) == flaw.fails, "\(report.table)")
        #expect(report.isPassed == !flaw.fails.contains { $0.requirement.level == .must })
        #expect(!report.findings.contains { $0.seen == "not tried" }, "\(report.table)")
        if !flaw.leavesSessions { #expect(server.openSessions == 0) }
    }

    @Test func `each row has a server that fails it`() {
        let failed = Flaw.all.reduce(into: Set<Row>()) { $0.formUnion($1.fails) }
        // Redirects and dates have tests of their own.
        #expect(Set(Row.allCases).subtracting(failed) == [.redirect, .date])
    }

    @Test(arguments: [(307, Finding.Verdict.passed), (308, .passed), (301, .failed), (302, .failed), (303, .failed)])
    func `an offer is followed where it is sent, and judged by how`(
        status: Int, verdict: Finding.Verdict
    ) async throws {
        let server = ReferenceServer()
        let report = try await Run.examine(server, "/redirected/\(status)/whep/cam")
        let finding = try #require(report.findings.first { $0.row == .redirect })
        #expect(finding.verdict == verdict && finding.seen == String(status))
        #expect(report.rows(.passed).isSuperset(of: [.created, .location, .trickle, .end]), "\(report.table)")
        #expect(server.openSessions == 0)
    }

    @Test func `a stream that nobody publishes is a failure with a hint`() async throws {
        let report = try await Run.examine(ReferenceServer(), "/whep/other")
        let finding = try #require(report.findings.first { $0.row == .created })
        #expect(finding.verdict == .failed && finding.seen.contains("name one that is live"))
        #expect(!report.isPassed)
    }

    @Test func `a good token opens what a bad one does not, and stands nowhere in the report`() async throws {
        let good = try await Run.examine(ReferenceServer(), "/whep/cam?key=hidden", token: "good")
        #expect(good.isPassed, "\(good.table)")
        let bad = try await Run.examine(ReferenceServer(), "/whep/cam", token: "no-good-secret")
        #expect(!bad.isPassed)
        for text in [good.table, good.json, bad.table, bad.json] {
            #expect(!text.contains("no-good-secret") && !text.contains("hidden"))
        }
        #expect(bad.findings.contains { $0.seen == "401: give a token with --token" })
    }

    @Test(arguments: [405, 422, 501])
    func `a server without PATCH conforms, as long as it has no ETag to offer`(status: Int) async throws {
        let flaw = Flaw("no PATCH", fails: []) { request, response in
            if request.isPatch, request.fields[.contentType] != "application/sdp" {
                response = ProbeResponse(status: status, fields: response.fields)
                response.fields[.allow] = "DELETE"
            }
            if response.status == 201 { response.fields[.eTag] = nil }
        }
        let report = try await Run.examine(ReferenceServer(flaw: flaw), "/whip/cam")
        #expect(report.isPassed, "\(report.table)")
        #expect(report.rows(.skipped).isSuperset(of: [.trickle, .patchStale, .restart, .entityTag]), "\(report.table)")
        #expect(report.rows(.passed).isSuperset(of: [.end, .endAgain]))
    }

    @Test func `a server that makes all the offers itself conforms`() async throws {
        let flaw = Flaw("counter-offers", fails: []) { request, _ in
            guard request.isPost, request.fields[.contentType] == "application/sdp" else { return }
            let text = String(decoding: request.body ?? [], as: UTF8.self)
            request.body = Array(text.replacing("a=group:BUNDLE 0 1\r\n", with: "").utf8)
        }
        let server = ReferenceServer(flaw: flaw)
        let report = try await Run.examine(server, "/whep/cam")
        #expect(report.rows(.failed).isEmpty, "\(report.table)")
        #expect(report.rows(.passed).isSuperset(of: [.counterOffer, .counterOfferSDP, .counterOfferAnswer]))
        #expect(report.rows(.skipped).contains(.created))
        #expect(server.openSessions == 0)
    }
}

import Conformance
import Foundation
import Testing

@Suite("Examining HLS")
struct PlaylistExaminationTests {
    /// A run of forty seconds by the origin's own clock.
    private func examine(_ origin: ReferenceOrigin, _ name: String = "index.m3u8") async throws -> PlaylistReport {
        let endpoint = try Endpoint("https://origin.example/hls/cam/\(name)?key=hidden", kind: .whep)
        let world = PlaylistExamination.World(
            transport: origin, now: { origin.now }, wait: { origin.wait($0) })
        return await PlaylistExamination(endpoint, seconds: 40, world: world).run()
    }

    private func rows(_ report: PlaylistReport, _ verdict: Finding.Verdict) -> Set<PlaylistRow> {
        Set(report.findings.filter { $0.verdict == verdict }.map(\.row))
    }

    @Test func `an origin that does everything right passes every row but the end`() async throws {
        let report = try await examine(ReferenceOrigin())
        #expect(rows(report, .failed).isEmpty, "\(report.table)")
        #expect(rows(report, .skipped) == [.ended], "\(report.table)")
        #expect(report.isPassed)
    }

    @Test(arguments: PlaylistFlaw.all)
    func `a flaw fails its rows and no other`(flaw: PlaylistFlaw) async throws {
        let report = try await examine(ReferenceOrigin(flaw: flaw), flaw.address)
        #expect(rows(report, .failed) == flaw.fails, "\(report.table)")
        let isHarmless = flaw.fails.allSatisfy { $0.requirement.level != .must }
        #expect(report.isPassed == isHarmless)
    }

    @Test func `every row has a flaw that fails it`() {
        let failed = PlaylistFlaw.all.reduce(into: Set<PlaylistRow>()) { $0.formUnion($1.fails) }
        #expect(Set(PlaylistRow.allCases).subtracting(failed).isEmpty)
    }

    @Test func `a media playlist alone can be examined`() async throws {
        let report = try await examine(ReferenceOrigin(), "video.m3u8")
        #expect(report.isPassed, "\(report.table)")
        #expect(rows(report, .skipped).isSuperset(of: [.multivariant, .codecs, .reports]))
    }

    @Test func `a playlist that ends and stays is followed no longer`() async throws {
        let flaw = PlaylistFlaw.lines("it ends", fails: []) { lines, now, _ in
            now < 70 ? lines : Self.ended
        }
        let origin = ReferenceOrigin(flaw: flaw)
        let report = try await examine(origin)
        #expect(rows(report, .passed).contains(.ended), "\(report.table)")
        #expect(origin.now < 90)
    }

    private static let ended =
        ReferencePlaylist(name: "video.m3u8", edge: (38, 0), skips: false).lines.filter { !$0.contains("HINT") }
        + ["#EXT-X-ENDLIST"]

    @Test func `a run is bounded in requests, and says when it was cut short`() async throws {
        let origin = ReferenceOrigin()
        let endpoint = try Endpoint("https://origin.example/hls/cam/index.m3u8", kind: .whep)
        let world = PlaylistExamination.World(transport: origin, now: { origin.now }, wait: { origin.wait($0) })
        let report = await PlaylistExamination(endpoint, seconds: 4000, world: world, maximumRequests: 30).run()
        #expect(origin.requests == 30)
        #expect(!report.isComplete && !report.isPassed)
    }

    @Test func `what is no playlist fails, and the address shows no query`() async throws {
        let flaw = PlaylistFlaw.after("no playlist", fails: []) { _, response in response.body = Array("<html>".utf8) }
        let report = try await examine(ReferenceOrigin(flaw: flaw))
        #expect(!report.isPassed)
        #expect(rows(report, .failed).isSuperset(of: [.multivariant]))
        #expect(!report.table.contains("hidden") && !report.json.contains("hidden"))
    }
}

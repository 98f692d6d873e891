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

    /// An origin of which one playlist says something else.
    private func origin(of playlist: String, _ text: String, _ other: String) -> ReferenceOrigin {
        ReferenceOrigin(
            flaw: .after("one playlist", fails: []) { request, response in
                guard request.name == playlist else { return }
                response.body = Array(String(decoding: response.body, as: UTF8.self).replacing(text, with: other).utf8)
            })
    }

    @Test(arguments: ["video.m3u8", "small.m3u8", "audio.m3u8"])
    func `a flaw of any variant or rendition is found, and it is said whose it is`(playlist: String) async throws {
        let report = try await examine(origin(of: playlist, "DURATION=0.500", "DURATION=0.600"))
        #expect(rows(report, .failed) == [.partTarget, .partSum], "\(report.table)")
        #expect(report.playlists.map(\.name) == ["video.m3u8", "small.m3u8", "audio.m3u8"])
        for (name, findings) in report.playlists {
            let failed = Set(findings.filter { $0.verdict == .failed }.map(\.row))
            #expect(failed == (name == playlist ? [.partTarget, .partSum] : []))
            #expect(findings.count { $0.verdict == .passed } > 20)
        }
        #expect(report.table.contains("failed: part.target part.sum"))
        #expect(report.findings.contains { $0.row == .partSum && $0.seen.hasPrefix("\(playlist): ") })
        #expect(report.json.contains("{\"name\":\"\(playlist)\",\"rows\":["))
    }

    @Test func `a second variant that is not there fails the run`() async throws {
        let missing = PlaylistFlaw.after("not there", fails: []) { request, response in
            if request.name == "small.m3u8" { response = ProbeResponse(status: 404) }
        }
        let report = try await examine(ReferenceOrigin(flaw: missing))
        #expect(rows(report, .failed).contains(.syntax), "\(report.table)")
        #expect(!report.isPassed)
    }

    @Test func `no more playlists are followed than may be`() async throws {
        let many = PlaylistFlaw.after("many", fails: []) { request, response in
            guard request.isMultivariant else { return }
            let variants = (0..<40).map { "#EXT-X-STREAM-INF:BANDWIDTH=100000\nvideo.m3u8?\($0)\n" }
            response.body = Array(("#EXTM3U\n#EXT-X-VERSION:9\n" + variants.joined()).utf8)
        }
        let origin = ReferenceOrigin(flaw: many)
        let endpoint = try Endpoint("https://origin.example/hls/cam/index.m3u8", kind: .whep)
        let world = PlaylistExamination.World(transport: origin, now: { origin.now }, wait: { origin.wait($0) })
        let examination = PlaylistExamination(endpoint, seconds: 1, world: world)
        _ = await examination.run()
        #expect(await examination.tracks.count == PlaylistExamination.maximumTracks)
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

import Testing

@testable import HTTPService

@Suite("Paths in logs")
struct LoggedPathTests {
    @Test(arguments: [
        ("/", "/"), ("/whip/cam", "/whip/cam"), ("/hls/cam/index.m3u8", "/hls/cam/index.m3u8"),
        ("/api/v1/streams/cam/sessions", "/api/v1/streams/cam/sessions"), ("/favicon.ico", "/favicon.ico"),
        ("/whep/cam/0f1e2d3c4b5a69788796a5b4c3d2e1f0", "/whep/cam/…"), ("/whip/cam/short", "/whip/cam/…"),
        ("/whep/cam/0f1e2d3c/events/9a8b7c", "/whep/cam/…/events/…"), ("/whep/cam/0f1e2d3c/layer", "/whep/cam/…/layer"),
        ("/signaling/connections/0f1e2d3c4b5a6978", "/signaling/connections/…"),
        ("/signaling/events", "/signaling/events"),
        ("/hls/cam/~1800000000.0f1e2d3c/index.m3u8", "/hls/cam/~…/index.m3u8"),
        ("/hls/-cam/~x/y/0f1e2d3c4b5a69788796a5b4c3d2e1f0", "/hls/-cam/~…/y/0f1e2d…"),
    ])
    func `it is told what was asked for, and not by what right`(path: String, shown: String) {
        #expect(LoggedPath.text(path) == shown)
    }

    @Test func `whatever somebody sends, a line stays a line`() {
        for path in [
            "/" + String(repeating: "x", count: 10_000), String(repeating: "/x", count: 10_000),
            "/a/" + String(repeating: "é", count: 10_000), String(repeating: "/", count: 10_000),
        ] {
            #expect(LoggedPath.text(path).utf8.count < 200)
        }
    }
}

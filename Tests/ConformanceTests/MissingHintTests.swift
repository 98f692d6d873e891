import M3U8
import Testing

@testable import Conformance

@Suite("Playlists that hint at no part")
struct MissingHintTests {
    /// Two complete segments, and what follows them.
    private func playlist(_ lines: String...) throws -> MediaPlaylist {
        let text =
            """
            #EXTM3U
            #EXT-X-VERSION:9
            #EXT-X-TARGETDURATION:2
            #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5
            #EXT-X-PART-INF:PART-TARGET=0.5
            #EXT-X-MEDIA-SEQUENCE:7
            #EXT-X-MAP:URI="init.mp4"
            #EXTINF:2,
            7.m4s
            #EXTINF:2,
            8.m4s

            """ + lines.map { $0 + "\n" }.joined()
        let bytes = Array(text.utf8)
        return try MediaPlaylist(parsing: bytes.span)
    }

    private let part = "#EXT-X-PART:DURATION=0.5,URI=\"9.0.m4s\""
    private let hint = "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"9.1.m4s\""

    private func fails(_ versions: MediaPlaylist...) -> Bool {
        var judge = MediaPlaylistJudge()
        var ledger = PlaylistLedger()
        for (second, version) in versions.enumerated() { _ = judge.take(version, at: Double(second), &ledger) }
        return ledger.hasFailed(.hint)
    }

    @Test func `nobody knows what comes next while the publisher is away`() throws {
        let away = try playlist()
        #expect(!fails(away, away))
        #expect(!fails(away, try playlist("#EXT-X-DISCONTINUITY", part, hint)))
    }

    @Test func `what goes on without a break could have been hinted at`() throws {
        #expect(fails(try playlist(), try playlist(part, hint)))
    }

    @Test func `a segment in the making has a next part`() throws {
        #expect(fails(try playlist(part)))
        #expect(!fails(try playlist(part, hint)))
    }
}

import Testing

@testable import M3U8

@Suite("Media playlists, RFC 8216bis §4.4")
struct MediaPlaylistTests {
    static let live = """
        #EXTM3U
        #EXT-X-VERSION:9
        #EXT-X-TARGETDURATION:2
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5,HOLD-BACK=6.0,CAN-SKIP-UNTIL=12.0
        #EXT-X-PART-INF:PART-TARGET=0.5
        #EXT-X-MEDIA-SEQUENCE:7
        #EXT-X-DISCONTINUITY-SEQUENCE:3
        #EXT-X-INDEPENDENT-SEGMENTS
        #EXT-X-MAP:URI="init.mp4",BYTERANGE="720@0"
        # a comment
        #EXT-X-PROGRAM-DATE-TIME:1970-01-02T00:00:01.500Z
        #EXTINF:2.0,a title, with a comma
        7.m4s

        #EXT-X-DISCONTINUITY
        #EXT-X-MAP:URI="other.mp4"
        #EXT-X-PART:DURATION=0.5,URI="8.0.m4s",INDEPENDENT=YES
        #EXT-X-PART:DURATION=0.4,URI="8.1.m4s",GAP=YES,BYTERANGE="10@20"
        #EXT-X-BYTERANGE:30
        #EXTINF:0.9,
        8.m4s
        #EXT-X-PART:DURATION=0.5,URI="9.0.m4s"
        #EXT-X-PRELOAD-HINT:TYPE=PART,URI="9.1.m4s",BYTERANGE-START=5
        #EXT-X-RENDITION-REPORT:URI="audio.m3u8",LAST-MSN=9,LAST-PART=0
        #EXT-X-SOMETHING-NEW:1

        """

    static func parse(_ text: String) throws(PlaylistError) -> MediaPlaylist {
        try MediaPlaylist(parsing: Array(text.utf8).span)
    }

    @Test func `everything that a live playlist says is read`() throws {
        let playlist = try Self.parse(Self.live)
        #expect(playlist.version == 9 && playlist.targetDuration == 2 && playlist.partTarget == 0.5)
        #expect(playlist.mediaSequence == 7 && playlist.discontinuitySequence == 3 && playlist.isIndependent)
        #expect(
            playlist.control
                == .init(canSkipUntil: 12, holdBack: 6, partHoldBack: 1.5, canBlockReload: true))
        #expect(playlist.complete.map(\.uri) == ["7.m4s", "8.m4s"])
        #expect(playlist.complete.map(\.duration) == [2, 0.9])
        #expect(playlist.complete.map(\.isDiscontinuous) == [false, true])
        #expect(
            playlist.segments.map(\.map) == [
                .init(uri: "init.mp4", range: .init(length: 720, offset: 0)), .init(uri: "other.mp4"),
                .init(uri: "other.mp4"),
            ])
        #expect(playlist.segments[0].date == 86_401.5)
        #expect(playlist.segments[1].range == .init(length: 30, offset: nil))
        #expect(
            playlist.segments[1].parts == [
                .init(uri: "8.0.m4s", duration: 0.5, isIndependent: true),
                .init(uri: "8.1.m4s", duration: 0.4, isGap: true, range: .init(length: 10, offset: 20)),
            ])
        #expect(playlist.open.map(\.uri) == ["9.0.m4s"])
        #expect(playlist.nextSequence == 9 && !playlist.hasEnded && playlist.skipped == nil)
        #expect(playlist.hints == [.init(type: "PART", uri: "9.1.m4s", start: 5)])
        #expect(playlist.reports == [.init(uri: "audio.m3u8", lastSequence: 9, lastPart: 0)])
    }

    @Test func `line ends of other systems change nothing`() throws {
        #expect(try Self.parse(Self.live.replacing("\n", with: "\r\n")) == Self.parse(Self.live))
    }

    @Test func `what was skipped counts for the sequence numbers`() throws {
        let playlist = try Self.parse(
            Self.live.replacing("#EXT-X-IND", with: "#EXT-X-SKIP:SKIPPED-SEGMENTS=4\n#EXT-X-IND"))
        #expect(playlist.firstSequence == 11 && playlist.nextSequence == 13)
    }

    @Test(arguments: [
        ("", PlaylistError.noHeader), ("#EXTM3U8\n", .noHeader), ("\u{FEFF}#EXTM3U\n", .notText),
        ("#EXTM3U\n\u{7}", .notText),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:x\n", .malformed(tag: "EXT-X-TARGETDURATION", line: 2)),
        ("#EXTM3U\n#EXTINF:1,\na\n", .missing(attribute: "a value", tag: "EXT-X-TARGETDURATION", line: 1)),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:2\na.ts\n", .noDuration(line: 3)),
        ("#EXTM3U\n#EXTINF:-1,\n", .malformed(tag: "EXTINF", line: 2)),
        ("#EXTM3U\n#EXTINF:1e3,\n", .malformed(tag: "EXTINF", line: 2)),
        ("#EXTM3U\n#EXT-X-PART:DURATION=1\n", .missing(attribute: "URI", tag: "EXT-X-PART", line: 2)),
        ("#EXTM3U\n#EXT-X-PART:URI=\"a\"\n", .missing(attribute: "DURATION", tag: "EXT-X-PART", line: 2)),
        ("#EXTM3U\n#EXT-X-PART:URI=\"a\",\n", .malformed(tag: "EXT-X-PART", line: 2)),
        ("#EXTM3U\n#EXT-X-BYTERANGE:1@\n", .malformed(tag: "EXT-X-BYTERANGE", line: 2)),
        (
            "#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2026-02-30T00:00:00Z\n",
            .malformed(tag: "EXT-X-PROGRAM-DATE-TIME", line: 2)
        ),
        ("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n", .mixed),
    ])
    func `what is wrong is named with its line`(text: String, error: PlaylistError) {
        #expect(throws: error) { try Self.parse(text) }
    }

    @Test func `a playlist beyond the limits is not read`() {
        let header = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n"
        let lines = header + String(repeating: "\n", count: PlaylistLimits.maximumLines)
        #expect(throws: PlaylistError.tooLarge) { try Self.parse(lines) }
        let bytes = header + "#" + String(repeating: "x", count: PlaylistLimits.maximumSize)
        #expect(throws: PlaylistError.tooLarge) { try Self.parse(bytes) }
        let most = header + String(repeating: "\n", count: PlaylistLimits.maximumLines - 3)
        #expect(throws: Never.self) { try Self.parse(most) }
    }

    @Test func `no playlist that is cut short is more than an error`() {
        let bytes = Array(Self.live.utf8)
        for length in bytes.indices {
            let cut = Array(bytes[..<length])
            // A cut between two lines leaves a playlist, only a shorter one.
            if let playlist = try? MediaPlaylist(parsing: cut.span) {
                #expect(playlist.segments.count <= 3)
            }
        }
    }

    @Test func `numbers at the end of their range do not trap`() throws {
        let playlist = try Self.parse(
            """
            #EXTM3U
            #EXT-X-TARGETDURATION:18446744073709551615
            #EXT-X-MEDIA-SEQUENCE:18446744073709551615
            #EXT-X-SKIP:SKIPPED-SEGMENTS=18446744073709551615
            #EXTINF:1,
            a
            """)
        #expect(playlist.nextSequence == UInt64.max)
    }
}

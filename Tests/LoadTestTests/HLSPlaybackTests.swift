import M3U8
import Testing

@testable import LoadTest

@Suite("A low-latency player's requests")
struct HLSPlaybackTests {
    private typealias Number = HLSPlayback.PartNumber

    private func playlist(_ lines: String) throws -> MediaPlaylist {
        let head = """
            #EXTM3U
            #EXT-X-TARGETDURATION:2
            #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5
            #EXT-X-PART-INF:PART-TARGET=0.5
            #EXT-X-MEDIA-SEQUENCE:7
            #EXT-X-MAP:URI="init.mp4"

            """
        return try MediaPlaylist(parsing: Array((head + lines).utf8).span)
    }

    @Test func `it begins at the newest part and goes on with the next`() throws {
        var player = HLSPlayback()
        #expect(player.next() == .playlist)
        let newest = try player.received(
            playlist(
                """
                #EXT-X-PART:DURATION=0.5,URI="7.0"
                #EXTINF:0.5,
                7
                #EXT-X-PART:DURATION=0.5,URI="8.0"
                #EXT-X-PART:DURATION=0.5,URI="8.1"
                """))
        #expect(newest == Number(sequence: 8, part: 1))
        #expect(player.next() == .map("init.mp4"))
        #expect(player.next() == .part("8.1", Number(sequence: 8, part: 1)))
        let reload = player.next()
        #expect(reload == .reload(Number(sequence: 8, part: 2)))
        #expect(HLSPlayback.directives(Number(sequence: 8, part: 2)) == "_HLS_msn=8&_HLS_part=2&_HLS_skip=YES")
        #expect(player.holdBack == 1.5)
    }

    @Test func `after a whole segment it asks for the first part of the next`() throws {
        var player = HLSPlayback()
        _ = player.next()
        _ = try player.received(playlist("#EXT-X-PART:DURATION=0.5,URI=\"7.0\"\n#EXTINF:0.5,\n7"))
        _ = player.next()
        #expect(player.next() == .part("7.0", Number(sequence: 7, part: 0)))
        guard case .reload(let number) = player.next() else {
            Issue.record("it asks for something else")
            return
        }
        #expect(HLSPlayback.target(number) == Number(sequence: 8, part: 0))
        #expect(HLSPlayback.directives(number) == "_HLS_msn=8&_HLS_part=0&_HLS_skip=YES")
        // What it has it does not ask for again; a delta update is as good as a whole playlist.
        let more = try player.received(
            playlist("#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXT-X-PART:DURATION=0.5,URI=\"8.0\""))
        #expect(more == Number(sequence: 8, part: 0))
        #expect(player.next() == .part("8.0", Number(sequence: 8, part: 0)))
        #expect(player.next() == .reload(Number(sequence: 8, part: 1)))
    }

    @Test func `it does not play what has no parts or is over`() throws {
        var player = HLSPlayback()
        let plain = try MediaPlaylist(parsing: Array("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na\n".utf8).span)
        #expect(throws: HLSPlayback.Failure.noLowLatency) { try player.received(plain) }
        let ended = try playlist("#EXT-X-ENDLIST")
        #expect(throws: HLSPlayback.Failure.ended) { try player.received(ended) }
    }

    @Test func `a playlist with very many parts is a bounded number of requests`() throws {
        var player = HLSPlayback()
        _ = player.next()
        _ = try player.received(playlist("#EXT-X-PART:DURATION=0.5,URI=\"7.0\""))
        let parts = (0..<500).map { "#EXT-X-PART:DURATION=0.5,URI=\"7.\($0)\"" }
        _ = try player.received(playlist(parts.joined(separator: "\n")))
        var asked = 0
        while asked < 1000 {
            if case .reload = player.next() { break }
            asked += 1
        }
        #expect(asked == HLSPlayback.maximumParts + 2)
    }

    @Test func `the date of the newest moment counts durations from the last date`() throws {
        let playlist = try playlist(
            """
            #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:01:00Z
            #EXTINF:2,
            7
            #EXT-X-PART:DURATION=0.5,URI="8.0"
            """)
        #expect(playlist.newestDate == 62.5)
    }
}

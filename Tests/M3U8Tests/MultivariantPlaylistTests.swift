import Testing

@testable import M3U8

@Suite("Multivariant playlists and attributes, RFC 8216bis §4.2, §4.4.6")
struct MultivariantPlaylistTests {
    private func parse(_ text: String) throws(PlaylistError) -> MultivariantPlaylist {
        try MultivariantPlaylist(parsing: Array(text.utf8).span)
    }

    @Test func `variants and renditions are read`() throws {
        let playlist = try parse(
            """
            #EXTM3U
            #EXT-X-VERSION:9
            #EXT-X-INDEPENDENT-SEGMENTS
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Sound, in stereo",DEFAULT=YES,URI="audio.m3u8"
            #EXT-X-STREAM-INF:BANDWIDTH=928000,AVERAGE-BANDWIDTH=841000,CODECS="avc1.42c01f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.97,AUDIO="a"
            video.m3u8
            """)
        #expect(playlist.version == 9 && playlist.isIndependent)
        #expect(
            playlist.renditions == [
                .init(type: "AUDIO", group: "a", name: "Sound, in stereo", isDefault: true, uri: "audio.m3u8")
            ])
        #expect(
            playlist.variants == [
                .init(
                    bandwidth: 928_000, averageBandwidth: 841_000, codecs: "avc1.42c01f,mp4a.40.2",
                    resolution: [1280, 720], frameRate: 29.97, audio: "a", uri: "video.m3u8")
            ])
    }

    @Test(arguments: [
        (
            "#EXT-X-STREAM-INF:CODECS=\"x\"\na",
            PlaylistError.missing(attribute: "BANDWIDTH", tag: "EXT-X-STREAM-INF", line: 2)
        ),
        ("#EXT-X-STREAM-INF:BANDWIDTH=1", .malformed(tag: "EXT-X-STREAM-INF", line: 2)),
        ("#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=1x\na", .malformed(tag: "EXT-X-STREAM-INF", line: 2)),
        ("#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=1x2x3\na", .malformed(tag: "EXT-X-STREAM-INF", line: 2)),
        ("a.m3u8", .malformed(tag: "EXT-X-STREAM-INF", line: 2)),
        ("#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"x\"", .missing(attribute: "GROUP-ID", tag: "EXT-X-MEDIA", line: 2)),
        ("#EXTINF:1,", .mixed),
    ])
    func `what is wrong is named with its line`(text: String, error: PlaylistError) {
        #expect(throws: error) { try parse("#EXTM3U\n" + text) }
    }

    @Test(arguments: [
        "A=", "=1", "A", "A=1,", "A=1,,B=2", "A=\"1", "A=\"1\"B=2", "a=1", "A=1,A=2", "A B=1", ",A=1",
    ])
    func `a list of attributes of another form is none`(text: String) {
        #expect(AttributeList(parsing: text) == nil)
    }

    @Test func `a list of attributes has an end`() {
        let pairs = (0...PlaylistLimits.maximumAttributes).map { "A\($0)=1" }
        #expect(AttributeList(parsing: pairs.joined(separator: ",")) == nil)
        #expect(
            AttributeList(parsing: pairs.dropLast().joined(separator: ","))?.values.count
                == PlaylistLimits.maximumAttributes)
    }

    @Test func `quotes tell strings from words and numbers`() throws {
        let list = try #require(AttributeList(parsing: "S=\"1\",N=2.5,W=YES,I=18446744073709551616"))
        #expect(list.string("S") == "1" && list.integer("S") == nil)
        #expect(list.decimal("N") == 2.5 && list.string("N") == nil)
        #expect(list.flag("W") && !list.flag("S"))
        #expect(list.integer("I") == nil)
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0.0), ("2010-02-19T14:54:23.031+08:00", 1_266_562_463.031),
        ("2000-02-29T23:59:60Z", 951_868_800), ("2026-11-24T10:00:00.5-0130", 1_795_519_800.5),
    ])
    func `dates are seconds since 1970`(text: String, seconds: Double) throws {
        let parsed = try #require(PlaylistDate.parse(text))
        #expect(abs(parsed - seconds) < 0.001, "\(parsed)")
    }

    @Test(arguments: [
        "2026-11-24T10:00:00", "2026-13-24T10:00:00Z", "2026-11-31T10:00:00Z", "2026-11-24 10:00:00Z",
        "2026-11-24T10:00:00.Z", "2026-11-24T24:00:00Z", "2026-11-24T10:00:00+8", "2026-11-24T10:00:00+08:60", "",
        "0000-01-01T00:00:00Z", "2026-11-24T10:00:00.5", "2026-11-24T10:00:00ZZ",
    ])
    func `a date of another form is none`(text: String) {
        #expect(PlaylistDate.parse(text) == nil)
    }
}

import HLS
import Media
import Primitives
import TestSupport
import Testing

@Suite("Playlists on request, RFC 8216bis §6.2.5")
struct RequestTests {
    private func running(
        _ seconds: Double = 10.8, _ configuration: PresentationConfiguration = .init()
    ) -> VirtualStream {
        var stream = VirtualStream(configuration)
        stream.begin()
        stream.configure(VirtualStream.h264, VirtualStream.opus)
        stream.play(seconds)
        return stream
    }

    private func isWaiting(_ answer: PresentationAnswer) -> Bool {
        if case .wait = answer { true } else { false }
    }

    private func isRefused(_ answer: PresentationAnswer) -> Bool {
        if case .tooFarAhead = answer { true } else { false }
    }

    private func isMissing(_ answer: PresentationAnswer) -> Bool {
        if case .notFound = answer { true } else { false }
    }

    @Test func `the multivariant playlist measures and names what there is`() throws {
        let stream = running()
        guard case .playlist(let text) = stream.presentation.answer(.multivariant) else {
            Issue.record("no multivariant playlist")
            return
        }
        #expect(text.contains("CODECS=\"avc1.64001e,opus\""))
        #expect(text.contains("RESOLUTION=642x362"))
        #expect(text.contains("FRAME-RATE=30.00"))
        #expect(text.contains("TYPE=AUDIO,GROUP-ID=\"audio\""))
        let list = String(text.split(separator: "\n").first { $0.hasPrefix("#EXT-X-STREAM-INF:") }?.dropFirst(18) ?? "")
        let average = Double(ParsedPlaylist.attribute("AVERAGE-BANDWIDTH", of: list)) ?? 0
        let peak = Double(ParsedPlaylist.attribute("BANDWIDTH", of: list)) ?? 0
        // 30 frames of 507 bytes and 50 of 3 a second, and the boxes around them.
        #expect((120_000...180_000).contains(average))
        #expect(peak >= average)
    }

    /// `BANDWIDTH` of a stream that begins with a dark picture, each time that a segment has come.
    private func bandwidths(declared: Int?, seconds: [Double]) throws -> [Int] {
        var stream = VirtualStream()
        stream.begin(declaredBitrate: declared)
        stream.configure(VirtualStream.h264, VirtualStream.opus)
        stream.frameBytes = 50
        return try seconds.enumerated().map { index, seconds in
            if index > 0 { stream.frameBytes = 4_000 }
            stream.play(seconds)
            guard case .playlist(let text) = stream.presentation.answer(.multivariant) else {
                throw Missing(what: "it")
            }
            let list = text.split(separator: "\n").first { $0.hasPrefix("#EXT-X-STREAM-INF:") }?.dropFirst(18) ?? ""
            return Int(ParsedPlaylist.attribute("BANDWIDTH", of: String(list))) ?? 0
        }
    }

    @Test func `a dark beginning does not make the bandwidth too low where the publisher says what will come`() throws {
        let declared = try bandwidths(declared: 1_200_000, seconds: [2.1, 2, 2, 2, 2])
        #expect(declared[0] == 1_320_001)
        // What has come counts alone once it is enough, and when it is more.
        #expect(declared.allSatisfy { (970_000...1_320_001).contains($0) }, "\(declared)")
        #expect(declared.last.map { $0 < 1_200_000 } == true, "\(declared)")
        let modest = try bandwidths(declared: 100_000, seconds: [2.1, 2, 2, 2, 2])
        #expect(modest[0] == 110_001 && modest.dropFirst().allSatisfy { $0 > 970_000 }, "\(modest)")
    }

    @Test func `the parts of the segment in the making count while little else has come`() throws {
        // A second into the second segment, which is four times as large as the first.
        let measured = try bandwidths(declared: nil, seconds: [2.1, 1.4, 1])
        #expect(measured[0] < 50_000)
        #expect(measured[1] > 970_000, "\(measured)")
    }

    @Test func `nothing is answered before the first segment is complete`() {
        let stream = running(1)
        #expect(isWaiting(stream.presentation.answer(.multivariant)))
        #expect(isWaiting(stream.presentation.answer(.media(.video))))
    }

    @Test func `a blocked reload is answered by the part that it waits for`() throws {
        var stream = running()
        let playlist = try stream.playlist(.video)
        let last = try #require(playlist.segments.last)
        #expect(last.uri == nil)
        let wanted = PlaylistDirectives(segment: last.number, part: last.parts.count)
        #expect(isWaiting(stream.presentation.answer(.media(.video), directives: wanted)))
        let hint = try #require(playlist.hint)
        let hinted = try #require(ResourceName(hint))
        #expect(isWaiting(stream.presentation.answer(hinted)))
        let version = stream.presentation.version
        stream.play(0.55)
        #expect(stream.presentation.version > version)
        let answer = try stream.playlist(.video, wanted)
        #expect(answer.segments.last?.parts.count == last.parts.count + 1)
        #expect(answer.segments.last?.parts.last?.uri == hint)
        #expect(try !stream.media(hint).isEmpty)
    }

    @Test func `more than two segments ahead, or parts beyond the limit, is a bad request`() throws {
        let stream = running()
        let last = try #require(try stream.playlist(.video).segments.last)
        let media = ResourceName.media(.video)
        for ahead in 0...2 {
            let answer = stream.presentation.answer(media, directives: .init(segment: last.number + ahead))
            #expect(isWaiting(answer))
        }
        #expect(isRefused(stream.presentation.answer(media, directives: .init(segment: last.number + 3))))
        #expect(isRefused(stream.presentation.answer(media, directives: .init(segment: .max, part: .max))))
        let parts = last.parts.count
        #expect(isWaiting(stream.presentation.answer(media, directives: .init(segment: last.number, part: parts + 5))))
        #expect(isRefused(stream.presentation.answer(media, directives: .init(segment: last.number, part: parts + 6))))
    }

    @Test func `a segment that is complete is answered at once, and so is every older one`() throws {
        let stream = running()
        let first = try #require(try stream.playlist(.video).complete.last)
        for wanted in [first.number, first.number - 2, 0] {
            #expect(try stream.playlist(.video, .init(segment: wanted)).segments.isEmpty == false)
            #expect(try stream.playlist(.video, .init(segment: wanted, part: 3)).segments.isEmpty == false)
        }
    }

    @Test func `a delta update leaves out what is older than six target durations`() throws {
        let stream = running(40)
        let whole = try stream.playlist(.video)
        let delta = try stream.playlist(.video, .init(skips: true))
        let skipped = Int(ParsedPlaylist.attribute("SKIPPED-SEGMENTS", of: delta.tags["EXT-X-SKIP"] ?? "")) ?? 0
        #expect(skipped > 5)
        #expect(delta.segments.map(\.number) == whole.segments.dropFirst(skipped).map(\.number))
        #expect(delta.segments.map(\.uri) == whole.segments.dropFirst(skipped).map(\.uri))
        #expect(!delta.text.contains("EXT-X-MAP"))
        #expect(delta.complete.reduce(0) { $0 + $1.duration } >= 6 * whole.targetDuration)
        // Nothing to skip: the whole playlist.
        #expect(try running(8).playlist(.video, .init(skips: true)).tags["EXT-X-SKIP"] == nil)
    }

    @Test func `a rendition report says how far the other one is`() throws {
        let stream = running()
        let (video, audio) = (try stream.playlist(.video), try stream.playlist(.audio))
        let last = try #require(audio.segments.last)
        #expect(
            video.report == "URI=\"audio.m3u8\",LAST-MSN=\(last.number),LAST-PART=\(last.parts.count - 1)")
    }

    @Test func `the window moves on, and what left it is served for its grace`() throws {
        var stream = running(30)
        let old = try #require(try stream.playlist(.video).complete.first)
        stream.play(50)
        let later = try stream.playlist(.video)
        #expect(later.complete.allSatisfy { $0.number > old.number })
        #expect((60...64).contains(later.complete.reduce(0) { $0 + $1.duration }))
        #expect(try !stream.media(old.uri ?? "").isEmpty)
        stream.play(100)
        #expect(isMissing(stream.presentation.answer(try #require(ResourceName(old.uri ?? "")))))
    }

    @Test func `memory is bounded in bytes, whatever the window`() throws {
        var stream = VirtualStream(PresentationConfiguration(maximumBytes: 1 << 20))
        stream.frameBytes = 20_000
        stream.begin()
        stream.configure(VirtualStream.h264, VirtualStream.opus)
        var most = 0
        for _ in 0..<60 {
            stream.play(0.5)
            most = max(most, stream.presentation.byteCount)
        }
        // The bound, and a segment in the making of 600 KB a second.
        #expect(most < (1 << 20) + 3 * 620_000)
        #expect(try stream.playlist(.video).complete.isEmpty == false)
        stream.presentation.trim(toBytes: 0, at: stream.now)
        #expect(try stream.playlist(.video).complete.count == 1)
    }

    @Test func `frames before the first track is known are bounded too`() {
        var stream = VirtualStream()
        stream.frameBytes = 1 << 20
        stream.begin()
        stream.configure(.h264(sps: [[0x67, 1]], pps: []))
        stream.groupLength = 1
        for index in 0..<200 { stream.send(.h264, at: Int64(index), isKey: true) }
        #expect(stream.presentation.byteCount < 24 << 20)
    }

    @Test(arguments: [
        "_HLS_msn=", "_HLS_msn=-1", "_HLS_msn=1e3", "_HLS_msn=99999999999999999999", "_HLS_part=1", "_HLS_skip=MAYBE",
        "_HLS_msn=1&_HLS_msn=2", "_HLS_msn=1&_HLS_part=x",
    ])
    func `directives that make no sense are refused`(query: String) {
        #expect(PlaylistDirectives(query: query) == nil)
    }

    @Test func `directives are read and other parameters passed over`() {
        let read = PlaylistDirectives(query: "a=b&_HLS_msn=7&_HLS_part=2&&_HLS_skip=YES&_HLS_push=1&c")
        #expect(read == PlaylistDirectives(segment: 7, part: 2, skips: true))
        #expect(PlaylistDirectives(query: "") == PlaylistDirectives())
    }

    @Test(arguments: [
        "index.m3u8", "video.m3u8", "audio-5-7-init.mp4", "video-18446744073709551615-9.m4s", "audio-1-2-3.m4s",
        "480p.m3u8", "480p-5-7-init.mp4", "2p-1-2-3.m4s", "4320p-1-2.m4s",
    ])
    func `names survive a round trip`(text: String) throws {
        #expect(try #require(ResourceName(text)).text == text)
    }

    @Test(arguments: [
        "", ".", "..", "index", "index.m3u8.", "text.m3u8", "video-1.m4s", "video-01-2.m4s", "video-1--2.m4s",
        "video-1-2-3-4.m4s", "video-1-2-init.m4s", "video-1-2.mp4", "video-+1-2.m4s", "../video.m3u8",
        "video-99999999999999999999-1.m4s", "0480p.m3u8", "1p.m3u8", "4321p.m3u8", "p.m3u8", "+480p.m3u8", "480.m3u8",
    ])
    func `names that we never give are unknown`(text: String) {
        #expect(ResourceName(text) == nil)
    }

    @Test func `a thousand blocked requests cost little and are answered together`() throws {
        var stream = running()
        let last = try #require(try stream.playlist(.video).segments.last)
        let directives = PlaylistDirectives(segment: last.number, part: last.parts.count)
        var blocked = BlockedRequests()
        for id in 0..<UInt64(BlockedRequests.maximumCount) {
            let request = BlockedRequests.Request(
                id: id, name: .media(id % 2 == 0 ? .video : .audio), directives: directives,
                deadline: stream.now + .seconds(Int64(id % 4)))
            let isHeld = blocked.hold(request)
            #expect(isHeld)
        }
        let extra = BlockedRequests.Request(id: 9_999, name: .media(.video), directives: directives, deadline: .zero)
        let isHeld = blocked.hold(extra)
        #expect(!isHeld)
        #expect(blocked.answered(by: stream.presentation).isEmpty)
        #expect(blocked.expired(at: stream.now).count == BlockedRequests.maximumCount / 4)
        blocked.cancel(1)
        stream.play(1)
        #expect(blocked.answered(by: stream.presentation).count == BlockedRequests.maximumCount * 3 / 4 - 1)
        #expect(blocked.count == 0)
    }
}

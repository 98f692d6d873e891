import HLS
import ISOBMFF
import Media
import Primitives
import TestSupport
import Testing

@Suite("Smaller sizes beside the picture, RFC 8216bis §4.4.6 and §6.2.4")
struct LadderTests {
    private static let name = VirtualStream.rung

    private func begun(delay: Int?) -> VirtualStream {
        var stream = VirtualStream()
        stream.addRung(delay: delay)
        stream.begin()
        stream.configure(VirtualStream.h264, VirtualStream.opus)
        if delay != nil { stream.configureRung() }
        return stream
    }

    private func multivariant(_ stream: VirtualStream) -> String? {
        guard case .playlist(let text) = stream.presentation.answer(.multivariant) else { return nil }
        return text
    }

    private func isWaiting(_ stream: VirtualStream, _ name: ResourceName) -> Bool {
        if case .wait = stream.presentation.answer(name) { true } else { false }
    }

    /// Segments of the rung are those of the picture: number, time, length, discontinuities.
    ///
    /// Where the rung breaks off, `withHoles`, its segment may be shorter.
    private func expectAligned(
        _ stream: VirtualStream, withHoles: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [ParsedPlaylist.Segment] {
        let (source, rung) = (try stream.playlist(.video), try stream.playlist(Self.name))
        #expect(rung.targetDuration == source.targetDuration && rung.partTarget == source.partTarget)
        let known = Dictionary(source.segments.map { ($0.number, $0) }) { first, _ in first }
        for segment in rung.complete {
            let original = try #require(known[segment.number], sourceLocation: sourceLocation)
            let lack = original.duration - segment.duration
            #expect(lack > -0.001 && (withHoles || lack < 0.001), sourceLocation: sourceLocation)
            #expect(segment.isDiscontinuous == original.isDiscontinuous, sourceLocation: sourceLocation)
            guard !segment.isGap else { continue }
            #expect(segment.date == original.date, sourceLocation: sourceLocation)
            #expect(try !stream.media(segment.uri ?? "").isEmpty, sourceLocation: sourceLocation)
            #expect(try !stream.media(segment.map ?? "").isEmpty, sourceLocation: sourceLocation)
            for (index, part) in segment.parts.enumerated() {
                #expect(part.isIndependent == (index == 0), sourceLocation: sourceLocation)
                #expect(part.duration <= rung.partTarget + 1e-5, sourceLocation: sourceLocation)
            }
        }
        return rung.complete
    }

    @Test(arguments: [0, 1, 7, 25, 70])
    func `a smaller size is cut where the picture is, however late it comes`(delay: Int) throws {
        var stream = begun(delay: delay)
        stream.play(20)
        let segments = try expectAligned(stream)
        // All but the first, and what is still being encoded.
        #expect(segments.count >= 8 - delay / 60)
        #expect(segments.allSatisfy { !$0.isGap })
        #expect(segments.last?.parts.count == 4)
    }

    @Test func `the multivariant playlist lists both, each with what it takes`() throws {
        var stream = begun(delay: 3)
        stream.play(1)
        let isUndecided = isWaiting(stream, .multivariant)
        #expect(isUndecided)
        stream.play(2)
        // There is no segment of it yet, but what it aims at is known.
        let early = try #require(multivariant(stream))
        let lines = early.split(separator: "\n").map(String.init)
        #expect(lines.filter { !$0.hasPrefix("#") } == ["video.m3u8", "240p.m3u8"])
        let variants = lines.filter { $0.hasPrefix("#EXT-X-STREAM-INF") }
        #expect(variants.count == 2)
        #expect(variants[0].contains("RESOLUTION=642x362"))
        #expect(variants[1].contains("RESOLUTION=320x240") && variants[1].contains("CODECS=\"avc1.42c01e,opus\""))
        #expect(variants.allSatisfy { $0.contains("FRAME-RATE=30.000") && $0.contains("AUDIO=\"audio\"") })
        let bandwidth = try #require(
            Int(ParsedPlaylist.attribute("AVERAGE-BANDWIDTH", of: String(variants[1].dropFirst(18)))))
        #expect((400_000...405_000).contains(bandwidth))
        let isHeld = isWaiting(stream, .media(Self.name))
        #expect(isHeld)
        stream.play(10)
        let late = try #require(multivariant(stream)?.split(separator: "\n").map(String.init))
        let measured = late.filter { $0.hasPrefix("#EXT-X-STREAM-INF") }
        #expect(
            ParsedPlaylist.attribute("BANDWIDTH", of: String(measured[0].dropFirst(18)))
                == ParsedPlaylist.attribute("BANDWIDTH", of: String(measured[1].dropFirst(18))))
    }

    @Test func `playlists say how far the others are`() throws {
        var stream = begun(delay: 20)
        stream.play(9.8)
        let (source, rung) = (try stream.playlist(.video), try stream.playlist(Self.name))
        func reports(_ playlist: ParsedPlaylist) -> [String: Int] {
            let lines = playlist.text.split(separator: "\n").filter { $0.hasPrefix("#EXT-X-RENDITION-REPORT:") }
            return Dictionary(
                lines.map { line in
                    let list = String(line.dropFirst(24))
                    return (
                        ParsedPlaylist.attribute("URI", of: list),
                        (Int(ParsedPlaylist.attribute("LAST-MSN", of: list)) ?? 0) * 100
                            + (Int(ParsedPlaylist.attribute("LAST-PART", of: list)) ?? 0)
                    )
                }
            ) { first, _ in first }
        }
        func last(_ playlist: ParsedPlaylist) throws -> Int {
            let segment = try #require(playlist.segments.last)
            return segment.number * 100 + segment.parts.count - 1
        }
        #expect(Set(reports(source).keys) == ["240p.m3u8", "audio.m3u8"])
        #expect(Set(reports(rung).keys) == ["video.m3u8", "audio.m3u8"])
        #expect(reports(source)["240p.m3u8"] == (try last(rung)))
        #expect(reports(rung)["video.m3u8"] == (try last(source)))
        #expect(try last(rung) < last(source))
    }

    @Test func `a size that does not come keeps nobody waiting for more than a segment`() throws {
        var stream = begun(delay: nil)
        stream.play(3)
        let isUndecided = isWaiting(stream, .multivariant)
        #expect(isUndecided)
        stream.play(2)
        let text = try #require(multivariant(stream))
        #expect(!text.contains("240p"))
        let isHeld = isWaiting(stream, .media(Self.name))
        #expect(isHeld)
        stream.presentation.removeRungs()
        guard case .notFound = stream.presentation.answer(.media(Self.name)) else {
            Issue.record("it is still waited for")
            return
        }
    }

    @Test func `sizes that are added later begin with the next segment`() throws {
        var stream = VirtualStream()
        stream.begin()
        stream.configure(VirtualStream.h264, VirtualStream.opus)
        stream.play(9)
        stream.addRung(delay: 2)
        let isUndecided = isWaiting(stream, .multivariant)
        #expect(isUndecided)
        stream.presentation.receive(
            .began(PublishEpoch(number: 1, unixNanosecondsAtZero: VirtualStream.unixZero, kinds: [.video])),
            rung: VirtualStream.rung, at: stream.now)
        stream.configureRung()
        #expect(multivariant(stream)?.contains("240p") == true)
        stream.play(6)
        #expect(try expectAligned(stream).count == 2)
    }

    @Test func `another publisher is a discontinuity in all sizes`() throws {
        var stream = begun(delay: 10)
        stream.play(7)
        stream.presentation.receive(.ended, at: stream.now)
        stream.begin(number: 2)
        stream.configure(VirtualStream.h264, VirtualStream.opus)
        stream.configureRung()
        stream.play(7)
        let segments = try expectAligned(stream, withHoles: true)
        #expect(segments.count(where: \.isDiscontinuous) == 1)
        #expect(segments.count >= 5)
        let (source, rung) = (try stream.playlist(.video), try stream.playlist(Self.name))
        #expect(rung.tags["EXT-X-DISCONTINUITY-SEQUENCE"] == source.tags["EXT-X-DISCONTINUITY-SEQUENCE"])
    }

    @Test func `a pause of the picture is a discontinuity in all sizes`() throws {
        var stream = begun(delay: 4)
        stream.play(7)
        stream.videoTime += 2_000_000
        stream.audioTime += 2_000_000
        stream.play(9)
        #expect(try expectAligned(stream).count(where: \.isDiscontinuous) == 1)
    }

    @Test func `another size of the publisher's picture gives the smaller one another map`() throws {
        var stream = begun(delay: 0)
        stream.play(7.99)
        stream.configure(VirtualStream.smaller)
        stream.configureRung(VirtualStream.h264)
        stream.play(8)
        let segments = try expectAligned(stream)
        #expect(Set(segments.compactMap(\.map)).count == 2)
    }

    @Test func `a size that stops leaves gaps, and comes back with a key frame`() throws {
        var stream = begun(delay: 5)
        stream.play(8)
        stream.rungDelay = nil
        stream.play(14)
        let held = stream.presentation.byteCount
        stream.rungDelay = 5
        stream.play(8)
        let segments = try expectAligned(stream, withHoles: true)
        #expect(segments.count(where: \.isGap) >= 3)
        #expect(segments.last?.isGap == false)
        #expect(held < 2 << 20)
    }

    @Test(arguments: [0.2, 0.9, 1.3])
    func `a segment that lacks pictures stands for the time of the picture's all the same`(hole: Double) throws {
        var stream = begun(delay: 0)
        stream.play(8.4)
        stream.rungDelay = nil
        stream.play(hole)
        stream.rungDelay = 0
        stream.play(6)
        let (source, rung) = (try stream.playlist(.video), try stream.playlist(Self.name))
        let known = Dictionary(source.complete.map { ($0.number, $0) }) { first, _ in first }
        #expect(rung.complete.count >= 5)
        for segment in rung.complete {
            let original = try #require(known[segment.number])
            #expect(!segment.isGap && segment.date == original.date)
            #expect(abs(segment.duration - original.duration) < 0.051)
            for part in segment.parts { #expect(part.duration <= rung.partTarget + 1e-5) }
        }
    }

    @Test func `a size whose frames the picture never reaches is held within bounds`() {
        var stream = begun(delay: nil)
        stream.play(5)
        stream.presentation.receive(
            .began(PublishEpoch(number: 1, unixNanosecondsAtZero: 0, kinds: [.video])),
            rung: VirtualStream.rung, at: stream.now)
        stream.configureRung()
        let before = stream.presentation.byteCount
        for index in 0..<2_000 as Range<Int64> {
            let frame = EncodedFrame(
                codec: .h264, decodeTime: 60_000_000 + index, presentationTime: 60_000_000 + index,
                isKeyFrame: true, payload: [UInt8](repeating: 1, count: 100))
            stream.presentation.receive(.frame(frame), rung: VirtualStream.rung, at: stream.now)
        }
        #expect(stream.presentation.byteCount - before <= 256 * 100)
    }

    @Test func `there are no more sizes than may be, and none twice`() {
        var presentation = Presentation(unixSeconds: 0)
        presentation.addRungs((1...20).map { (name: .rung(height: $0 * 100), bitrate: 1) })
        presentation.addRungs([(.rung(height: 100), 1), (.rung(height: 1), 1), (.layer(0), 1), (.video, 1)])
        #expect(presentation.hasRungs)
        #expect(presentation.rungNames == (1...Presentation.maximumRungs).map { .rung(height: $0 * 100) })
    }

    @Test func `the end of a stream ends all sizes`() throws {
        var stream = begun(delay: 0)
        stream.play(7)
        stream.presentation.receive(.closed, at: stream.now)
        #expect(try expectAligned(stream).count >= 3)
        #expect(try stream.playlist(Self.name).text.hasSuffix("#EXT-X-ENDLIST\n"))
    }
}

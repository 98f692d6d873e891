import HLS
import Media
import Primitives
import Testing

@Suite("Sizes that the publisher sends itself, RFC 8216bis §4.4.6 and §6.2.4")
struct LayerTests {
    private static let name = RenditionName.layer(2)

    private func begun(offset: Int64 = 0, keyDelay: Int = 0, delay: Int? = 1) -> VirtualStream {
        var stream = VirtualStream()
        stream.rungName = Self.name
        (stream.rungOffset, stream.rungKeyDelay) = (offset, keyDelay)
        stream.addRung(delay: delay)
        stream.begin()
        stream.configure(VirtualStream.h264, VirtualStream.opus)
        if delay != nil { stream.configureRung() }
        return stream
    }

    private func variants(_ stream: VirtualStream) -> [String] {
        guard case .playlist(let text) = stream.presentation.answer(.multivariant) else { return [] }
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
    }

    @Test(arguments: [-15_000, -3_000, 0, 4_000, 15_000] as [Int64])
    func `segments are cut at the layer's own key frames, whatever its clock says`(offset: Int64) throws {
        var stream = begun(offset: offset)
        stream.play(20)
        let (source, layer) = (try stream.playlist(.video), try stream.playlist(Self.name))
        #expect(layer.complete.count >= 7)
        #expect(layer.complete.allSatisfy { !$0.isGap && !$0.isDiscontinuous })
        let known = Dictionary(source.complete.map { ($0.number, $0) }) { first, _ in first }
        for segment in layer.complete {
            #expect(segment.parts.first?.isIndependent ?? true)
            #expect(abs(segment.duration - (known[segment.number]?.duration ?? 0)) < 0.002)
        }
        #expect(layer.text.contains("#EXT-X-INDEPENDENT-SEGMENTS"))
    }

    @Test(arguments: 1...8)
    func `a key frame that comes a little later begins the segment`(frames: Int) throws {
        var stream = begun(keyDelay: frames)
        stream.play(20)
        let layer = try stream.playlist(Self.name)
        #expect(layer.complete.count >= 7)
        #expect(layer.text.contains("#EXT-X-INDEPENDENT-SEGMENTS"))
        for segment in layer.complete {
            #expect(!segment.isGap && segment.duration.rounded() <= layer.targetDuration)
            #expect(abs(segment.duration - 2) < 0.002)
        }
    }

    @Test func `without key frames near those of the picture segments end all the same`() throws {
        var stream = begun(keyDelay: 1)
        stream.play(9)
        // From here on its key frames lie in the middle.
        stream.rungKeyDelay = 30
        stream.play(20)
        let layer = try stream.playlist(Self.name)
        #expect(!layer.text.contains("#EXT-X-INDEPENDENT-SEGMENTS"))
        for segment in layer.complete {
            #expect(!segment.isGap && segment.duration.rounded() <= layer.targetDuration)
            for part in segment.parts { #expect(part.duration <= layer.partTarget + 1e-5) }
        }
    }

    @Test func `it is listed while it flows and is smaller than the picture`() throws {
        var stream = begun()
        stream.play(3)
        #expect(variants(stream) == ["video.m3u8", "layer2.m3u8"])
        stream.play(5)
        #expect(variants(stream) == ["video.m3u8", "layer2.m3u8"])
        // The publisher sends it no more: whoever watches it learns of gaps before a segment is over.
        stream.rungDelay = nil
        stream.play(6)
        #expect(variants(stream) == ["video.m3u8"])
        let (source, layer) = (try stream.playlist(.video), try stream.playlist(Self.name))
        #expect(layer.complete.last?.isGap == true)
        #expect((source.segments.last?.number ?? 0) - (layer.complete.last?.number ?? 0) <= 1)
        stream.rungDelay = 1
        stream.play(6)
        #expect(variants(stream) == ["video.m3u8", "layer2.m3u8"])
        #expect(try stream.playlist(Self.name).complete.last?.isGap == false)
    }

    @Test func `a layer that is the picture itself is not listed twice, and goes on`() throws {
        var stream = begun()
        stream.play(8)
        // The publisher has turned off its largest size.
        stream.configure(VirtualStream.smaller)
        stream.play(8)
        #expect(variants(stream) == ["video.m3u8"])
        #expect(try stream.playlist(Self.name).complete.last?.isGap == false)
    }

    @Test func `the multivariant playlist does not wait for the layer that is the picture`() {
        var stream = begun(delay: nil)
        stream.play(3)
        #expect(variants(stream) == ["video.m3u8"])
    }

    @Test func `bandwidth is measured before there is a segment`() throws {
        var stream = begun()
        stream.play(3)
        guard case .playlist(let text) = stream.presentation.answer(.multivariant) else {
            Issue.record("no playlist")
            return
        }
        let line = try #require(text.split(separator: "\n").last { $0.hasPrefix("#EXT-X-STREAM-INF") })
        let bandwidth = try #require(Int(ParsedPlaylist.attribute("AVERAGE-BANDWIDTH", of: String(line.dropFirst(18)))))
        // 507 bytes, 30 times a second.
        #expect((118_000...130_000).contains(bandwidth))
    }
}

import Media
import Primitives
import RTMP
import TestSupport
import Testing

@Suite("What a publisher may send")
struct ServerSessionMediaTests {
    private let peer = ServerHarness()

    @Test(arguments: [
        ([UInt8(0x2F), 1, 2], MediaKind.audio, "MP3 audio"), ([0x12, 0, 0, 0, 0, 1], .video, "Sorenson H.263 video"),
    ])
    func `a codec we do not carry is refused with its name`(body: [UInt8], kind: MediaKind, name: String) throws {
        try peer.goLive()
        if kind == .audio { try peer.audio(body, at: 0) } else { try peer.video(body, at: 0) }
        #expect(peer.closed == .unsupportedCodec(name: name))
        #expect(peer.lastStatus?["level"] == .string("error"))
        #expect(peer.lastStatus?["description"]?.string?.hasPrefix(name) == true)
    }

    @Test func `composition times become presentation times`() throws {
        try peer.goLive()
        try peer.video(SampleMedia.videoHeader, at: 0)
        try peer.video([0x17, 1, 0, 0, 80] + SampleMedia.idr, at: 40)
        #expect(peer.frames.map(\.presentationTime) == [80_000])
        #expect(peer.frames.map(\.decodeTime) == [0])
    }

    @Test func `nanoseconds refine both times`() throws {
        try peer.goLive()
        let hvc1 = Array("av01".utf8)
        try peer.video([0x97, 2, 0x07, 0xA1, 0x20, 0x01] + hvc1 + [0x12, 0], at: 5)
        #expect(peer.frames.map(\.decodeTime) == [500])
        #expect(peer.frames.map(\.presentationTime) == [500])
    }

    @Test func `a decoding time never falls, even by the nanoseconds of ModEx`() throws {
        try peer.goLive()
        let opus = Array("Opus".utf8)
        try peer.audio([0x97, 2, 0x0F, 0x42, 0x3F, 0x01] + opus + [0xF8], at: 0)
        try peer.audio([0x91] + opus + [0xF8], at: 0)
        #expect(peer.frames.map(\.decodeTime) == [999, 999])
    }

    @Test func `NAL unit lengths of two bytes become four`() throws {
        try peer.goLive()
        var header = SampleMedia.videoHeader
        header[9] = 0xFD
        try peer.video(header, at: 0)
        try peer.video([0x17, 1, 0, 0, 0, 0, 2, 0x65, 0x88], at: 0)
        #expect(peer.frames.map(\.payload) == [SampleMedia.idr])
    }

    @Test func `a key frame is what the bit stream says, not the tag`() throws {
        try peer.goLive()
        try peer.video(SampleMedia.videoHeader, at: 0)
        try peer.video([0x17, 1, 0, 0, 0] + SampleMedia.slice, at: 0)
        try peer.video([0x27, 1, 0, 0, 0] + SampleMedia.idr, at: 40)
        #expect(peer.frames.map(\.isKeyFrame) == [false, true])
    }

    @Test func `frames without a configuration are left out, with one warning`() throws {
        try peer.goLive()
        for time in UInt32(0)..<5 { try peer.video(SampleMedia.keyFrame, at: time) }
        #expect(peer.frames.isEmpty)
        #expect(peer.warnings == [.frameBeforeConfiguration])
    }

    @Test func `lying NAL unit lengths are left out, with one warning`() throws {
        try peer.goLive()
        try peer.video(SampleMedia.videoHeader, at: 0)
        for time in UInt32(0)..<5 { try peer.video([0x27, 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 1], at: time) }
        try peer.video(SampleMedia.keyFrame, at: 9)
        #expect(peer.frames.count == 1)
        #expect(peer.warnings == [.malformedFrame])
    }

    @Test func `a configuration is passed on when it changes, not when it is repeated`() throws {
        try peer.goLive()
        try peer.video(SampleMedia.videoHeader, at: 0)
        try peer.video(SampleMedia.videoHeader, at: 10)
        var other = SampleMedia.videoHeader
        other[16] = 0x1F  // inside the SPS
        try peer.video(other, at: 20)
        #expect(peer.configurations.count == 2)
    }

    @Test func `a broken configuration ends the publication with an error`() throws {
        try peer.goLive()
        try peer.video(Array(SampleMedia.videoHeader.dropLast()), at: 0)
        #expect(peer.lastStatus?["level"] == .string("error"))
        guard case .malformed? = peer.closed else { throw Unexpected() }
    }

    @Test func `Opus and VP9 need no configuration`() throws {
        try peer.goLive()
        try peer.audio([0x91] + Array("Opus".utf8) + [0xF8, 1], at: 0)
        try peer.video([0x91] + Array("vp09".utf8) + [0x82, 1], at: 0)
        #expect(peer.configurations == [.opus(channels: 2), .vp9])
        #expect(peer.frames.count == 2)
    }

    @Test func `an Opus header gives the channels`() throws {
        try peer.goLive()
        let head = Array("OpusHead".utf8) + [1, 1, 0x38, 1, 0x80, 0xBB, 0, 0, 0, 0, 0]
        try peer.audio([0x90] + Array("Opus".utf8) + head, at: 0)
        #expect(peer.configurations == [.opus(channels: 1)])
    }

    @Test func `jumping timestamps are carried on, and each jump is told of`() throws {
        try peer.goLive()
        try peer.video(SampleMedia.videoHeader, at: 0)
        for time in [UInt32(0), 40, 80, 9_000_000, 9_000_040, 5, 45] { try peer.video(SampleMedia.keyFrame, at: time) }
        let times = peer.frames.map(\.decodeTime)
        #expect(times == times.sorted() && times.last == 240_000)
        #expect(peer.clockJumps == 2 && peer.warnings.isEmpty)
    }

    @Test func `media after the end of the publication is ignored`() throws {
        try peer.goLive()
        try peer.video(SampleMedia.videoHeader, at: 0)
        try peer.command("closeStream", 0, [.null], on: 1)
        try peer.video(SampleMedia.keyFrame, at: 0)
        #expect(peer.frames.isEmpty && peer.closed == nil)
    }
}

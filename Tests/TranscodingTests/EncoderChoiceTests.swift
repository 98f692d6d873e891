import CFFmpeg
import Media
import Testing

@testable import Transcoding

@Suite("The choice of an encoder")
struct EncoderChoiceTests {
    @Test func `software that is there passes its trial`() {
        for name in ["libx264", "libvpx"] { #expect(VideoEncoderBackend.trial(name) == nil) }
    }

    @Test func `a name that libavcodec does not know is refused by that name`() {
        #expect(VideoEncoderBackend.trial("h264_abacus") == .codecUnavailable(name: "h264_abacus"))
        #expect(VideoEncoderBackend.available(for: .h264, preferring: "h264_abacus").isEmpty)
    }

    /// With a card and without one: what cannot encode is not offered, and what is asked for has no stand-in.
    @Test(arguments: ["h264_nvenc", "h264_vaapi"])
    func `a graphics card is offered when its trial succeeds and only then`(name: String) {
        let works = VideoEncoderBackend.trial(name) == nil
        #expect(VideoEncoderBackend.available(for: .h264, preferring: name) == (works ? [name] : []))
        #expect(VideoEncoderBackend.available(for: .h264).first == "libx264")
    }

    @Test func `without a card the encoder is refused when a stream asks for it`() throws {
        guard VideoEncoderBackend.trial("h264_vaapi") != nil else { return }
        let settings = VideoEncoderSettings(codec: .h264, width: 640, height: 360, bitrate: 800_000)
        #expect(throws: TranscodingError.self) {
            _ = try VideoEncoderBackend.open(settings, like: nil, preferring: "h264_vaapi")
        }
    }

    @Test func `a picture for a card has its two colour planes as one`() throws {
        var painted = Picture(width: 6, height: 4)
        painted.fill(x: 0, y: 0, width: 6, height: 4, Picture.Color(luma: 7, blue: 8, red: 9))
        let picture = try #require(DecodedPicture(painted, time: 0))
        var plain = try GraphicsCardFrames.interleaved(picture.frame)
        defer { av_frame_free(&plain) }
        let frame = try #require(plain)
        #expect(frame.pointee.format == AV_PIX_FMT_NV12.rawValue)
        let luma = try #require(frame.pointee.data.0)
        let color = try #require(frame.pointee.data.1)
        for row in 0..<4 {
            let line = luma + row * Int(frame.pointee.linesize.0)
            #expect((0..<6).allSatisfy { line[$0] == 7 })
        }
        for row in 0..<2 {
            let line = color + row * Int(frame.pointee.linesize.1)
            #expect((0..<6).map { line[$0] } == [8, 9, 8, 9, 8, 9])
        }
    }

    @Test func `a picture of another format is not uploaded`() throws {
        var frame = av_frame_alloc()
        defer { av_frame_free(&frame) }
        let raw = try #require(frame)
        raw.pointee.format = AV_PIX_FMT_YUV444P.rawValue
        raw.pointee.width = 6
        raw.pointee.height = 4
        try #require(av_frame_get_buffer(raw, 0) >= 0)
        #expect(throws: TranscodingError.self) { _ = try GraphicsCardFrames.interleaved(raw) }
    }
}

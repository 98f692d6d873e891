import Media
import TestSupport
import Testing

@Suite("Picture sizes in key frames")
struct PictureSizeTests {
    /// A descriptor with a fifteen-bit picture identifier, a frame tag, the start code, 1280 x 720.
    private static let vp8: [UInt8] = [
        0x90, 0x80, 0x81, 0x23, 0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A, 0x00, 0x05, 0xD0, 0x02, 0xFF,
    ]
    /// A key picture with a scalability structure of one layer, 640 x 360.
    private static let vp9: [UInt8] = [0x8A, 0x05, 0x10, 0x02, 0x80, 0x01, 0x68, 0xFF]

    private func size(_ payload: [UInt8], _ codec: Codec) -> PictureSize? {
        PictureSize(ofKeyFrame: payload.span, codec: codec)
    }

    @Test func `VP8 and VP9 say how large a key frame is`() {
        #expect(size(Self.vp8, .vp8) == PictureSize(width: 1280, height: 720))
        #expect(size(Self.vp9, .vp9) == PictureSize(width: 640, height: 360))
    }

    @Test func `scaling for display is no size`() {
        var scaled = Self.vp8
        scaled[11] |= 0x40
        scaled[13] |= 0xC0
        #expect(size(scaled, .vp8) == PictureSize(width: 1280, height: 720))
    }

    @Test func `what is cut short, has no start code or no area has no size`() {
        for count in 0..<14 { #expect(size(Array(Self.vp8.prefix(count)), .vp8) == nil, "\(count)") }
        for count in 0..<7 { #expect(size(Array(Self.vp9.prefix(count)), .vp9) == nil, "\(count)") }
        for (index, byte) in [(0, 0x80), (4, 0x11), (7, 0x9C), (8, 0), (9, 0)] as [(Int, UInt8)] {
            var broken = Self.vp8
            broken[index] = byte
            #expect(size(broken, .vp8) == nil, "\(index)")
        }
        var flat = Self.vp8
        flat[12] = 0
        flat[13] = 0xC0
        #expect(size(flat, .vp8) == nil)
        #expect(size([0x0A, 0x10, 0, 0, 1, 0x68, 0xFF], .vp9) == nil)
        for codec in [Codec.h264, .h265, .av1, .opus] { #expect(size(Self.vp8, codec) == nil) }
    }

    @Test func `any bytes have a size or none`() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            for codec in [Codec.vp8, .vp9] {
                guard let size = size(bytes, codec) else { continue }
                #expect((1...65_535).contains(size.width) && (1...65_535).contains(size.height))
            }
        }
    }
}

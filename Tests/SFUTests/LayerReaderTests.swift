import Media
import SFU
import TestSupport
import Testing

@Suite("Layers inside a stream")
struct LayerReaderTests {
    private static func vp8(_ temporal: UInt8, sync: Bool = false, starts: Bool = true) -> [UInt8] {
        [starts ? 0x90 : 0x80, 0xE0, 0x81, 0x23, 9, temporal << 6 | (sync ? 0x20 : 0), 1, 2, 3]
    }

    /// Non-flexible mode, with a picture identifier and TL0PICIDX.
    private static func vp9(
        _ spatial: UInt8, _ temporal: UInt8, switching: Bool = false, isInter: Bool = true, starts: Bool = true,
        ends: Bool = false
    ) -> [UInt8] {
        let flags: UInt8 = 0xA0 | (isInter ? 0x40 : 0) | (starts ? 8 : 0) | (ends ? 4 : 0)
        return [flags, 0x81, 0x23, temporal << 5 | (switching ? 0x10 : 0) | spatial << 1, 7, 0xAA]
    }

    /// Flexible mode: predicted from pictures so far back.
    private static func flexible(_ picture: UInt8, _ temporal: UInt8, from distances: [UInt8]) -> [UInt8] {
        let flags: UInt8 = 0xA0 | 0x10 | 8 | (distances.isEmpty ? 0 : 0x40)
        let references = distances.enumerated().map { $1 << 1 | ($0 < distances.count - 1 ? 1 : 0) }
        return [flags, picture & 0x7F, temporal << 5] + references + [0xAA]
    }

    @Test func `VP8 names the temporal layer, and where one may begin with it`() {
        var reader = LayerReader(codec: .vp8)
        let base = reader.read(Self.vp8(0).span, timestamp: 1)
        #expect(base.temporal == 0 && base.countsPictures && !base.beginsTemporal)
        let first = reader.read(Self.vp8(2, sync: true).span, timestamp: 2)
        #expect(first.temporal == 2 && first.beginsTemporal)
        #expect(!reader.read(Self.vp8(2, sync: true, starts: false).span, timestamp: 2).beginsTemporal)
        #expect(!reader.read(Self.vp8(1).span, timestamp: 3).beginsTemporal)
    }

    @Test func `a frame of VP8 that no other needs is a layer of its own`() {
        var reader = LayerReader(codec: .vp8)
        let unneeded = reader.read([0xB0, 0x80, 0x05, 1, 2].span, timestamp: 1)
        #expect(unneeded.temporal == 1 && unneeded.beginsTemporal)
        #expect(reader.read([0x90, 0x80, 0x05, 1, 2].span, timestamp: 2).temporal == 0)
        #expect(!reader.read([0x10, 1, 2].span, timestamp: 3).countsPictures)
    }

    @Test func `VP9 names both layers, their ends, and the pictures that need no other`() {
        var reader = LayerReader(codec: .vp9)
        let lowest = reader.read(Self.vp9(0, 0, isInter: false, ends: true).span, timestamp: 1)
        #expect(lowest.spatial == 0 && lowest.endsLayer && !lowest.beginsSpatial && !lowest.countsPictures)
        #expect(reader.read(Self.vp9(1, 0, isInter: false).span, timestamp: 1).beginsSpatial)
        #expect(!reader.read(Self.vp9(1, 0, isInter: false, starts: false).span, timestamp: 1).beginsSpatial)
        let second = reader.read(Self.vp9(2, 1).span, timestamp: 2)
        #expect(second.spatial == 2 && second.temporal == 1 && !second.beginsSpatial)
    }

    @Test func `behind a switching point of VP9 higher temporal layers begin, until the next picture that is none`() {
        var reader = LayerReader(codec: .vp9)
        func begins(_ time: UInt32, _ temporal: UInt8, switching: Bool) -> Bool {
            reader.read(Self.vp9(0, temporal, switching: switching).span, timestamp: time).beginsTemporal
        }
        #expect(!begins(1, 2, switching: false))
        _ = begins(2, 0, switching: true)
        #expect(begins(3, 2, switching: false))
        #expect(begins(4, 1, switching: false))
        // That picture of layer 1 promises nothing for layer 2.
        #expect(!begins(5, 2, switching: false))
        _ = begins(6, 0, switching: false)
        #expect(!begins(7, 1, switching: false))
    }

    @Test func `in flexible mode the pictures tell what they need`() {
        var reader = LayerReader(codec: .vp9)
        func begins(_ picture: UInt8, _ temporal: UInt8, from distances: [UInt8]) -> Bool {
            reader.read(Self.flexible(picture, temporal, from: distances).span, timestamp: UInt32(picture))
                .beginsTemporal
        }
        _ = begins(126, 0, from: [])
        _ = begins(127, 0, from: [1])
        #expect(begins(0, 2, from: [1]))
        #expect(begins(1, 1, from: [2]))
        // From the last picture of layer 1, and from one of its own layer too.
        #expect(begins(2, 2, from: [1]))
        #expect(!begins(3, 2, from: [2, 1]))
        // A picture that nobody has seen could be anything.
        #expect(!begins(4, 2, from: [90]))
    }

    @Test func `a scalability structure states the sizes`() {
        var reader = LayerReader(codec: .vp9)
        let key: [UInt8] = [0xAA, 0x05, 0x00, 0x07, 0x30, 0x01, 0x40, 0x00, 0xB4, 0x02, 0x80, 0x01, 0x68, 0xAA]
        _ = reader.read(key.span, timestamp: 1)
        #expect(reader.sizes == [PictureSize(width: 320, height: 180), PictureSize(width: 640, height: 360)])
    }

    @Test(
        arguments: [
            [0x01, 0x9A, 0x00, 0x00], [0x1C, 0x81, 0x9A, 0x00], [0x1C, 0x41, 0x9A, 0x00],
            [0x18, 0x00, 0x02, 0x09, 0x10, 0x00, 0x02, 0x01, 0x9A],
        ] as [[UInt8]])
    func `slices of H 264 that no frame needs are a layer of their own`(payload: [UInt8]) {
        var reader = LayerReader(codec: .h264)
        let layer = reader.read(payload.span, timestamp: 5)
        #expect(layer.temporal == 1 && layer.beginsTemporal)
        #expect(!reader.read(payload.span, timestamp: 5).beginsTemporal)
        var needed = payload
        needed[0] |= 0x40
        #expect(reader.read(needed.span, timestamp: 6) == .base)
    }

    @Test func `a picture of H 264 that begins with something else is sent whole`() {
        var reader = LayerReader(codec: .h264)
        #expect(reader.read([0x06, 0x05, 0x01, 0x00].span, timestamp: 1) == .base)
        #expect(reader.read([0x01, 0x9A, 0x00, 0x00].span, timestamp: 1) == .base)
        #expect(reader.read([0x01, 0x9A, 0x00, 0x00].span, timestamp: 2).temporal == 1)
    }

    @Test func `any bytes are of some layer`() {
        var generator = SeededGenerator(seed: 11)
        for codec in [Codec.vp8, .vp9, .h264, .av1, .h265] {
            var reader = LayerReader(codec: codec)
            for time in 0..<20_000 {
                let bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
                let layer = reader.read(bytes.span, timestamp: UInt32(time / 2))
                #expect(layer.spatial < 8 && layer.temporal < 8 && reader.sizes.count <= 8)
            }
        }
    }
}

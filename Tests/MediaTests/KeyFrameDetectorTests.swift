import Media
import Primitives
import RTP
import TestSupport
import Testing

@Suite("Key frames in RTP payloads")
struct KeyFrameDetectorTests {
    private func isStart(_ payload: [UInt8], _ codec: Codec) -> Bool {
        KeyFrameDetector.startsKeyFrame(payload.span, codec: codec)
    }

    @Test(
        arguments: [
            ([0x65, 0x88], true), ([0x65, 0x48], false), ([0x67, 0x42], true), ([0x68, 1], false),
            ([0x41, 0x9A], false),
            ([0x78, 0, 2, 0x67, 1, 0, 1, 0x68], true), ([0x78, 0, 2, 0x06, 1, 0, 2, 0x65, 0x88], true),
            ([0x78, 0, 2, 0x06, 1, 0, 2, 0x41, 0x88], false), ([0x78, 0, 9, 0x67, 1], false),
            ([0x7C, 0x85, 0x88], true), ([0x7C, 0x85, 0x48], false), ([0x7C, 0x05, 0x88], false),
            ([0x7C, 0x45, 0x88], false), ([0x7C, 0x81, 0x88], false), ([0x65], false), ([], false),
        ] as [([UInt8], Bool)]
    )
    func `H.264 starts with an SPS or the first slice of an IDR picture`(payload: [UInt8], expected: Bool) {
        #expect(isStart(payload, .h264) == expected)
    }

    @Test(
        arguments: [
            ([0x26, 1, 0x80], true), ([0x26, 1, 0x20], false), ([0x2A, 1, 0x80], true), ([0x02, 1, 0x80], false),
            ([0x40, 1, 0x0C], true), ([0x42, 1, 1], true), ([0x44, 1, 1], false),
            ([0x60, 1, 0, 3, 0x40, 1, 1, 0, 3, 0x42, 1, 1], true), ([0x60, 1, 0, 3, 0x02, 1, 0x80], false),
            ([0x62, 1, 0x93, 0x80], true), ([0x62, 1, 0x13, 0x80], false), ([0x62, 1, 0x81, 0x80], false),
            ([0x62, 1], false),
        ] as [([UInt8], Bool)]
    )
    func `H.265 starts with parameter sets or a random access picture`(payload: [UInt8], expected: Bool) {
        #expect(isStart(payload, .h265) == expected)
    }

    @Test(
        arguments: [
            ([0x10, 0x00], true), ([0x10, 0x01], false), ([0x00, 0x00], false), ([0x11, 0x00], false), ([0x10], false),
            ([0x90, 0x80, 0x12, 0x00], true), ([0x90, 0x80, 0x92, 0x34, 0x00], true),
            ([0x90, 0x80, 0x92, 0x34], false),
            ([0x90, 0xE0, 0x92, 0x34, 0x01, 0x20, 0x00], true), ([0x90, 0xE0, 0x92, 0x34, 0x01, 0x20, 0x01], false),
        ] as [([UInt8], Bool)]
    )
    func `VP8 starts with the first partition of a frame whose tag says key`(payload: [UInt8], expected: Bool) {
        #expect(isStart(payload, .vp8) == expected)
    }

    @Test(
        arguments: [
            ([0x8C, 0x81, 0x00, 0x82], true), ([0xCC, 0x81, 0x00, 0x82], false), ([0x84, 0x81, 0x00, 0x82], false),
            ([0xAC, 0x01, 0x00, 0x07, 0x82], true), ([0xAC, 0x01, 0x02, 0x07, 0x82], false), ([0x8C, 0x81], false),
            ([0x0A, 0x10, 0x02, 0x80, 0x01, 0x68, 0x82], true), ([0x0A, 0x10, 0x02, 0x80], false),
        ] as [([UInt8], Bool)]
    )
    func `VP9 starts with the lowest layer of a picture that predicts nothing`(payload: [UInt8], expected: Bool) {
        #expect(isStart(payload, .vp9) == expected)
    }

    @Test func `VP9 scalability structures tell the size`() throws {
        let payload: [UInt8] = [0x0A, 0x30, 0x01, 0x40, 0x00, 0xB4, 0x02, 0x80, 0x01, 0x68]
        var reader = ByteReader(payload.span)
        #expect(try VP9PayloadDescriptor(parsing: &reader).size == PictureSize(width: 640, height: 360))
        #expect(reader.remaining == 0)
    }

    @Test func `AV1 starts where the aggregation header says so`() {
        #expect(isStart([0x18, 0x0A], .av1))
        #expect(!isStart([0x10, 0x0A], .av1))
        #expect(!isStart([0x98, 0x0A], .av1))
        #expect(!isStart([0x18], .av1))
    }

    @Test(arguments: [Codec.h264, .h265, .vp8, .vp9, .av1])
    func `what the packetizer makes of a key frame starts one, in its first packet only`(codec: Codec) throws {
        let payload: [UInt8] =
            switch codec {
            case .h264: lengthPrefixed([[0x65, 0x88] + filler(4_000)])
            case .h265: lengthPrefixed([[0x26, 1, 0x80] + filler(4_000)])
            case .av1: [0x0A, 3, 0, 0, 0, 0x30] + filler(4_000)
            default: [0x10] + filler(4_000)
            }
        var packetizer = RTPPacketizer(codec: codec, payloadType: 96, ssrc: 1, firstSequenceNumber: 0)
        var burst = PacketBurst()
        try packetizer.packetize(
            videoFrame(codec, payload, isKeyFrame: true),
            configuration: nil,
            timestamp: 0,
            into: &burst
        )
        let packets = try receive(burst)
        #expect(packets.count > 3)
        #expect(packets.map { isStart($0.payload, codec) } == packets.indices.map { $0 == 0 })
    }

    @Test(arguments: Codec.allCases)
    func `garbage never traps`(codec: Codec) {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let isStart = isStart(bytes, codec)
            if codec.kind == .audio { #expect(!isStart) }
        }
    }
}

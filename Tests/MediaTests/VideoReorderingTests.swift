import Media
import Primitives
import TestSupport
import Testing

@Suite("B-frames")
struct VideoReorderingTests {
    private func configuration(_ record: [UInt8]) throws -> CodecConfiguration {
        try AVCDecoderConfigurationRecord(record).configuration
    }

    /// A frame of one slice; times in frame intervals of 33 ms.
    private func frame(_ decode: Int64, _ shown: Int64, header: UInt8) -> EncodedFrame {
        EncodedFrame(
            codec: .h264,
            decodeTime: decode * 33_333,
            presentationTime: shown * 33_333,
            isKeyFrame: header == 0x65,
            payload: lengthPrefixed([[0x06, 1, 2], [header, 0x9A, 3]])
        )
    }

    @Test func `disposable B-frames go and what is left is in order`() throws {
        var filter = VideoReorderingFilter()
        filter.configure(try configuration(Samples.highRecord))
        // I P b b P b b, in decoding order.
        let frames = [
            frame(0, 2, header: 0x65), frame(1, 5, header: 0x41), frame(2, 3, header: 0x01),
            frame(3, 4, header: 0x01), frame(4, 8, header: 0x41), frame(5, 6, header: 0x01), frame(6, 7, header: 0x01),
        ]
        #expect(filter.expectsReordering(from: frames[0]))
        let verdicts = frames.map { filter.admit($0) }
        #expect(
            verdicts == [
                .forward, .forward, .dropDisposable, .dropDisposable, .forward, .dropDisposable, .dropDisposable,
            ]
        )
        #expect(filter.reordering == .disposable)
        #expect(filter.droppedCount == 4)
        let left = zip(frames, verdicts).filter { $0.1 == .forward }.map(\.0.presentationTime)
        #expect(left == left.sorted())
    }

    @Test func `B-frames that others refer to are not taken out`() throws {
        var filter = VideoReorderingFilter()
        filter.configure(try configuration(Samples.highRecord))
        let frames = [
            frame(0, 2, header: 0x65), frame(1, 6, header: 0x41), frame(2, 4, header: 0x41), frame(3, 3, header: 0x01),
            frame(4, 5, header: 0x01),
        ]
        #expect(frames.map { filter.admit($0) } == [.forward, .forward, .reordered, .dropDisposable, .dropDisposable])
        #expect(filter.reordering == .required)
    }

    @Test func `frames in order are never dropped, disposable or not`() throws {
        var filter = VideoReorderingFilter()
        filter.configure(try configuration(Samples.highRecord))
        let frames = (0..<20).map { frame($0, $0, header: $0 == 0 ? 0x65 : ($0 % 2 == 0 ? 0x41 : 0x01)) }
        #expect(frames.allSatisfy { filter.admit($0) == .forward })
        #expect(filter.reordering == .absent)
        #expect(!filter.expectsReordering(from: frames[0]))
    }

    @Test func `parameter sets that rule reordering out are believed`() throws {
        var filter = VideoReorderingFilter()
        filter.configure(try configuration(Samples.baselineRecord))
        #expect(!filter.isPossible)
        #expect(filter.admit(frame(0, 5, header: 0x65)) == .forward)
        #expect(filter.admit(frame(1, 2, header: 0x01)) == .forward)
        filter.configure(.h264(sps: [Samples.highWithoutReorderingSPS], pps: []))
        #expect(!filter.isPossible)
    }

    @Test func `other parameter sets begin a new verdict and the same ones do not`() throws {
        var filter = VideoReorderingFilter()
        filter.configure(try configuration(Samples.highRecord))
        _ = filter.admit(frame(0, 2, header: 0x65))
        _ = filter.admit(frame(1, 1, header: 0x41))
        #expect(filter.reordering == .required)
        filter.configure(try configuration(Samples.highRecord))
        #expect(filter.reordering == .required)
        filter.configure(.h264(sps: [Samples.mainSPS], pps: []))
        #expect(filter.reordering == .absent)
    }

    @Test func `a key frame whose time goes back starts anew`() throws {
        var filter = VideoReorderingFilter()
        filter.configure(try configuration(Samples.highRecord))
        #expect(filter.admit(frame(100, 102, header: 0x65)) == .forward)
        #expect(filter.admit(frame(0, 2, header: 0x65)) == .forward)
        #expect(filter.admit(frame(1, 3, header: 0x41)) == .forward)
    }

    @Test func `one referenced slice makes a frame indispensable`() {
        let mixed = videoFrame(.h264, lengthPrefixed([[0x01, 1], [0x41, 1]]))
        #expect(!VideoReorderingFilter.isDisposable(mixed))
        #expect(VideoReorderingFilter.isDisposable(videoFrame(.h264, lengthPrefixed([[0x01, 1], [0x01, 2]]))))
        #expect(!VideoReorderingFilter.isDisposable(videoFrame(.h264, lengthPrefixed([[0x06, 1]]))))
        #expect(!VideoReorderingFilter.isDisposable(videoFrame(.h264, [0, 0, 0, 9, 1])))
    }

    @Test func `H.265 sub-layer non-reference pictures are disposable`() {
        #expect(VideoReorderingFilter.isDisposable(videoFrame(.h265, lengthPrefixed([[0x00, 1, 2]]))))
        #expect(!VideoReorderingFilter.isDisposable(videoFrame(.h265, lengthPrefixed([[0x02, 1, 2]]))))
        #expect(!VideoReorderingFilter.isDisposable(videoFrame(.h265, lengthPrefixed([[0x26, 1, 2]]))))
    }

    @Test func `H.265 parameter sets decide what is possible`() {
        var filter = VideoReorderingFilter()
        filter.configure(.h265(vps: [], sps: [Samples.hevcWithoutReorderingSPS], pps: []))
        #expect(!filter.isPossible)
        filter.configure(.h265(vps: [], sps: [Samples.hevcSPS], pps: []))
        #expect(filter.isPossible)
    }
}

import CFFmpeg
import Media
import Testing

@Suite("Streams of a real encoder with B-frames")
struct ReorderingTests {
    /// 60 frames of moving stripes, in decoding order; times in frame intervals.
    private func record(
        _ options: [String: String], bFrames: Int32
    ) throws -> (configuration: CodecConfiguration, frames: [EncodedFrame]) {
        let encoder = try TestEncoder("libx264") { context in
            context.pointee.width = 160
            context.pointee.height = 96
            context.pointee.pix_fmt = AV_PIX_FMT_YUV420P
            context.pointee.time_base = AVRational(num: 1, den: 30)
            context.pointee.gop_size = 30
            context.pointee.max_b_frames = bFrames
            av_opt_set(context, "preset", "veryfast", AV_OPT_SEARCH_CHILDREN)
            for (name, value) in options { av_opt_set(context, name, value, AV_OPT_SEARCH_CHILDREN) }
        }
        encoder.frame.pointee.format = AV_PIX_FMT_YUV420P.rawValue
        encoder.frame.pointee.width = 160
        encoder.frame.pointee.height = 96
        try TestCodecs.check(av_frame_get_buffer(encoder.frame, 0), "get_buffer")
        var packets: [TestEncoder.Packet] = []
        for index in 0..<60 {
            try TestCodecs.check(av_frame_make_writable(encoder.frame), "make_writable")
            let plane = try #require(encoder.frame.pointee.data.0)
            let stride = Int(encoder.frame.pointee.linesize.0)
            for row in 0..<96 {
                for column in 0..<160 {
                    plane[row * stride + column] = UInt8(truncatingIfNeeded: (column + 2 * index) / 8 * 40 + row / 8)
                }
            }
            encoder.frame.pointee.pts = Int64(index)
            packets += try encoder.encode()
        }
        packets += try encoder.encode(flush: true)

        let extradata = encoder.extradata
        let sets = try NALUnits.ranges(annexB: extradata.span).map { Array(extradata[$0]) }
        let configuration = CodecConfiguration.h264(
            sps: sets.filter { $0[0] & 0x1F == 7 }, pps: sets.filter { $0[0] & 0x1F == 8 })
        let frames = try packets.map { packet in
            EncodedFrame(
                codec: .h264, decodeTime: packet.dts, presentationTime: packet.pts, isKeyFrame: packet.isKeyFrame,
                payload: try NALUnits.lengthPrefixed(fromAnnexB: packet.payload))
        }
        return (configuration, frames)
    }

    /// How many pictures come out of a decoder at each frame that goes in.
    private func picturesOut(_ frames: [EncodedFrame], _ configuration: CodecConfiguration) throws -> [Int] {
        guard case .h264(let sps, let pps) = configuration else { return [] }
        let decoder = try TestH264Decoder()
        return try frames.map { frame in
            let units = try NALUnits.ranges(lengthPrefixed: frame.payload.span).map { Array(frame.payload[$0]) }
            return try decoder.decode((frame.isKeyFrame ? sps + pps : []) + units).count
        }
    }

    @Test func `without the disposable frames and with a changed SPS nothing is held back`() throws {
        let (configuration, frames) = try record(["x264-params": "b-pyramid=none:b-adapt=0"], bFrames: 2)
        var filter = VideoReorderingFilter()
        filter.configure(configuration)
        #expect(filter.expectsReordering(from: try #require(frames.first)))
        var left: [EncodedFrame] = []
        for frame in frames where filter.admit(frame) == .forward { left.append(frame) }
        #expect(filter.reordering == .disposable)
        #expect(filter.droppedCount > 30)
        let times = left.map(\.presentationTime)
        #expect(times == times.sorted())

        #expect(try picturesOut(left, configuration).contains(0), "the SPS of the encoder makes decoders wait")
        let out = try picturesOut(left, configuration.withoutReordering)
        #expect(out == Array(repeating: 1, count: left.count))
    }

    @Test func `a pyramid of B-frames is recognised as one that cannot be thinned out`() throws {
        let (configuration, frames) = try record(["x264-params": "b-pyramid=normal:b-adapt=0"], bFrames: 3)
        var filter = VideoReorderingFilter()
        filter.configure(configuration)
        for frame in frames { _ = filter.admit(frame) }
        #expect(filter.reordering == .required)
    }

    @Test func `the same encoder without B-frames reorders nothing`() throws {
        let (configuration, frames) = try record([:], bFrames: 0)
        var filter = VideoReorderingFilter()
        filter.configure(configuration)
        #expect(!filter.isPossible)
        #expect(frames.allSatisfy { $0.presentationTime == $0.decodeTime })
        for frame in frames { #expect(filter.admit(frame) == .forward) }
        #expect(configuration.withoutReordering == configuration)
    }
}

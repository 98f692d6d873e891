import CFFmpeg
import COpus
import Testing

/// libavcodec and libopus as a publisher and a viewer use them, for tests.
enum TestCodecs {
    struct Failure: Error {
        var what: String
        var code: Int32
    }

    static func check(_ code: Int32, _ what: String) throws {
        guard code >= 0 else { throw Failure(what: what, code: code) }
    }
}

/// An encoder of libavcodec with the options of an ffmpeg command line.
final class TestEncoder {
    let context: UnsafeMutablePointer<AVCodecContext>
    let frame: UnsafeMutablePointer<AVFrame>
    private let packet: UnsafeMutablePointer<AVPacket>

    init(_ name: String, _ set: (UnsafeMutablePointer<AVCodecContext>) -> Void) throws {
        let codec = try #require(avcodec_find_encoder_by_name(name), "no \(name)")
        context = try #require(avcodec_alloc_context3(codec))
        frame = try #require(av_frame_alloc())
        packet = try #require(av_packet_alloc())
        context.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER
        context.pointee.thread_count = 1
        set(context)
        try TestCodecs.check(avcodec_open2(context, codec, nil), name)
    }

    deinit {
        var context: UnsafeMutablePointer<AVCodecContext>? = context
        var frame: UnsafeMutablePointer<AVFrame>? = frame
        var packet: UnsafeMutablePointer<AVPacket>? = packet
        avcodec_free_context(&context)
        av_frame_free(&frame)
        av_packet_free(&packet)
    }

    var extradata: [UInt8] {
        Array(UnsafeBufferPointer(start: context.pointee.extradata, count: Int(context.pointee.extradata_size)))
    }

    struct Packet {
        var payload: [UInt8]
        var pts: Int64
        var dts: Int64
        var isKeyFrame: Bool
    }

    /// Encodes ``frame``, or drains the encoder when `flush`.
    func encode(flush: Bool = false) throws -> [Packet] {
        try TestCodecs.check(avcodec_send_frame(context, flush ? nil : frame), "send_frame")
        var packets: [Packet] = []
        while avcodec_receive_packet(context, packet) >= 0 {
            packets.append(
                Packet(
                    payload: Array(UnsafeBufferPointer(start: packet.pointee.data, count: Int(packet.pointee.size))),
                    pts: packet.pointee.pts, dts: packet.pointee.dts,
                    isKeyFrame: packet.pointee.flags & AV_PKT_FLAG_KEY != 0))
            av_packet_unref(packet)
        }
        return packets
    }
}

/// AAC of a given sound, with the times that an RTMP encoder would send.
struct AACRecording {
    var audioSpecificConfig: [UInt8]
    /// Raw frames and the microseconds at which a decoder plays their first sample, the priming frame left out.
    var frames: [(payload: [UInt8], time: Int64)]

    init(seconds: Double, rate: Int32, channels: Int32, sound: (Double) -> Float) throws {
        let encoder = try TestEncoder("aac") { context in
            context.pointee.sample_rate = rate
            context.pointee.sample_fmt = AV_SAMPLE_FMT_FLTP
            av_channel_layout_default(&context.pointee.ch_layout, channels)
            context.pointee.bit_rate = 128_000
            context.pointee.time_base = AVRational(num: 1, den: rate)
        }
        audioSpecificConfig = encoder.extradata
        frames = []
        let size = Int(encoder.context.pointee.frame_size)
        encoder.frame.pointee.nb_samples = Int32(size)
        encoder.frame.pointee.format = AV_SAMPLE_FMT_FLTP.rawValue
        encoder.frame.pointee.sample_rate = rate
        av_channel_layout_default(&encoder.frame.pointee.ch_layout, channels)
        try TestCodecs.check(av_frame_get_buffer(encoder.frame, 0), "get_buffer")
        let planes = try #require(encoder.frame.pointee.extended_data)
        for block in 0..<Int(seconds * Double(rate)) / size {
            try TestCodecs.check(av_frame_make_writable(encoder.frame), "make_writable")
            for channel in 0..<Int(channels) {
                let plane = try #require(planes[channel])
                plane.withMemoryRebound(to: Float.self, capacity: size) { samples in
                    for index in 0..<size {
                        samples[index] = sound(Double(block * size + index) / Double(rate))
                    }
                }
            }
            encoder.frame.pointee.pts = Int64(block * size)
            for packet in try encoder.encode() where packet.pts >= 0 {
                frames.append((packet.payload, packet.pts * 1_000_000 / Int64(rate)))
            }
        }
    }
}

/// A viewer's Opus decoder at 48 kHz.
final class TestOpusDecoder {
    private let decoder: OpaquePointer

    init() throws {
        var code: Int32 = 0
        decoder = try #require(opus_decoder_create(48_000, 2, &code))
    }

    deinit {
        opus_decoder_destroy(decoder)
    }

    /// The left channel of `packet`.
    func decode(_ packet: [UInt8]) throws -> [Float] {
        var samples = [Float](repeating: 0, count: 5_760 * 2)
        let count = opus_decode_float(decoder, packet, Int32(packet.count), &samples, 5_760, 0)
        try TestCodecs.check(count, "opus_decode")
        return (0..<Int(count)).map { samples[2 * $0] }
    }
}

/// A viewer's H.264 decoder.
final class TestH264Decoder {
    private let context: UnsafeMutablePointer<AVCodecContext>
    private let packet: UnsafeMutablePointer<AVPacket>
    private let frame: UnsafeMutablePointer<AVFrame>

    init() throws {
        let codec = try #require(avcodec_find_decoder(AV_CODEC_ID_H264))
        context = try #require(avcodec_alloc_context3(codec))
        packet = try #require(av_packet_alloc())
        frame = try #require(av_frame_alloc())
        // Threads of the decoder would hold frames back by themselves.
        context.pointee.thread_count = 1
        try TestCodecs.check(avcodec_open2(context, codec, nil), "h264 decoder")
    }

    deinit {
        var context: UnsafeMutablePointer<AVCodecContext>? = context
        var frame: UnsafeMutablePointer<AVFrame>? = frame
        var packet: UnsafeMutablePointer<AVPacket>? = packet
        avcodec_free_context(&context)
        av_frame_free(&frame)
        av_packet_free(&packet)
    }

    struct Decoded {
        var width: Int
        var height: Int
        /// Brightness, row by row.
        var luma: [UInt8]

        func luma(x: Int, y: Int) -> UInt8 { luma[y * width + x] }
    }

    /// The pictures that come out at once when `units` go in.
    func decode(_ units: [[UInt8]]) throws -> [Decoded] {
        var bytes: [UInt8] = []
        for unit in units { bytes += [0, 0, 0, 1] + unit }
        try TestCodecs.check(av_new_packet(packet, Int32(bytes.count)), "new_packet")
        let data = try #require(packet.pointee.data)
        UnsafeMutableRawPointer(data).copyMemory(from: bytes, byteCount: bytes.count)
        try TestCodecs.check(avcodec_send_packet(context, packet), "send_packet")
        av_packet_unref(packet)
        var pictures: [Decoded] = []
        while avcodec_receive_frame(context, frame) >= 0 {
            let width = Int(frame.pointee.width)
            let height = Int(frame.pointee.height)
            let plane = try #require(frame.pointee.data.0)
            var luma: [UInt8] = []
            for row in 0..<height {
                let start = plane + row * Int(frame.pointee.linesize.0)
                luma.append(contentsOf: UnsafeBufferPointer(start: start, count: width))
            }
            pictures.append(Decoded(width: width, height: height, luma: luma))
        }
        return pictures
    }
}

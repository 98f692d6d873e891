import CFFmpeg
import Foundation
import Media
import MediaClient
import Testing

/// Where a test writes; removed with the value.
final class TemporaryFile {
    let path: String

    init(_ suffix: String) {
        path = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID()).\(suffix)")
            .path(percentEncoded: false)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// Frames of 64x48 pixels as an encoder of libavcodec makes them.
func encodedPictures(_ codec: Codec, encoder name: String, count: Int) throws -> [EncodedFrame] {
    let encoder = try #require(avcodec_find_encoder_by_name(name), "no \(name)")
    var context = avcodec_alloc_context3(encoder)
    var packet = av_packet_alloc()
    var picture = av_frame_alloc()
    defer {
        avcodec_free_context(&context)
        av_packet_free(&packet)
        av_frame_free(&picture)
    }
    let settings = try #require(context)
    settings.pointee.width = 64
    settings.pointee.height = 48
    settings.pointee.pix_fmt = AV_PIX_FMT_YUV420P
    settings.pointee.time_base = AVRational(num: 1, den: 30)
    settings.pointee.gop_size = 100
    settings.pointee.thread_count = 1
    for (key, value) in [("lag-in-frames", "0"), ("deadline", "realtime"), ("cpu-used", "8"), ("usage", "realtime")] {
        av_opt_set(settings, key, value, AV_OPT_SEARCH_CHILDREN)
    }
    try #require(avcodec_open2(context, encoder, nil) >= 0)
    let image = try #require(picture)
    image.pointee.format = AV_PIX_FMT_YUV420P.rawValue
    image.pointee.width = 64
    image.pointee.height = 48
    try #require(av_frame_get_buffer(picture, 0) >= 0)
    for (plane, rows) in [(image.pointee.data.0, 48), (image.pointee.data.1, 24), (image.pointee.data.2, 24)] {
        try #require(plane).update(repeating: 100, count: rows * 32)
    }
    var frames: [EncodedFrame] = []
    for index in 0..<count {
        image.pointee.pts = Int64(index)
        try #require(avcodec_send_frame(context, picture) >= 0)
        while avcodec_receive_packet(context, packet) >= 0 {
            let contents = try #require(packet).pointee
            let time = Int64(frames.count) * 33_000
            frames.append(
                EncodedFrame(
                    codec: codec, decodeTime: time, presentationTime: time,
                    isKeyFrame: contents.flags & AV_PKT_FLAG_KEY != 0,
                    payload: Array(UnsafeBufferPointer(start: contents.data, count: Int(contents.size)))))
            av_packet_unref(packet)
        }
    }
    return frames
}

/// Parameter sets that x264 and x265 wrote, for pictures of 642x362.
enum ParameterSets {
    static let h264SPS = hex("6742c01ed900a42fe224c044000003000400000300f03c58b920")
    static let h264PPS = hex("68cb83cb20")
    static let h264ReorderedSPS = hex("6764001eacd940a42fe224c044000003000400000300f03c58b658")
    static let h265VPS = hex("40010c01ffff01600000030090000003000003003f959009")
    static let h265SPS = hex(
        "42010101600000030090000003000003003fa005120171c926592a4932bc05a020000003000200000303c1")
    static let h265PPS = hex("4401c172b46240")

    private static func hex(_ text: String) -> [UInt8] {
        let digits = text.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

func lengthPrefixed(_ units: [[UInt8]]) -> [UInt8] {
    units.flatMap { unit in [0, 0, UInt8(unit.count >> 8), UInt8(unit.count & 255)] + unit }
}

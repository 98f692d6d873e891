import Media
import Primitives

/// Parameter sets and records that real encoders wrote (x264, x265 and libaom; 642x362 at 30 fps).
enum Samples {
    /// Baseline, without B-frames: avcC.
    static let baselineRecord = hex(
        "0142c01effe1001a6742c01ed900a42fe224c044000003000400000300f03c58b92001000568cb83cb20"
    )
    /// High, three B-frames, some of them referenced: avcC with the chroma extension.
    static let highRecord = hex(
        "0164001effe1001b6764001eacd940a42fe224c044000003000400000300f03c58b65801000668ebe3cb22c0fdf8f800"
    )
    /// High, without B-frames.
    static let highWithoutReorderingSPS = hex("6764001eacb201485fc4498088000003000800000301e078b172")
    /// Main, one B-frame, with a hypothetical reference decoder in the VUI.
    static let mainSPS = hex(
        "674d401ef201485fc4498088000003000800000301e3020007a12000f427261803c58b4480"
    )
    static let hevcSPS = hex("42010101600000030090000003000003003fa005120171c926595924932bc05a020000030002000003003c10")
    static let hevcWithoutReorderingSPS = hex(
        "42010101600000030090000003000003003fa005120171c926592a4932bc05a020000003000200000303c1"
    )
    static let hevcVPS = hex("40010c01ffff01600000030090000003000003003f959009")
    static let hevcPPS = hex("4401c172b46240")
    static let av1Record = hex("81010c000a0b0000000cc5036936be4010")

    /// An hvcC record around the sets above.
    static var hevcRecord: [UInt8] {
        var writer = ByteWriter()
        writer.write(hex("0101600000009000000000003ff000fcfdf8f800000f03"))
        for (type, unit) in [(UInt8(0xA0), hevcVPS), (0xA1, hevcSPS), (0xA2, hevcPPS)] {
            writer.write(type)
            writer.write(UInt16(1))
            writer.write(UInt16(unit.count))
            writer.write(unit)
        }
        return writer.bytes
    }

    static func hex(_ text: String) -> [UInt8] {
        let digits = text.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

/// NAL units behind four-byte lengths, as frames hold them.
func lengthPrefixed(_ units: [[UInt8]]) -> [UInt8] {
    var writer = ByteWriter()
    for unit in units {
        writer.write(UInt32(unit.count))
        writer.write(unit)
    }
    return writer.bytes
}

func videoFrame(_ codec: Codec, _ payload: [UInt8], isKeyFrame: Bool = false, at time: Int64 = 0) -> EncodedFrame {
    EncodedFrame(codec: codec, decodeTime: time, presentationTime: time, isKeyFrame: isKeyFrame, payload: payload)
}

/// `count` bytes that look like entropy-coded data, none of them zero.
func filler(_ count: Int, seed: Int = 1) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 31 &+ seed &* 7) % 255 + 1) }
}

// `#expect` and static properties lend no spans.

extension H264SequenceParameterSet {
    init(_ bytes: [UInt8]) throws(ParseError) {
        try self.init(parsing: bytes.span)
    }
}

extension H265SequenceParameterSet {
    init(_ bytes: [UInt8]) throws(ParseError) {
        try self.init(parsing: bytes.span)
    }
}

extension AVCDecoderConfigurationRecord {
    init(_ bytes: [UInt8]) throws(ParseError) {
        try self.init(parsing: bytes.span)
    }
}

extension HEVCDecoderConfigurationRecord {
    init(_ bytes: [UInt8]) throws(ParseError) {
        try self.init(parsing: bytes.span)
    }
}

extension AV1CodecConfigurationRecord {
    init(_ bytes: [UInt8]) throws(ParseError) {
        try self.init(parsing: bytes.span)
    }
}

extension AudioSpecificConfig {
    init(_ bytes: [UInt8]) throws(ParseError) {
        try self.init(parsing: bytes.span)
    }
}

extension OpusPacketHeader {
    init(_ bytes: [UInt8]) throws(ParseError) {
        try self.init(parsing: bytes.span)
    }
}

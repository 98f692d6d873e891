import ISOBMFF
import Media

/// Configurations that real encoders wrote (x264, x265 and libaom; 642x362), and key frames as far as they are read.
enum TrackSamples {
    static let h264 = CodecConfiguration.h264(
        sps: [hex("6764001eacd940a42fe224c044000003000400000300f03c58b65801")].map { Array($0.dropLast()) },
        pps: [hex("68ebe3cb22c0")])
    static let h265 = CodecConfiguration.h265(
        vps: [hex("40010c01ffff01600000030090000003000003003f959009")],
        sps: [hex("42010101600000030090000003000003003fa005120171c926595924932bc05a020000030002000003003c10")],
        pps: [hex("4401c172b46240")])
    static let av1 = CodecConfiguration.av1(configurationOBUs: hex("0a0b0000000cc5036936be4010"))
    static let aac = CodecConfiguration.aac(audioSpecificConfig: [0x12, 0x10])

    /// The first bytes of key frames of 640x360.
    static let vp8KeyFrame = frame(.vp8, hex("50 4b 00 9d 01 2a 80 02 68 01 00 47"))
    static let vp9KeyFrame = frame(.vp9, hex("82 49 83 42 00 27 f0 16 7e"))

    static func frame(
        _ codec: Codec, _ payload: [UInt8] = [1, 2, 3], at time: Int64 = 0, shownAt shown: Int64? = nil,
        isKey: Bool = true
    ) -> EncodedFrame {
        EncodedFrame(
            codec: codec, decodeTime: time, presentationTime: shown ?? time, isKeyFrame: isKey, payload: payload)
    }

    static func hex(_ text: String) -> [UInt8] {
        let digits = text.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

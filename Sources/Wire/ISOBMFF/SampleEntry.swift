import Media
import Primitives

/// How the samples of a track are coded, as a `stsd` box holds it (ISO/IEC 14496-12 §8.5.2).
struct SampleEntry {
    var timescale: UInt32
    var codecsParameter: String
    var width = 0
    var height = 0
    var channels = 0
    var frameTicks: UInt32?
    /// The entry, a whole box.
    var box: [UInt8]

    static let videoTimescale: UInt32 = 90_000

    /// An entry of video; `configuration` writes a whole box, such as `avcC`.
    static func videoEntry(
        _ type: BoxType,
        width: Int,
        height: Int,
        configuration: (inout BoxWriter) -> Void
    ) -> [UInt8] {
        var writer = BoxWriter(capacity: 256)
        writer.box(type) { entry in
            entry.writeZeros(6)
            entry.write(UInt16(1))  // data_reference_index
            entry.writeZeros(16)
            entry.write(UInt16(truncatingIfNeeded: width))
            entry.write(UInt16(truncatingIfNeeded: height))
            entry.write(UInt32(0x48_0000))  // 72 dpi
            entry.write(UInt32(0x48_0000))
            entry.write(UInt32(0))
            entry.write(UInt16(1))  // frame_count
            entry.writeZeros(32)  // compressorname
            entry.write(UInt16(0x18))  // depth
            entry.write(UInt16(0xFFFF))
            configuration(&entry)
        }
        return writer.bytes
    }

    /// The same for audio.
    static func audioEntry(
        _ type: BoxType,
        channels: Int,
        sampleRate: Int,
        configuration: (inout BoxWriter) -> Void
    ) -> [UInt8] {
        var writer = BoxWriter(capacity: 128)
        writer.box(type) { entry in
            entry.writeZeros(6)
            entry.write(UInt16(1))  // data_reference_index
            entry.writeZeros(8)
            entry.write(UInt16(truncatingIfNeeded: channels))
            entry.write(UInt16(16))  // samplesize
            entry.writeZeros(4)
            // 16.16, into which 88.2 and 96 kHz do not fit; the decoder's configuration counts.
            entry.write(UInt32(sampleRate <= 0xFFFF ? sampleRate : 0) << 16)
            configuration(&entry)
        }
        return writer.bytes
    }
}

/// Digits as codec names have them.
enum Digits {
    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Two decimal digits.
    static func two(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}

package import Media
import Primitives

extension CodecConfiguration {
    /// The record that announces this configuration in a sequence header.
    ///
    /// `nil` where a codec needs none, or where the parameter sets are too broken to describe.
    package var sequenceHeader: [UInt8]? {
        switch self {
        case .h264(let sps, let pps):
            var writer = ByteWriter()
            AVCDecoderConfigurationRecord(sequenceParameterSets: sps, pictureParameterSets: pps).write(to: &writer)
            return writer.bytes
        case .h265(let vps, let sps, let pps): return Self.hvcC(vps: vps, sps: sps, pps: pps)
        // The fields between are a summary of the sequence header, which follows and decides.
        case .av1(let configurationOBUs): return [0x81, 0x00, 0x0C, 0x00] + configurationOBUs
        case .aac(let audioSpecificConfig): return audioSpecificConfig
        case .opus(let channels): return Self.opusHead(channels: channels)
        case .vp8, .vp9: return nil
        }
    }

    /// An Opus identification header (RFC 7845, section 5.1), 48 kHz and without pre-skip.
    private static func opusHead(channels: Int) -> [UInt8] {
        Array("OpusHead".utf8) + [1, UInt8(clamping: channels), 0, 0, 0x80, 0xBB, 0, 0, 0, 0, 0]
    }

    /// An HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, section 8.3.3.1) for 4:2:0 pictures of 8 bits.
    private static func hvcC(vps: [[UInt8]], sps: [[UInt8]], pps: [[UInt8]]) -> [UInt8]? {
        // profile_tier_level follows the two header bytes and one more: 12 bytes of general values.
        guard let first = sps.first, let payload = try? NALUnits.rawPayload(of: first.span, headerSize: 2),
            payload.count >= 13
        else { return nil }
        var writer = ByteWriter()
        writer.write(UInt8(1))
        writer.write(Array(payload[1..<13]))
        writer.write([0xF0, 0x00, 0xFC, 0xFD, 0xF8, 0xF8, 0x00, 0x00, 0x0F])
        writer.write(UInt8(3))
        for (type, units) in [(UInt8(32), vps), (33, sps), (34, pps)] {
            writer.write(0x80 | type)
            writer.write(UInt16(truncatingIfNeeded: units.count))
            for unit in units {
                writer.write(UInt16(truncatingIfNeeded: unit.count))
                writer.write(unit)
            }
        }
        return writer.bytes
    }
}

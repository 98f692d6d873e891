import Media
import Primitives
import TestSupport
import Testing

@Suite("Decoder configuration records")
struct DecoderConfigurationTests {
    @Test func `an avcC record gives its parameter sets`() throws {
        let record = try AVCDecoderConfigurationRecord(Samples.highRecord)
        #expect(record.lengthSize == 4)
        #expect(record.sequenceParameterSets.map(\.first) == [0x67])
        #expect(record.pictureParameterSets == [Samples.hex("68ebe3cb22c0")])
    }

    @Test func `an avcC record survives a round trip`() throws {
        let record = try AVCDecoderConfigurationRecord(Samples.baselineRecord)
        var writer = ByteWriter()
        record.write(to: &writer)
        #expect(writer.bytes == Samples.baselineRecord)
    }

    @Test func `every truncation of an avcC record throws`() {
        for length in Samples.baselineRecord.indices {
            let cut = Array(Samples.baselineRecord[..<length])
            #expect(throws: ParseError.self) { try AVCDecoderConfigurationRecord(cut) }
        }
    }

    @Test func `an avcC record of another version or with three-byte lengths is refused`() {
        for (index, value) in [(0, UInt8(2)), (4, 0xFE)] {
            var record = Samples.baselineRecord
            record[index] = value
            #expect(throws: ParseError.self) { try AVCDecoderConfigurationRecord(record) }
        }
    }

    @Test func `an hvcC record gives its parameter sets`() throws {
        let record = try HEVCDecoderConfigurationRecord(Samples.hevcRecord)
        #expect(record.lengthSize == 4)
        #expect(
            record.configuration
                == .h265(vps: [Samples.hevcVPS], sps: [Samples.hevcSPS], pps: [Samples.hevcPPS])
        )
    }

    @Test func `every truncation of an hvcC record throws`() {
        for length in Samples.hevcRecord.indices {
            let cut = Array(Samples.hevcRecord[..<length])
            #expect(throws: ParseError.self) { try HEVCDecoderConfigurationRecord(cut) }
        }
    }

    @Test func `an hvcC record with thousands of units is refused`() {
        var record = Array(Samples.hevcRecord[..<22])
        record += [1, 0xA1, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 2 * 65_535)
        #expect(throws: ParseError.limitExceeded(what: "hvcC NAL units")) {
            try HEVCDecoderConfigurationRecord(record)
        }
    }

    @Test func `an av1C record gives profile, level and sequence header`() throws {
        let record = try AV1CodecConfigurationRecord(Samples.av1Record)
        #expect(record.profile == 0)
        #expect(record.levelIndex == 1)
        #expect(!record.isHighTier)
        #expect(record.configuration == .av1(configurationOBUs: Array(Samples.av1Record[4...])))
        let units = try OpenBitstreamUnit.units(of: record.configurationOBUs.span)
        #expect(units.map(\.type) == [OpenBitstreamUnit.sequenceHeader])
    }

    @Test func `an av1C record cut inside its header or its OBUs throws`() {
        for length in Samples.av1Record.indices where length != 4 {
            let cut = Array(Samples.av1Record[..<length])
            #expect(throws: ParseError.self) { try AV1CodecConfigurationRecord(cut) }
        }
    }

    @Test func `LEB128 numbers beyond 32 bits are refused`() throws {
        let largest: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F]
        var reader = ByteReader(largest.span)
        #expect(try reader.readLEB128() == Int(UInt32.max))
        for bytes in [[0xFF, 0xFF, 0xFF, 0xFF, 0x1F], [UInt8](repeating: 0x80, count: 9)] as [[UInt8]] {
            #expect(throws: ParseError.self) {
                var reader = ByteReader(bytes.span)
                _ = try reader.readLEB128()
            }
        }
    }

    @Test(arguments: [
        ([0x12, 0x10] as [UInt8], 2, 44_100, 2), ([0x11, 0x90], 2, 48_000, 2), ([0x11, 0x88], 2, 48_000, 1),
        ([0x2B, 0x92, 0x08, 0x00], 5, 22_050, 2), ([0x17, 0x80, 0x5D, 0xC0, 0x10], 2, 48_000, 2),
    ])
    func `an AudioSpecificConfig tells type, rate and channels`(
        bytes: [UInt8],
        type: Int,
        rate: Int,
        channels: Int
    ) throws {
        let config = try AudioSpecificConfig(bytes)
        #expect(config.objectType == type)
        #expect(config.sampleRate == rate)
        #expect(config.channels == channels)
    }

    @Test(arguments: [[], [0x12], [0x16, 0x90], [0x12, 0x48], [0x17, 0x80, 0x00, 0x00, 0x10]] as [[UInt8]])
    func `an AudioSpecificConfig that is short or makes no sense throws`(bytes: [UInt8]) {
        #expect(throws: ParseError.self) { try AudioSpecificConfig(bytes) }
    }

    @Test(arguments: [
        ([0xFC] as [UInt8], 20_000 as Int64, true), ([0xF8], 20_000, false), ([0x78], 20_000, false),
        ([0x18], 60_000, false), ([0xE1], 5_000, false), ([0xFF, 0x03], 60_000, true),
    ])
    func `the first byte of an Opus packet tells its length in time`(
        packet: [UInt8],
        duration: Int64,
        isStereo: Bool
    ) throws {
        let header = try OpusPacketHeader(packet)
        #expect(header.duration == duration)
        #expect(header.isStereo == isStereo)
    }

    @Test(arguments: [[], [0xFF], [0xFF, 0x00], [0xFF, 0x07]] as [[UInt8]])
    func `an Opus packet that is empty or longer than 120 ms throws`(packet: [UInt8]) {
        #expect(throws: ParseError.self) { try OpusPacketHeader(packet) }
    }
}

import Media
import Primitives
import TestSupport
import Testing

@Suite("Sequence parameter sets, H.264 §7.3.2.1 and H.265 §7.3.2.2")
struct SequenceParameterSetTests {
    private func baseline() throws -> [UInt8] {
        try #require(AVCDecoderConfigurationRecord(Samples.baselineRecord).sequenceParameterSets.first)
    }

    private func high() throws -> [UInt8] {
        try #require(AVCDecoderConfigurationRecord(Samples.highRecord).sequenceParameterSets.first)
    }

    @Test func `a baseline stream cannot reorder`() throws {
        let sps = try H264SequenceParameterSet(try baseline())
        #expect(sps.profileLevelID == "42c01e")
        #expect(sps.width == 642)
        #expect(sps.height == 362)
        #expect(sps.framesOnly)
        #expect(sps.pictureOrderCountType == 2)
        #expect(!sps.allowsReordering)
    }

    @Test func `a high profile stream with B-frames says how many frames change places`() throws {
        let sps = try H264SequenceParameterSet(try high())
        #expect(sps.profileLevelID == "64001e")
        #expect(sps.width == 642)
        #expect(sps.height == 362)
        #expect(sps.maximumReorderedFrames == 2)
        #expect(sps.allowsReordering)
    }

    @Test func `a high profile stream without B-frames is told apart from one with them`() throws {
        let sps = try H264SequenceParameterSet(Samples.highWithoutReorderingSPS)
        #expect(sps.maximumReorderedFrames == 0)
        #expect(!sps.allowsReordering)
    }

    @Test func `the hypothetical reference decoder is passed over`() throws {
        let sps = try H264SequenceParameterSet(Samples.mainSPS)
        #expect(sps.profile == 77)
        #expect(sps.maximumReorderedFrames == 1)
    }

    @Test func `a set rewritten without reordering is otherwise the same`() throws {
        for unit in [try high(), Samples.mainSPS] {
            let before = try H264SequenceParameterSet(unit)
            let rewritten = try #require(try H264SequenceParameterSet.withoutReordering(unit))
            var after = try H264SequenceParameterSet(rewritten)
            #expect(after.maximumReorderedFrames == 0)
            #expect(!after.allowsReordering)
            after.maximumReorderedFrames = before.maximumReorderedFrames
            #expect(after == before)
        }
    }

    @Test func `a set without usability information gains it when rewritten`() throws {
        var bits = BitWriter()
        for byte in [UInt32(77), 0, 31] { bits.write(byte, width: 8) }
        for code in [UInt32(0), 0, 0, 0, 4] { bits.writeUnsignedExpGolomb(code) }
        bits.write(false)
        bits.writeUnsignedExpGolomb(79)
        bits.writeUnsignedExpGolomb(44)
        for flag in [true, true, false, false] { bits.write(flag) }
        let unit = [0x67] + NALUnits.escaped(bits.finishedWithTrailingBits())

        let before = try H264SequenceParameterSet(unit)
        #expect(before.width == 1_280)
        #expect(before.height == 720)
        #expect(before.maximumReorderedFrames == nil)
        #expect(before.allowsReordering)
        let rewritten = try #require(try H264SequenceParameterSet.withoutReordering(unit))
        let after = try H264SequenceParameterSet(rewritten)
        #expect(after.maximumReorderedFrames == 0)
        #expect(after.width == 1_280)
    }

    @Test func `a set that cannot reorder is not rewritten`() throws {
        #expect(try H264SequenceParameterSet.withoutReordering(try baseline()) == nil)
    }

    @Test func `every truncation of an SPS throws`() throws {
        for unit in [try baseline(), try high(), Samples.mainSPS] {
            // The last byte holds only what follows the fields that are read.
            for length in 0..<(unit.count - 2) {
                let cut = Array(unit[..<length])
                #expect(throws: ParseError.self) { try H264SequenceParameterSet(cut) }
            }
        }
    }

    @Test func `a size beyond reason is refused`() {
        var bits = BitWriter()
        for byte in [UInt32(66), 0, 31] { bits.write(byte, width: 8) }
        for code in [UInt32(0), 0, 0, 0, 1] { bits.writeUnsignedExpGolomb(code) }
        bits.write(false)
        bits.writeUnsignedExpGolomb(UInt32.max - 1)
        let unit = [0x67] + NALUnits.escaped(bits.finishedWithTrailingBits())
        #expect(throws: ParseError.invalid(field: "SPS width")) { try H264SequenceParameterSet(unit) }
    }

    @Test func `an H.265 SPS tells size, profile and reordering`() throws {
        let sps = try H265SequenceParameterSet(Samples.hevcSPS)
        #expect(sps.profile == 1)
        #expect(sps.level == 63)
        #expect(!sps.isHighTier)
        #expect(sps.width == 642)
        #expect(sps.height == 362)
        #expect(sps.maximumReorderedPictures > 0)
        let live = try H265SequenceParameterSet(Samples.hevcWithoutReorderingSPS)
        #expect(live.maximumReorderedPictures == 0)
        #expect(live.width == 642)
    }

    @Test func `a short H.265 SPS throws`() {
        for length in 0..<20 {
            let cut = Array(Samples.hevcSPS[..<length])
            #expect(throws: ParseError.self) { try H265SequenceParameterSet(cut) }
        }
    }

    @Test func `sets with random damage never trap`() throws {
        var generator = SeededGenerator(seed: 20)
        for original in [try baseline(), try high(), Samples.mainSPS, Samples.hevcSPS] {
            for _ in 0..<3_000 {
                var unit = original
                for _ in 0..<Int.random(in: 1...6, using: &generator) {
                    unit[Int.random(in: 1..<unit.count, using: &generator)] = .random(in: 0...255, using: &generator)
                }
                _ = try? H264SequenceParameterSet.withoutReordering(unit)
                if let sps = try? H264SequenceParameterSet(unit) {
                    #expect((1...16_384).contains(sps.width))
                    #expect((1...32_768).contains(sps.height))
                }
                if let sps = try? H265SequenceParameterSet(unit) {
                    #expect((1...16_384).contains(sps.width))
                }
            }
        }
    }
}

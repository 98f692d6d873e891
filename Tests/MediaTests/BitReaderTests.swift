import Media
import Primitives
import Testing

@Suite("Bits and Exp-Golomb codes, H.264 §9.1")
struct BitReaderTests {
    @Test func `codes read back as they were written`() throws {
        let values: [UInt32] = [0, 1, 2, 3, 7, 8, 254, 255, 65_535, 1 << 30, UInt32.max - 1]
        var writer = BitWriter()
        for value in values { writer.writeUnsignedExpGolomb(value) }
        var reader = BitReader(writer.finishedWithTrailingBits())
        for value in values { #expect(try reader.readUnsignedExpGolomb() == value) }
    }

    @Test func `signed codes alternate around zero`() throws {
        var writer = BitWriter()
        for code in UInt32(0)..<6 { writer.writeUnsignedExpGolomb(code) }
        var reader = BitReader(writer.finishedWithTrailingBits())
        for value in [0, 1, -1, 2, -2, 3] as [Int32] { #expect(try reader.readSignedExpGolomb() == value) }
    }

    @Test func `the longest signed code does not trap`() throws {
        var writer = BitWriter()
        writer.writeUnsignedExpGolomb(.max - 1)
        var reader = BitReader(writer.finishedWithTrailingBits())
        #expect(try reader.readSignedExpGolomb() == -Int32.max)
    }

    @Test func `a code of more than 32 bits is refused`() {
        var reader = BitReader([0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
        #expect(throws: ParseError.invalid(field: "Exp-Golomb code")) { try reader.readUnsignedExpGolomb() }
    }

    @Test func `reading past the end throws and moves nothing`() {
        var reader = BitReader([0xA5])
        #expect(throws: ParseError.self) { try reader.readBits(9) }
        #expect(reader.position == 0)
        #expect(throws: ParseError.self) { try reader.skip(9) }
        #expect(reader.remaining == 8)
    }
}

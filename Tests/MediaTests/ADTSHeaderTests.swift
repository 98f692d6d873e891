import Media
import Primitives
import Testing

@Suite("ADTS headers, ISO/IEC 13818-7")
struct ADTSHeaderTests {
    /// AAC-LC, 48 kHz, stereo, 7 bytes of header and 4 of frame.
    private let header: [UInt8] = [0xFF, 0xF1, 0x4C, 0x80, 0x01, 0x7F, 0xFC]

    private func parse(_ bytes: [UInt8]) throws -> ADTSHeader {
        try ADTSHeader(parsing: bytes.span)
    }

    @Test func `a header says what an AudioSpecificConfig says`() throws {
        let parsed = try parse(header)
        #expect(parsed.length == 7)
        #expect(parsed.frameLength == 11)
        let config = try AudioSpecificConfig(parsed.audioSpecificConfig)
        #expect(config.objectType == 2 && config.sampleRate == 48_000 && config.channels == 2)
    }

    @Test func `a checksum makes it longer`() throws {
        #expect(try parse([0xFF, 0xF0] + header[2...]).length == 9)
    }

    @Test func `every truncation throws`() {
        for length in 0..<header.count {
            #expect(throws: ParseError.self, "\(length) bytes") { try parse(Array(header.prefix(length))) }
        }
    }

    @Test(arguments: [
        [0xFE, 0xF1, 0x4C, 0x80, 0x01, 0x7F, 0xFC], [0xFF, 0xF3, 0x4C, 0x80, 0x01, 0x7F, 0xFC],
        [0xFF, 0xF1, 0x7C, 0x80, 0x01, 0x7F, 0xFC], [0xFF, 0xF1, 0x4C, 0x80, 0x00, 0x1F, 0xFC],
    ])
    func `what is no header throws`(bytes: [UInt8]) {
        #expect(throws: ParseError.self) { try parse(bytes) }
    }
}

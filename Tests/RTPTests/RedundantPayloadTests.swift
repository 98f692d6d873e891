import Primitives
import RTP
import TestSupport
import Testing

private func parse(_ payload: [UInt8]) throws -> RedundantPayload { try RedundantPayload(parsing: payload.span) }

/// A payload of repeated frames, each so much older, and the newest frame.
private func payload(_ repeated: [(offset: Int, bytes: [UInt8])], primary: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    for block in repeated {
        let header = RedundantPayload.redundantHeader(
            payloadType: 111, timestampOffset: block.offset, length: block.bytes.count)
        for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: header >> shift)) }
    }
    bytes.append(111)
    return bytes + repeated.flatMap(\.bytes) + primary
}

@Suite("Redundant audio, RFC 2198")
struct RedundantPayloadTests {
    @Test func `frames come out as they went in, the oldest first`() throws {
        let bytes = payload([(1_920, [1, 2, 3]), (960, [4])], primary: [5, 6])
        let parsed = try parse(bytes)
        #expect(parsed.blocks.map(\.payloadType) == [111, 111, 111])
        #expect(parsed.blocks.map(\.timestampOffset) == [1_920, 960, 0])
        #expect(parsed.blocks.map { Array(bytes[$0.range]) } == [[1, 2, 3], [4], [5, 6]])
    }

    @Test func `the example of the field's browsers is read`() throws {
        // Opus (111), 960 ticks back, 2 bytes; then the primary frame of 3.
        let bytes: [UInt8] = [0xEF, 0x0F, 0x00, 0x02, 0x6F, 0xAA, 0xBB, 1, 2, 3]
        let parsed = try parse(bytes)
        #expect(parsed.blocks.map(\.timestampOffset) == [960, 0])
        #expect(parsed.blocks.map(\.range) == [5..<7, 7..<10])
    }

    @Test func `the largest values fit, and empty blocks are allowed`() throws {
        let most = [UInt8](repeating: 7, count: RedundantPayload.maximumBlockLength)
        let parsed = try parse(payload([(RedundantPayload.maximumTimestampOffset, most), (1, [])], primary: []))
        #expect(parsed.blocks.map(\.timestampOffset) == [16_383, 1, 0])
        #expect(parsed.blocks.map(\.range.count) == [1_023, 0, 0])
    }

    @Test func `every truncation that cuts a header or a repeated frame throws`() throws {
        let bytes = payload([(960, [1, 2, 3]), (480, [4, 5])], primary: [6])
        // The primary frame takes what is left, be it nothing.
        for length in 0..<(bytes.count - 1) {
            #expect(throws: ParseError.self) { try parse(Array(bytes.prefix(length))) }
        }
        #expect(try parse(Array(bytes.dropLast())).blocks.last?.range.isEmpty == true)
    }

    @Test func `eight blocks are read and nine refused`() throws {
        let repeated = (1...7).map { (offset: $0, bytes: [UInt8($0)]) }
        #expect(try parse(payload(repeated, primary: [9])).blocks.count == RedundantPayload.maximumBlocks)
        #expect(throws: ParseError.limitExceeded(what: "redundant blocks")) {
            try parse(payload(repeated + [(8, [8])], primary: [9]))
        }
    }
}

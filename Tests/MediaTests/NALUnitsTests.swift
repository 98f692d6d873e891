import Media
import Primitives
import TestSupport
import Testing

@Suite("NAL units")
struct NALUnitsTests {
    private let units: [[UInt8]] = [[0x67, 1, 2], [0x68, 3], [0x65] + filler(300)]

    @Test(arguments: [1, 2, 4])
    func `lengths of every size are followed`(lengthSize: Int) throws {
        let units = units.map { Array($0.prefix(200)) }
        var bytes: [UInt8] = []
        for unit in units {
            bytes += [UInt8](repeating: 0, count: lengthSize - 1) + [UInt8(unit.count)] + unit
        }
        let ranges = try NALUnits.ranges(lengthPrefixed: bytes.span, lengthSize: lengthSize)
        #expect(ranges.map { Array(bytes[$0]) } == units)
        #expect(try NALUnits.normalize(bytes, lengthSize: lengthSize) == lengthPrefixed(units))
    }

    @Test func `empty units are left out`() throws {
        let bytes = lengthPrefixed([[], [0x65, 1], []])
        #expect(try NALUnits.ranges(lengthPrefixed: bytes.span) == [8..<10])
    }

    @Test func `every truncation throws but those between units`() throws {
        let bytes = lengthPrefixed(units)
        var ends: Set<Int> = [0]
        for unit in units { ends.insert((ends.max() ?? 0) + 4 + unit.count) }
        for length in 0..<bytes.count where !ends.contains(length) {
            let cut = Array(bytes[..<length])
            #expect(throws: ParseError.self) { try NALUnits.ranges(lengthPrefixed: cut.span) }
        }
    }

    @Test func `a length of four gigabytes throws`() {
        let bytes: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x65]
        #expect(throws: ParseError.self) { try NALUnits.ranges(lengthPrefixed: bytes.span) }
    }

    @Test func `more units than a frame can have are refused`() throws {
        let unit: [UInt8] = [0, 0, 0, 1, 0x41]
        let most = Array(repeatElement(unit, count: NALUnits.maximumCount).joined())
        #expect(try NALUnits.ranges(lengthPrefixed: most.span).count == NALUnits.maximumCount)
        let tooMany = most + unit
        #expect(throws: ParseError.limitExceeded(what: "NAL units of a frame")) {
            try NALUnits.ranges(lengthPrefixed: tooMany.span)
        }
    }

    @Test func `start codes of both lengths and trailing zeros are understood`() throws {
        let bytes: [UInt8] = [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 0, 0, 1, 0x65, 9, 0, 0]
        #expect(
            try NALUnits.lengthPrefixed(fromAnnexB: bytes) == lengthPrefixed([[0x67, 1, 2], [0x68, 3], [0x65, 9]])
        )
    }

    @Test func `bytes without a start code hold no unit`() throws {
        #expect(try NALUnits.ranges(annexB: [1, 2, 0, 0, 2, 3].span).isEmpty)
    }

    @Test func `emulation prevention is undone by its counterpart`() throws {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<200 {
            let payload = (0..<40).map { _ in UInt8.random(in: 0...4, using: &generator) }
            let unit = [0x67] + NALUnits.escaped(payload)
            #expect(try NALUnits.ranges(annexB: unit.span).isEmpty, "an escaped payload holds no start code")
            #expect(try NALUnits.rawPayload(of: unit.span, headerSize: 1) == payload)
        }
    }
}

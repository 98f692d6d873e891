import Primitives
import RTMP
import Testing

@Suite("AMF0")
struct AMF0Tests {
    private static let everything: [AMF0Value] = [
        .string("connect"), .number(1), .boolean(true), .null, .undefined, .date(1.5e12),
        .object(["app": .string("live"), "nested": .object(["a": .strictArray([.number(-1), .string("")])])]),
        .ecmaArray(["width": .number(1920), "encoder": .string("Lavf")]),
        .string(String(repeating: "x", count: 10_000)),
    ]

    private func encode(_ values: [AMF0Value]) -> [UInt8] {
        var writer = ByteWriter()
        writer.writeAMF0(values)
        return writer.bytes
    }

    private func decode(_ bytes: [UInt8], limits: AMF0Limits = AMF0Limits()) throws -> [AMF0Value] {
        var reader = AMF0Reader(bytes.span, limits: limits)
        return try reader.readAll()
    }

    @Test func `values come back as they were written`() throws {
        #expect(try decode(encode(Self.everything)) == Self.everything)
    }

    @Test func `the bytes are those of the specification`() {
        #expect(encode([.number(1)]) == [0, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0])
        #expect(encode([.string("ab"), .boolean(false), .null]) == [2, 0, 2, 0x61, 0x62, 1, 0, 5])
        #expect(encode([.object(["k": .null])]) == [3, 0, 1, 0x6B, 5, 0, 0, 9])
        #expect(encode([.ecmaArray(["k": .null])]) == [8, 0, 0, 0, 1, 0, 1, 0x6B, 5, 0, 0, 9])
        #expect(encode([.strictArray([.null])]) == [10, 0, 0, 0, 1, 5])
    }

    @Test func `every truncation of a value throws`() throws {
        for value in Self.everything.dropLast() {
            let bytes = encode([value])
            for length in 1..<bytes.count {
                #expect(throws: ParseError.self) { try decode(Array(bytes[..<length])) }
            }
        }
    }

    @Test func `a long string travels with 32 bits of length`() throws {
        let text = String(repeating: "y", count: 70_000)
        var limits = AMF0Limits()
        limits.maximumStringLength = 100_000
        #expect(encode([.string(text)]).prefix(5) == [12, 0, 1, 0x11, 0x70])
        #expect(try decode(encode([.string(text)]), limits: limits) == [.string(text)])
        #expect(throws: ParseError.limitExceeded(what: "AMF0 string")) { try decode(encode([.string(text)])) }
    }

    @Test func `typed objects and XML documents become plain ones`() throws {
        #expect(try decode([0x10, 0, 1, 0x43, 0, 1, 0x6B, 5, 0, 0, 9]) == [.object(["k": .null])])
        #expect(try decode([0x0F, 0, 0, 0, 1, 0x78]) == [.string("x")])
    }

    @Test func `the count of an associative array is only a hint`() throws {
        let bytes: [UInt8] = [8, 0xFF, 0xFF, 0xFF, 0xFF, 0, 1, 0x6B, 5, 0, 0, 9]
        #expect(try decode(bytes) == [.ecmaArray(["k": .null])])
    }

    @Test(arguments: [UInt8(0x03), 0x08, 0x0A])
    func `a nesting bomb is refused at its ninth level`(marker: UInt8) throws {
        let level: [UInt8] =
            switch marker {
            case 0x03: [3, 0, 1, 0x61]
            case 0x08: [8, 0, 0, 0, 0, 0, 1, 0x61]
            default: [10, 0, 0, 0, 1]
            }
        let bomb = Array(repeatElement(level, count: 10_000).joined())
        #expect(throws: ParseError.limitExceeded(what: "AMF0 nesting")) { try decode(bomb) }
        let deepest = Array(repeatElement(level, count: 8).joined()) + [5]
        // Eight levels are allowed: this one merely ends early, unless an array needs no end.
        if marker == 0x0A {
            #expect(try decode(deepest).count == 1)
        } else {
            #expect(throws: ParseError.truncated(needed: 2, available: 0, offset: deepest.count)) {
                try decode(deepest)
            }
        }
    }

    @Test func `an array that claims four billion elements allocates nothing`() {
        #expect(throws: ParseError.limitExceeded(what: "AMF0 values")) {
            try decode([10, 0xFF, 0xFF, 0xFF, 0xFF, 5])
        }
    }

    @Test func `no message holds more than a thousand values`() throws {
        #expect(try decode(Array(repeating: 5, count: 1_024)).count == 1_024)
        #expect(throws: ParseError.limitExceeded(what: "AMF0 values")) {
            try decode(Array(repeating: 5, count: 1_025))
        }
    }

    @Test(arguments: [UInt8(0x04), 0x07, 0x0E, 0x11, 0x12, 0xFF])
    func `references, AMF3 and unknown types are refused`(marker: UInt8) {
        #expect(throws: ParseError.invalid(field: "AMF0 marker")) { try decode([marker, 0, 0, 0, 0]) }
    }
}

import Signaling
import Testing

@Suite("JSON, RFC 8259")
struct JSONTests {
    private func read(_ text: String) throws(JSONProblem) -> JSONValue {
        try JSONReader.read(Array(text.utf8).span)
    }

    @Test(arguments: [
        #"{"a":[1,-0.5e+3,true,false,null,"x"],"b":{}}"#, "[]", "0", "-1", #""""#, #"{"é":"😀"}"#,
        "123456789012345678901234567890.5",
    ])
    func `what is written is read and written again`(text: String) throws {
        #expect(try read(text).text == text)
    }

    @Test(arguments: [
        (#""\u0041\n\/\"\\""#, "A\n/\"\\"), (#""\ud83d\ude00""#, "😀"), (#""\u20AC""#, "€"), ("\"\u{7F}\"", "\u{7F}"),
    ])
    func `escapes are characters`(text: String, value: String) throws {
        #expect(try read(text) == .string(value))
        #expect(try read(try read(text).text) == .string(value))
    }

    @Test(arguments: [
        "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "01", "1.", ".5", "+1", "1e", "nul", "truex", "'a'", "[1 2]",
        "{\"a\" 1}",
        "\"\u{1}\"", #""\x""#, #""\u12""#, #""\ud83d""#, #""\ude00""#, #""\ud83dx""#, #""\ud83d\u0041""#, "1 1", "NaN",
        "//",
        "-", "[", "\"",
    ])
    func `what the grammar does not have is refused`(text: String) {
        #expect(throws: JSONProblem.self) { try read(text) }
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        for bytes: [UInt8] in [
            [0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0xEF, 0xBB, 0xBF, 0x30],
        ] {
            #expect(throws: JSONProblem.self) { try JSONReader.read(bytes.span) }
        }
    }

    @Test func `depth and number of values are bounded, and a name may come once`() throws {
        let deep = { (count: Int) in String(repeating: "[", count: count) + String(repeating: "]", count: count) }
        _ = try read(deep(JSONReader.maximumDepth))
        #expect(throws: JSONProblem.tooDeep) { try read(deep(JSONReader.maximumDepth + 1)) }
        #expect(throws: JSONProblem.tooDeep) { try read(String(repeating: "[", count: 60_000)) }
        let wide = { (count: Int) in "[" + Array(repeating: "0", count: count).joined(separator: ",") + "]" }
        _ = try read(wide(JSONReader.maximumValues - 1))
        #expect(throws: JSONProblem.tooManyValues) { try read(wide(JSONReader.maximumValues)) }
        #expect(throws: JSONProblem.repeatedName("a")) { try read(#"{"a":1,"\u0061":2}"#) }
    }

    @Test func `every truncation is refused`() throws {
        let text = Array(#"{"type":"send","to":"p1","text":"\ud83d\ude00","n":[1.5,{"a":null}]}"#.utf8)
        _ = try JSONReader.read(text.span)
        for length in 0..<text.count {
            #expect(throws: JSONProblem.self) { try JSONReader.read(text.span.extracting(first: length)) }
        }
    }
}

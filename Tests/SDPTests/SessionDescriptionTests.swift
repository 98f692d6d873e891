import SDP
import TestSupport
import Testing

@Suite("Session descriptions, RFC 8866")
struct SessionDescriptionTests {
    static let offer = """
        v=0
        o=mozilla...THIS_IS_SDPARTA-99.0 4342426235905625173 0 IN IP4 0.0.0.0
        s=-
        t=0 0
        a=sendrecv
        a=group:BUNDLE 0 1
        a=ice-options:trickle
        m=video 58652 UDP/TLS/RTP/SAVPF 120 121
        c=IN IP4 192.0.2.2
        b=AS:2000
        a=sendonly
        a=mid:0
        a=rtcp-mux
        m=audio 0 UDP/TLS/RTP/SAVPF 109
        c=IN IP4 0.0.0.0
        a=bundle-only
        a=mid:1

        """

    @Test func `session, sections and attributes are read`() throws {
        let description = try SessionDescription(parsing: Array(Self.offer.utf8))
        #expect(description.origin.sessionID == "4342426235905625173")
        #expect(description.origin.address == "IN IP4 0.0.0.0")
        #expect(description.group("BUNDLE")?.mids == ["0", "1"])
        #expect(description.attributes.direction == .sendrecv)
        try #require(description.media.count == 2)
        let video = description.media[0]
        #expect(video.media == "video")
        #expect(video.port == 58652)
        #expect(video.transport == "UDP/TLS/RTP/SAVPF")
        #expect(video.formats == ["120", "121"])
        #expect(video.connection == "IN IP4 192.0.2.2")
        #expect(video.direction == .sendonly)
        #expect(video.mid == "0")
        #expect(description.media[1].port == 0)
        #expect(description.media[1].attributes.contains("bundle-only"))
        #expect(description.media[1].direction == nil)
    }

    @Test func `CRLF and LF line ends mean the same`() throws {
        let withLF = try SessionDescription(parsing: Array(Self.offer.utf8))
        let withCRLF = try SessionDescription(
            parsing: Array(Self.offer.utf8).flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] }
        )
        #expect(withLF == withCRLF)
    }

    @Test func `what is written is read back the same`() throws {
        let description = try SessionDescription(parsing: Array(Self.offer.utf8))
        #expect(try SessionDescription(parsing: Array(description.text.utf8)) == description)
        #expect(description.text.hasSuffix("a=mid:1\r\n"))
    }

    @Test func `an attribute of the session counts where the section has none`() throws {
        let text = "v=0\no=- 1 1 IN IP4 0\ns=-\nt=0 0\na=setup:active\nm=audio 9 X 0\nm=video 9 X 1\na=setup:passive\n"
        let description = try SessionDescription(parsing: Array(text.utf8))
        #expect(description.inherited("setup", inMediaSection: 0) == "active")
        #expect(description.inherited("setup", inMediaSection: 1) == "passive")
        #expect(description.inherited("setup", inMediaSection: 7) == "active")
        #expect(description.inherited("ice-ufrag", inMediaSection: 0) == nil)
    }

    @Test func `no truncation traps, and what is left is a description or an error`() {
        let bytes = Array(Self.offer.utf8)
        for length in 0..<bytes.count {
            let prefix = Array(bytes[..<length])
            guard let description = try? SessionDescription(parsing: prefix) else { continue }
            #expect(description.media.count <= 2)
        }
        #expect(throws: SDPError.missingVersion) { try SessionDescription(parsing: [UInt8]()) }
        #expect(throws: SDPError.missingOrigin) { try SessionDescription(parsing: Array("v=0\r\n".utf8)) }
    }

    @Test func `flipped bytes never trap`() {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<2000 {
            var bytes = Array(Self.offer.utf8)
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let description = try? SessionDescription(parsing: bytes) else { continue }
            // Whatever was let in can be written, and that can be read.
            #expect((try? SessionDescription(parsing: Array(description.text.utf8))) != nil)
        }
    }

    @Test(arguments: [
        "", "garbage", "v=1\no=- 1 1 IN IP4 0\n", "<html></html>", "\u{0}\u{1}\u{2}", "o=- 1 1 IN IP4 0\nv=0\n",
    ])
    func `what does not begin with v=0 is refused`(text: String) {
        #expect(throws: SDPError.self) { try SessionDescription(parsing: Array(text.utf8)) }
    }

    @Test(arguments: [
        "m=", "m=audio", "m=audio 9 X", "m=audio x X 0", "m=audio 65536 X 0", "m=audio -1 X 0", "m=audio 9/2/3 X 0",
    ])
    func `a broken media line is refused with its number`(line: String) {
        let text = "v=0\no=- 1 1 IN IP4 0\n\(line)\n"
        #expect(throws: SDPError.malformedMediaLine(line: 3)) { try SessionDescription(parsing: Array(text.utf8)) }
    }

    @Test(arguments: ["a", "ab", "=x", "A=x", " a=x", "a=x\u{0}y", "a=x\ry"])
    func `a line that could start another one, or is none, is refused with its number`(line: String) {
        let text = "v=0\no=- 1 1 IN IP4 0\n\(line)\n"
        #expect(throws: SDPError.malformedLine(line: 3)) { try SessionDescription(parsing: Array(text.utf8)) }
    }

    @Test func `line types that we do not know are read over`() throws {
        let text = "v=0\no=- 1 1 IN IP4 0\ns=x y\ni=i\nu=u\ne=e\nt=0 0\nr=1\nx=y\nb=AS:1\na=ice-lite\n"
        let description = try SessionDescription(parsing: Array(text.utf8))
        #expect(description.name == "x y")
        #expect(description.attributes.contains("ice-lite"))
    }

    @Test(arguments: [
        ("b=AS:2000", 2_000_000), ("b=TIAS:1500001", 1_500_001), ("b=TIAS:1\nb=AS:9", 1), ("b=AS:9\nb=TIAS:1", 1),
        ("b=AS:9\nb=AS:8", 9_000), ("b=AS:1000000000", 1_000_000_000_000), ("b=AS:1000000001", nil), ("b=AS:0", nil),
        ("b=AS:-1", nil), ("b=AS:18446744073709551616", nil), ("b=AS", nil), ("b=CT:9", nil), ("b=RS:0\nb=RR:0", nil),
        ("b=TIAS:1:2", nil),
    ])
    func `what media may take is read at both levels, and written again`(lines: String, bitsPerSecond: Int?) throws {
        let start = "v=0\no=- 1 1 IN IP4 0\n"
        let media = "m=video 9 UDP/TLS/RTP/SAVPF 96\n"
        let session = try SessionDescription(parsing: Array((start + lines + "\n" + media).utf8))
        #expect(session.bandwidth?.bitsPerSecond == bitsPerSecond)
        #expect(session.media[0].bandwidth == nil)
        let section = try SessionDescription(parsing: Array((start + media + lines + "\n").utf8))
        #expect(section.media[0].bandwidth?.bitsPerSecond == bitsPerSecond)
        #expect(section.bandwidth == nil)
        for description in [session, section] {
            #expect(try SessionDescription(parsing: Array(description.text.utf8)) == description)
        }
    }

    @Test func `bytes that are not UTF-8 are replaced`() throws {
        let bytes = Array("v=0\no=- 1 1 IN IP4 0\na=tool:".utf8) + [0xFF, 0xC0] + Array("\n".utf8)
        let description = try SessionDescription(parsing: bytes)
        #expect(description.attributes.first("tool") == "\u{FFFD}\u{FFFD}")
    }

    @Test func `a space with a combining mark behind it still separates fields`() throws {
        let text = "v=0\no=- 1 1 IN IP4 0\nm=audio 9 X 0 \u{301}1\n"
        let description = try SessionDescription(parsing: Array(text.utf8))
        #expect(description.media.first?.formats.count == 2)
    }
}

@Suite("Limits of session descriptions")
struct SDPLimitsTests {
    static let head = "v=0\no=- 1 1 IN IP4 0\n"

    @Test func `a text of 64 KiB passes and one byte more does not`() throws {
        var text = Array(Self.head.utf8)
        while text.count + 1002 <= SDPLimits.maximumBytes {
            text += Array("a=".utf8) + Array(repeating: 0x61, count: 999) + [0x0A]
        }
        text += Array(repeating: 0x0A, count: SDPLimits.maximumBytes - text.count)
        #expect(throws: Never.self) { try SessionDescription(parsing: text) }
        #expect(throws: SDPError.tooLarge) { try SessionDescription(parsing: text + [0x0A]) }
    }

    @Test func `64 media sections pass and 65 or 1000 do not`() throws {
        func text(_ count: Int) -> [UInt8] {
            Array((Self.head + String(repeating: "m=audio 9 X 0\n", count: count)).utf8)
        }
        #expect(try SessionDescription(parsing: text(64)).media.count == 64)
        #expect(throws: SDPError.tooManyMediaSections) { try SessionDescription(parsing: text(65)) }
        #expect(throws: SDPError.tooManyMediaSections) { try SessionDescription(parsing: text(1000)) }
    }

    @Test func `4096 lines pass and one more does not`() throws {
        func text(_ count: Int) -> [UInt8] { Array((Self.head + String(repeating: "a=b\n", count: count - 2)).utf8) }
        #expect(try SessionDescription(parsing: text(4096)).attributes.elements.count == 4094)
        #expect(throws: SDPError.tooManyLines) { try SessionDescription(parsing: text(4097)) }
    }

    @Test func `a line of 8192 bytes passes and one more does not`() throws {
        func text(_ count: Int) -> [UInt8] {
            Array((Self.head + "a=" + String(repeating: "b", count: count - 2) + "\n").utf8)
        }
        #expect(throws: Never.self) { try SessionDescription(parsing: text(8192)) }
        #expect(throws: SDPError.lineTooLong(line: 3)) { try SessionDescription(parsing: text(8193)) }
    }

    @Test func `128 formats pass and one more does not`() throws {
        func text(_ count: Int) -> [UInt8] {
            Array((Self.head + "m=audio 9 X" + String(repeating: " 0", count: count) + "\n").utf8)
        }
        #expect(try SessionDescription(parsing: text(128)).media.first?.formats.count == 128)
        #expect(throws: SDPError.malformedMediaLine(line: 3)) { try SessionDescription(parsing: text(129)) }
    }

    @Test func `every error says in words what is wrong`() {
        let errors: [SDPError] = [
            .tooLarge, .tooManyLines, .lineTooLong(line: 7), .tooManyMediaSections, .missingVersion,
            .malformedLine(line: 7), .malformedMediaLine(line: 7), .malformedOrigin(line: 7), .missingOrigin,
        ]
        #expect(Set(errors.map(\.detail)).count == errors.count)
        #expect(SDPError.malformedLine(line: 7).detail.contains("7"))
    }
}

import SDP
import Testing

@Suite("Trickle fragments, RFC 8840 §9")
struct SDPFragmentTests {
    static let trickle = """
        a=group:BUNDLE 0 1
        a=ice-ufrag:EsAw
        a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
        m=audio 9 UDP/TLS/RTP/SAVPF 0
        a=mid:0
        a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0
        a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host generation 0
        m=video 9 UDP/TLS/RTP/SAVPF 0
        a=mid:1
        a=end-of-candidates

        """

    @Test func `credentials, sections and candidates are read`() throws {
        let fragment = try SDPFragment(parsing: Array(Self.trickle.utf8))
        #expect(fragment.first("ice-ufrag") == "EsAw")
        #expect(fragment.sections.map(\.mid) == ["0", "1"])
        #expect(fragment.candidates.count == 2)
        #expect(fragment.endsCandidates)
    }

    @Test func `credentials inside a section count too`() throws {
        let text = "m=audio 9 X 0\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=candidate:1\r\n"
        let fragment = try SDPFragment(parsing: Array(text.utf8))
        #expect(fragment.first("ice-ufrag") == "abcd")
        #expect(!fragment.endsCandidates)
    }

    @Test func `a mid without its media line opens a section`() throws {
        let fragment = try SDPFragment(parsing: Array("a=mid:0\na=candidate:1\na=mid:1\na=candidate:2\n".utf8))
        #expect(fragment.sections.map(\.mid) == ["0", "1"])
        #expect(fragment.candidates == ["1", "2"])
    }

    @Test func `what is written is read back the same`() throws {
        let fragment = try SDPFragment(parsing: Array(Self.trickle.utf8))
        #expect(try SDPFragment(parsing: Array(fragment.text.utf8)) == fragment)
    }

    @Test func `no truncation traps`() {
        let bytes = Array(Self.trickle.utf8)
        for length in 0..<bytes.count { _ = try? SDPFragment(parsing: Array(bytes[..<length])) }
    }

    @Test func `sections are limited`() {
        let text = String(repeating: "m=audio 9 X 0\n", count: 65)
        #expect(throws: SDPError.tooManyMediaSections) { try SDPFragment(parsing: Array(text.utf8)) }
        let mids = (0..<65).map { "a=mid:\($0)\n" }.joined()
        #expect(throws: SDPError.tooManyMediaSections) { try SDPFragment(parsing: Array(mids.utf8)) }
    }
}

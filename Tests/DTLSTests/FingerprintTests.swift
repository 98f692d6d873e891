import DTLS
import Testing

@Suite("a=fingerprint, RFC 8122 §5")
struct FingerprintTests {
    private static let bytes = (0..<64).map { UInt8(truncatingIfNeeded: $0 * 37 + 5) }

    @Test(arguments: HashAlgorithm.allCases)
    func `it reads what it writes, and lower case too`(algorithm: HashAlgorithm) throws {
        let fingerprint = Fingerprint(algorithm: algorithm, bytes: Array(Self.bytes.prefix(algorithm.length)))
        #expect(Fingerprint(sdp: fingerprint.sdp) == fingerprint)
        #expect(Fingerprint(sdp: fingerprint.sdp.lowercased()) == fingerprint)
        #expect(Fingerprint(sdp: fingerprint.sdp.uppercased()) == fingerprint)
    }

    @Test func `a certificate has one of SHA-256 in upper case`() throws {
        let text = try DTLSContext().fingerprint.sdp
        #expect(text.hasPrefix("sha-256 "))
        #expect(text.count == 8 + 32 * 3 - 1)
        #expect(text.dropFirst(8) == text.dropFirst(8).uppercased())
    }

    @Test func `every truncation and every wrong character is refused`() {
        let text = Fingerprint(algorithm: .sha256, bytes: Array(Self.bytes.prefix(32))).sdp
        for length in 0..<text.count { #expect(Fingerprint(sdp: String(text.prefix(length))) == nil) }
        for position in 8..<text.count {
            var characters = Array(text)
            characters[position] = "x"
            #expect(Fingerprint(sdp: String(characters)) == nil)
        }
    }

    @Test(arguments: ["", "sha-256", "sha-256  ", "md5 00:11", "sha-999 00", "sha-256 é", "sha-256 00:11 22"])
    func `anything else is refused`(text: String) {
        #expect(Fingerprint(sdp: text) == nil)
    }

    @Test func `SHA-1 is read but not strong`() {
        #expect(HashAlgorithm.allCases.filter { !$0.isStrong } == [.sha1])
    }
}

import Auth
import Primitives
import Testing

@Suite("Signatures of addresses for HLS")
struct PlaybackSignatureTests {
    private let signature = PlaybackSignature(secret: Secret("0123456789abcdef0123456789abcdef"))

    @Test func `a signature counts for its stream until its second has come`() throws {
        let (cam, other) = (try #require(StreamName("cam")), try #require(StreamName("cam2")))
        let text = signature.sign(cam, expiry: 1_000)
        #expect(signature.allows(text, stream: cam, now: 999))
        #expect(!signature.allows(text, stream: cam, now: 1_000))
        #expect(!signature.allows(text, stream: other, now: 999))
    }

    @Test func `neither another expiry nor another secret nor another letter passes`() throws {
        let cam = try #require(StreamName("cam"))
        let text = signature.sign(cam, expiry: 1_000)
        let code = text.split(separator: ".")[1]
        #expect(!signature.allows("2000.\(code)", stream: cam, now: 999))
        #expect(!signature.allows("01000.\(code)", stream: cam, now: 999))
        let foreign = PlaybackSignature(secret: Secret("fedcba9876543210fedcba9876543210"))
        #expect(!signature.allows(foreign.sign(cam, expiry: 1_000), stream: cam, now: 999))
        for index in text.indices {
            var changed = text
            changed.replaceSubrange(index...index, with: text[index] == "a" ? "b" : "a")
            #expect(!signature.allows(changed, stream: cam, now: 999))
        }
    }

    @Test func `a signature that was given for a token ends with it`() throws {
        let cam = try #require(StreamName("cam"))
        let id = String(repeating: "ü", count: RevocationList.maximumIDLength / 2)
        let text = signature.sign(cam, expiry: 1_000, tokenID: id)
        #expect(signature.allows(text, stream: cam, now: 999))
        #expect(signature.allows(text, stream: cam, now: 999) { $0 != id })
        #expect(!signature.allows(text, stream: cam, now: 999) { $0 == id })
        // Without its token it is another one, and so it is with another.
        let parts = text.split(separator: ".")
        #expect(!signature.allows("\(parts[0]).\(parts[1])", stream: cam, now: 999))
        #expect(!signature.allows("\(parts[0]).\(parts[1]).b3RoZXI", stream: cam, now: 999))
        #expect(!signature.allows("\(text).", stream: cam, now: 999))
        #expect(!signature.allows("\(text).YQ", stream: cam, now: 999))
    }

    @Test(arguments: [
        "", ".", "..", "1.2.!", "1.2.YQ", "1000.", ".00", "99999999999999999999.00",
        String(repeating: "1", count: 100_000),
    ])
    func `what is no signature is refused`(text: String) throws {
        #expect(!signature.allows(text, stream: try #require(StreamName("cam")), now: 0))
    }
}

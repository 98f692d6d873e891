import STUN
import Testing

@Suite("Peeking at datagrams")
struct STUNPeekTests {
    private func fragment(_ bytes: [UInt8]) -> [UInt8]? { STUNPeek.localUsernameFragment(of: bytes.span) }

    private func isSTUN(_ bytes: [UInt8]) -> Bool { STUNPeek.isSTUN(bytes.span) }

    private func encoded(_ attributes: [STUNAttribute], as class: STUNMessage.Class = .request) -> [UInt8] {
        STUNMessage(class: `class`, transactionID: TestVectors.transactionID, attributes: attributes).encoded()
    }

    @Test func `the fragment before the colon is found wherever USERNAME stands`() {
        #expect(fragment(TestVectors.request) == Array("evtj".utf8))
        #expect(fragment(encoded([.username(Array("a:b:c".utf8))])) == Array("a".utf8))
        #expect(fragment(encoded([.username(Array(":b".utf8)), .priority(1)])) == [])
        #expect(fragment(encoded([.software([1]), .priority(1), .username(Array("w1:x".utf8))])) == Array("w1".utf8))
    }

    @Test func `anything but a Binding request with such a USERNAME has no fragment`() {
        #expect(fragment(TestVectors.ipv4Response) == nil)
        #expect(fragment(encoded([.priority(1)])) == nil)
        #expect(fragment(encoded([.username(Array("colonless".utf8))])) == nil)
        #expect(fragment(encoded([.username(Array("a:b".utf8))], as: .indication)) == nil)
        #expect(fragment(encoded([.username(Array("a:b".utf8))], as: .success)) == nil)
        #expect(fragment([]) == nil)
    }

    @Test func `a truncated request has no fragment`() {
        for length in TestVectors.request.indices {
            #expect(fragment(Array(TestVectors.request[..<length])) == nil)
        }
    }

    @Test func `a USERNAME that claims more than there is has no fragment`() {
        var bytes = encoded([.username(Array("ab:cd".utf8))])
        bytes[22] = 0xFF
        #expect(fragment(bytes) == nil)
    }

    @Test func `DTLS, RTP and noise are not STUN`() {
        let dtls: [UInt8] = [22, 0xFE, 0xFD] + [UInt8](repeating: 0, count: 30)
        let rtp: [UInt8] = [0x80, 96] + [UInt8](repeating: 0, count: 30)
        let zeros = [UInt8](repeating: 0, count: 32)
        for bytes in [dtls, rtp, zeros, [], [0]] { #expect(!isSTUN(bytes)) }
        #expect(isSTUN(TestVectors.request))
        #expect(isSTUN(TestVectors.ipv6Response))
    }
}

import GatewayConfiguration
import Testing

@Suite("Places of STUN and TURN servers, RFC 7064 and RFC 7065")
struct ICEServerTests {
    private func location(_ url: String) -> ICEServer.Location? { ICEServer(url: url).location }

    @Test func `what a URL leaves out is the usual`() throws {
        let turn = try #require(location("turn:turn.example.org"))
        #expect((turn.host, turn.port, turn.transport) == ("turn.example.org", 3478, .udp))
        #expect(turn.isRelay && !turn.isEncrypted)
        let turns = try #require(location("turns:turn.example.org"))
        #expect((turns.port, turns.transport) == (5349, .tcp))
        #expect(turns.isRelay && turns.isEncrypted)
        #expect(location("stun:192.0.2.1")?.isRelay == false)
    }

    @Test func `what a URL says counts`() throws {
        let turn = try #require(location("turn:192.0.2.1:443?transport=tcp"))
        #expect((turn.host, turn.port, turn.transport) == ("192.0.2.1", 443, .tcp))
        let six = try #require(location("turn:[2001:db8::1]:4000?transport=udp"))
        #expect((six.host, six.port) == ("2001:db8::1", 4000))
        #expect(location("turn:[2001:db8::1]")?.port == 3478)
    }

    @Test(
        arguments: [
            "turn:", "turn", "turn:host:", "turn:host:0", "turn:host:70000", "turn:host?transport=sctp",
            "turn:host?other=1", "turn:[2001:db8::1", "turn:[host]", "turn:[2001:db8::1]x", "turn::3478", "turn:?",
        ])
    func `a URL that cannot be read is none`(url: String) {
        #expect(location(url) == nil)
    }
}

import Auth
import Primitives
import Testing

private let here = TransportAddress(ipv4: 0x7F00_0001, port: 50_000)
private let elsewhere = TransportAddress(ipv4: 0xC000_0201, port: 50_000)

private func request(
    from peer: TransportAddress? = here,
    host: String? = "localhost:8080",
    _ fields: [(name: String, value: String)] = []
) -> RequestOrigin {
    RequestOrigin(peer: peer, host: host, fields: fields)
}

@Suite("What counts as loopback")
struct LoopbackTests {
    @Test(arguments: [
        "localhost", "localhost:8080", "LocalHost:8080", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080",
    ])
    func `a plain request to a name of this machine does`(host: String) {
        #expect(request(host: host).isLoopback)
    }

    @Test func `IPv6 loopback and mapped IPv4 loopback do`() throws {
        #expect(request(from: TransportAddress("::1", port: 1)).isLoopback)
        #expect(request(from: TransportAddress("::ffff:127.0.0.1", port: 1)).isLoopback)
        #expect(request(from: TransportAddress("127.8.9.10", port: 1)).isLoopback)
    }

    @Test(arguments: ["192.0.2.1", "10.0.0.1", "::2", "fe80::1", "0.0.0.0", "128.0.0.1"])
    func `a peer elsewhere does not`(peer: String) throws {
        let address = try #require(TransportAddress(peer, port: 1) as TransportAddress?)
        #expect(!request(from: address).isLoopback)
    }

    @Test func `an unknown peer does not`() {
        #expect(!request(from: nil).isLoopback)
    }

    @Test(arguments: [
        "Forwarded", "forwarded", "X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Host", "X-FORWARDED-Anything",
    ])
    func `a request through a proxy does not`(field: String) {
        #expect(!request([(name: field, value: "")]).isLoopback)
    }

    @Test(arguments: [
        "gateway.example.org", "localhost.example.org", "localhost.", "127.0.0.2", "127.0.0.1.example.org", "::1",
        "[::1", "[::2]", "0.0.0.0", "[::]", "", "localhost:", "localhost:x", "localhost:99999", "localhost:80:80",
        "user@localhost", "127.1", "2130706433", "192.0.2.1:8080", "[::ffff:127.0.0.1]",
    ])
    func `a request to another name does not`(host: String) {
        #expect(!request(host: host).isLoopback)
    }

    @Test func `a request without Host or with two different ones does not`() {
        #expect(!request(host: nil).isLoopback)
        #expect(!request([(name: "Host", value: "evil.example")]).isLoopback)
    }

    @Test(arguments: [
        "http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080", "HTTP://LOCALHOST:8080",
        "https://localhost:8080",
    ])
    func `a page of the gateway itself does`(origin: String) {
        #expect(request([(name: "Origin", value: origin)]).isLoopback)
    }

    @Test(arguments: [
        "https://evil.example", "http://localhost", "http://localhost:3000", "http://localhost:80801", "null", "",
        "https://localhost:3000", "http://localhost:8080.evil.example", "http://localhost:8080/", "file://",
        "http://localhost:8080, http://evil.example", "http://a@localhost:8080", "ws://localhost:8080",
    ])
    func `any other page does not`(origin: String) {
        #expect(!request([(name: "Origin", value: origin)]).isLoopback)
    }

    @Test func `several origins do not`() {
        let own = (name: "Origin", value: "http://localhost:8080")
        #expect(!request([own, (name: "origin", value: "http://evil.example")]).isLoopback)
        #expect(!request([own, own]).isLoopback)
    }

    @Test func `the port may be left out where it is 80`() {
        #expect(request(host: "localhost", [(name: "Origin", value: "http://localhost")]).isLoopback)
        #expect(request(host: "localhost:80", [(name: "Origin", value: "http://127.0.0.1")]).isLoopback)
    }

    @Test func `fields that have nothing to do with it change nothing`() {
        #expect(request([(name: "Accept", value: "*/*"), (name: "Via", value: "1.1 x")]).isLoopback)
    }

    @Test func `for a plain socket the peer alone decides`() {
        #expect(RequestOrigin(peer: here, transport: .socket).isLoopback)
        #expect(!RequestOrigin(peer: elsewhere, transport: .socket).isLoopback)
    }
}

import Auth
import Primitives
import Testing

@Suite("Proxies whose word counts")
struct TrustedProxiesTests {
    private func client(
        _ peer: String, _ fields: [(name: String, value: String)],
        trusted: [String] = ["10.0.0.0/8", "::1", "fd00::/8"]
    ) throws -> String? {
        let networks = try trusted.map { try #require(AddressNetwork($0)) }
        return TrustedProxies(networks).client(of: TransportAddress(peer, port: 5), fields: fields)?.host
    }

    @Test func `nobody else's word counts`() throws {
        let fields = [(name: "X-Forwarded-For", value: "203.0.113.9"), (name: "Forwarded", value: "for=203.0.113.9")]
        #expect(try client("192.0.2.1", fields) == "192.0.2.1")
        #expect(try client("10.1.2.3", fields, trusted: []) == "10.1.2.3")
        #expect(try client("10.1.2.3", []) == "10.1.2.3")
        #expect(TrustedProxies().client(of: nil, fields: fields) == nil)
    }

    @Test(arguments: [
        ("X-Forwarded-For", "203.0.113.9", "203.0.113.9"),
        ("x-forwarded-for", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("X-Forwarded-For", "203.0.113.9, 10.9.9.9", "203.0.113.9"),
        ("X-Forwarded-For", "198.51.100.1, unknown", "10.1.2.3"), ("X-Forwarded-For", "", "10.1.2.3"),
        ("X-Forwarded-For", "unknown, 10.9.9.9", "10.9.9.9"), ("X-Forwarded-For", "2001:db8::7", "2001:db8::7"),
        ("Forwarded", "for=203.0.113.9;proto=https;by=10.1.2.3", "203.0.113.9"),
        ("Forwarded", "For=\"[2001:db8::7]:4711\"", "2001:db8::7"),
        ("Forwarded", "for=198.51.100.1, for=203.0.113.9:80, for=10.2.2.2", "203.0.113.9"),
        ("Forwarded", "for=_hidden", "10.1.2.3"), ("Forwarded", "proto=https", "10.1.2.3"),
    ])
    func `a trusted proxy says who its client is`(name: String, value: String, expected: String) throws {
        #expect(try client("10.1.2.3", [(name: name, value: value)]) == expected)
    }

    @Test func `a proxy over IPv6 is known by its network, and lists go on in further fields`() throws {
        let fields = [
            (name: "X-Forwarded-For", value: "198.51.100.1"), (name: "X-Forwarded-For", value: "203.0.113.9, fd12::5"),
        ]
        #expect(try client("fd00::1", fields) == "203.0.113.9")
        #expect(try client("fe80::1", fields) == "fe80::1")
    }

    @Test func `a chain without end is read to a bound`() throws {
        let chain = Array(repeating: "10.0.0.1", count: 10_000).joined(separator: ",")
        #expect(try client("10.1.2.3", [(name: "X-Forwarded-For", value: "203.0.113.9," + chain)]) == "10.0.0.1")
    }

    @Test(arguments: ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "proxy", "", "10.0.0.0/8/8", "10.0.0.0/ 8"])
    func `what is no network is refused`(text: String) {
        #expect(AddressNetwork(text) == nil)
    }

    @Test func `everybody can be trusted`() throws {
        let fields = [(name: "X-Forwarded-For", value: "198.51.100.1,203.0.113.9")]
        #expect(try client("192.0.2.1", fields, trusted: ["0.0.0.0/0"]) == "198.51.100.1")
        #expect(try client("2001:db8::7", fields, trusted: ["0.0.0.0/0"]) == "2001:db8::7")
    }
}

import ICE
import Primitives
import TestSupport
import Testing

@Suite("Candidates in SDP, RFC 8839 §5.1")
struct ICECandidateTests {
    @Test(arguments: [
        ("candidate:1 1 UDP 2015363327 192.0.2.2 34794 typ host", "192.0.2.2:34794"),
        (
            "a=candidate:2485914345 1 udp 2122063615 192.0.2.2 55382 typ host generation 0 network-id 1",
            "192.0.2.2:55382"
        ),
        ("1637935861 1 udp 2122267903 ::1 39045 typ host generation 0 network-id 4 network-cost 50", "[::1]:39045"),
        ("candidate:7 1 udp 1 198.51.100.7 9 typ srflx raddr 0.0.0.0 rport 0\r\n", "198.51.100.7:9"),
        (
            "candidate:f957a2332b1715da3b0ef8ba684454eb 1 udp 2130706431 fd00::2 1 typ relay raddr x rport y",
            "[fd00::2]:1"
        ),
    ])
    func `candidates of clients in the field are usable`(line: String, address: String) throws {
        let candidate = try ICECandidate(parsing: line)
        #expect(candidate.isUsable)
        #expect(candidate.address?.description == address)
    }

    @Test(arguments: [
        ("mDNS", "1 1 udp 2113937151 0d4c1e2f-7d7b-4b0e-9e0c-6c9b9f4f3a3a.local 50000 typ host"),
        ("active TCP", "2384866537 1 tcp 1518214911 127.0.0.1 9 typ host tcptype active generation 0"),
        ("passive TCP", "3 1 TCP 1010827519 192.0.2.2 54065 typ host tcptype passive"),
        ("the RTCP component", "0 2 UDP 2122187006 192.0.2.2 41882 typ host"),
        ("port 0", "1 1 udp 1 192.0.2.2 0 typ host"),
        ("the unspecified address", "1 1 udp 1 0.0.0.0 9 typ host"),
        ("another protocol", "1 1 sctp 1 192.0.2.2 9 typ host"),
        ("a zone", "1 1 udp 1 fe80::1%eth0 9 typ host"),
    ])
    func `candidates that we cannot use parse all the same`(what: String, line: String) throws {
        #expect(try !ICECandidate(parsing: line).isUsable, "\(what)")
    }

    @Test(arguments: [
        "", "candidate:", "1 1 udp 1 192.0.2.1 9 host typ", "1 1 udp 1 192.0.2.1 9 typ",
        "1 0 udp 1 192.0.2.1 9 typ host", "1 257 udp 1 192.0.2.1 9 typ host", "1 1 udp 0 192.0.2.1 9 typ host",
        "1 1 udp 2147483648 192.0.2.1 9 typ host", "1 1 udp 99999999999999999999 192.0.2.1 9 typ host",
        "1 1 udp 1 192.0.2.1 65536 typ host", "1 1 udp 1 192.0.2.1 -9 typ host", "1 1 udp +1 192.0.2.1 9 typ host",
        "1 1 udp 1 192.0.2.1 9 typ guest", "a-b 1 udp 1 192.0.2.1 9 typ host",
        "aaaaaaaabbbbbbbbccccccccdddddddde 1 udp 1 192.0.2.1 9 typ host",
        "1 1 udp 1 \(String(repeating: "a", count: 256)) 9 typ host",
        "1 1 udp 1 192.0.2.1 9 typ host \(String(repeating: "x", count: 500))",
    ])
    func `a malformed candidate throws`(line: String) {
        #expect(throws: ParseError.self) { try ICECandidate(parsing: line) }
    }

    @Test func `every truncation throws or is a shorter candidate`() throws {
        let line = "candidate:842163049 1 udp 1677729535 198.51.100.7 46154 typ srflx raddr 10.0.0.1 rport 46154"
        let required = line.utf8.count - " raddr 10.0.0.1 rport 46154".utf8.count
        for length in 0..<required {
            #expect(throws: ParseError.self) { try ICECandidate(parsing: line.prefix(length)) }
        }
        let full = try ICECandidate(parsing: line)
        #expect(full.relatedAddress == TransportAddress("10.0.0.1", port: 46154))
        #expect(full.sdp == line)
        #expect(try ICECandidate(parsing: line.prefix(required)).relatedAddress == nil)
    }

    @Test func `passive TCP candidates rank below every UDP candidate that is not relayed`() throws {
        let address = try #require(TransportAddress("192.0.2.1", port: 8100))
        let best = ICECandidate(passiveTCP: address)
        let next = ICECandidate(passiveTCP: address, otherPreference: 8190)
        #expect(best.priority > next.priority)
        for kind in [ICECandidate.Kind.host, .peerReflexive, .serverReflexive] {
            #expect(ICECandidate(address: address, kind: kind, localPreference: 0).priority > best.priority)
        }
        #expect(ICECandidate(address: address, kind: .relayed).priority < next.priority)
        // RFC 6544 §4.2: the direction preference of a passive host candidate is 4.
        #expect(best.priority >> 21 & 7 == 4)
        #expect(best.foundation != ICECandidate(address: address).foundation)
        #expect(best.sdp.hasSuffix(" 1 tcp \(best.priority) 192.0.2.1 8100 typ host tcptype passive"))
        #expect(try ICECandidate(parsing: best.sdp) == best)
        #expect(!best.isUsable)
    }

    @Test(arguments: [
        ("1 1 tcp 1 192.0.2.1 9 typ host tcptype active", ICECandidate.TCPType.active),
        ("1 1 tcp 1 192.0.2.1 9 typ host generation 0 tcptype so", .simultaneousOpen),
        ("1 1 tcp 1 192.0.2.1 9 typ host tcptype", nil), ("1 1 tcp 1 192.0.2.1 9 typ host tcptype other", nil),
        ("1 1 udp 1 192.0.2.1 9 typ host tcptype active", nil), ("1 1 tcp 1 192.0.2.1 9 typ host", nil),
    ])
    func `the type of a TCP candidate is read where it is told`(line: String, type: ICECandidate.TCPType?) throws {
        #expect(try ICECandidate(parsing: line).tcpType == type)
    }

    @Test func `what was written reads back`() throws {
        for host in ["192.0.2.1", "2001:db8::1", "::1"] {
            for kind in [ICECandidate.Kind.host, .serverReflexive, .peerReflexive, .relayed] {
                let address = try #require(TransportAddress(host, port: 8100))
                let candidate = ICECandidate(address: address, kind: kind, localPreference: 77)
                #expect(try ICECandidate(parsing: candidate.sdp) == candidate)
            }
        }
    }

    @Test func `random text never traps`() {
        var generator = SeededGenerator(seed: 8839)
        let pieces = [
            "candidate:", "a=", "1", " ", "udp", "typ", "host", "raddr", "rport", "9", "::", "\u{301}", "\n", "é",
        ]
        for _ in 0..<5_000 {
            let count = Int.random(in: 0...16, using: &generator)
            let line = (0..<count).map { _ in pieces.randomElement(using: &generator)! }.joined()
            _ = try? ICECandidate(parsing: line)
        }
    }

    @Test func `priorities follow the formula`() throws {
        let address = try #require(TransportAddress("192.0.2.1", port: 8100))
        #expect(ICECandidate(address: address).priority == 2_130_706_431)
        #expect(ICECandidate.priority(kind: .relayed, localPreference: 0, component: 256) == 0)
        #expect(ICECandidate.priority(kind: .serverReflexive, localPreference: 1) == 100 << 24 | 1 << 8 | 255)
    }

    @Test func `one address has one foundation, whatever the port`() throws {
        let address = try #require(TransportAddress("192.0.2.1", port: 1))
        let other = try #require(TransportAddress("192.0.2.2", port: 1))
        var elsewhere = address
        elsewhere.port = 2
        #expect(ICECandidate(address: address).foundation == ICECandidate(address: elsewhere).foundation)
        #expect(ICECandidate(address: address).foundation != ICECandidate(address: other).foundation)
        #expect(
            ICECandidate(address: address).foundation
                != ICECandidate(address: address, kind: .serverReflexive).foundation
        )
    }
}

@Suite("ICE credentials")
struct ICECredentialsTests {
    @Test func `made ones are valid, differ and hide their password`() {
        var generator = SeededGenerator(seed: 1)
        let first = ICECredentials(using: &generator)
        let second = ICECredentials(using: &generator)
        #expect(first.isValid && second.isValid)
        #expect(first != second)
        #expect(!"\(first)".contains(first.password.revealed))
    }

    @Test(arguments: [("abc", 22), ("abcd", 21), ("ab:d", 22), ("äbcd", 22)])
    func `too short or strange ones are invalid`(fragment: String, passwordLength: Int) {
        let password = Secret(String(repeating: "p", count: passwordLength))
        #expect(!ICECredentials(usernameFragment: fragment, password: password).isValid)
    }
}

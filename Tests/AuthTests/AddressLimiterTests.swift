import Auth
import Primitives
import Testing

@Suite("Limits for each address")
struct AddressLimiterTests {
    private let address = TransportAddress(ipv4: 0xC000_0201, port: 1)

    @Test func `a burst passes and the rest waits`() {
        let limiter = AddressLimiter(perMinute: 60, burst: 3)
        for _ in 0..<3 { #expect(limiter.take(address, at: .zero) == nil) }
        #expect(limiter.take(address, at: .zero) == .seconds(1))
        #expect(limiter.take(address, at: Instant.zero + .milliseconds(400)) == .milliseconds(600))
        #expect(limiter.take(address, at: Instant.zero + .seconds(1)) == nil)
    }

    @Test func `rest fills the bucket up to the burst and no further`() {
        let limiter = AddressLimiter(perMinute: 60, burst: 2)
        #expect(limiter.take(address, at: .zero) == nil)
        let later = Instant.zero + .seconds(3600)
        #expect(limiter.take(address, at: later) == nil)
        #expect(limiter.take(address, at: later) == nil)
        #expect(limiter.take(address, at: later) != nil)
    }

    @Test func `a clock that goes back gives nothing away`() {
        let limiter = AddressLimiter(perMinute: 60, burst: 1)
        #expect(limiter.take(address, at: Instant.zero + .seconds(10)) == nil)
        #expect(limiter.take(address, at: .zero) != nil)
    }

    @Test func `asking does not count`() {
        let limiter = AddressLimiter(perMinute: 60, burst: 1)
        for _ in 0..<10 { #expect(limiter.wait(address, at: .zero) == nil) }
        #expect(limiter.take(address, at: .zero) == nil)
        #expect(limiter.wait(address, at: .zero) == .seconds(1))
    }

    @Test func `addresses do not share, ports and the rest of an IPv6 network do`() throws {
        let limiter = AddressLimiter(perMinute: 60, burst: 1)
        #expect(limiter.take(address, at: .zero) == nil)
        #expect(limiter.take(TransportAddress(ipv4: 0xC000_0202, port: 1), at: .zero) == nil)
        #expect(limiter.take(TransportAddress(ipv4: 0xC000_0201, port: 2), at: .zero) != nil)
        #expect(limiter.take(try #require(TransportAddress("2001:db8::1", port: 1)), at: .zero) == nil)
        #expect(limiter.take(try #require(TransportAddress("2001:db8::2", port: 1)), at: .zero) != nil)
        #expect(limiter.take(try #require(TransportAddress("2001:db8:0:1::2", port: 1)), at: .zero) == nil)
    }

    @Test func `holders of credentials are told apart by all of their digests`() {
        let limiter = AddressLimiter(perMinute: 60, burst: 1)
        let (first, second) = (String(repeating: "ab", count: 16), String(repeating: "ab", count: 15) + "ac")
        #expect(limiter.take(holder: first, at: .zero) == nil)
        #expect(limiter.take(holder: second, at: .zero) == nil)
        #expect(limiter.take(holder: String(first.reversed()), at: .zero) == nil)
        #expect(limiter.take(holder: first, at: .zero) == .seconds(1))
        #expect(limiter.take(holder: first, at: Instant.zero + .seconds(1)) == nil)
    }

    @Test func `a flood of addresses does not grow the table`() {
        let limiter = AddressLimiter(perMinute: 1, burst: 1)
        for index in 0..<(3 * AddressLimiter.maximumAddresses) {
            let peer = TransportAddress(ipv4: UInt32(index), port: 1)
            _ = limiter.take(peer, at: Instant.zero + .milliseconds(Int64(index / 100)))
        }
        #expect(limiter.count <= AddressLimiter.maximumAddresses)
    }
}

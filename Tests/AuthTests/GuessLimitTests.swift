import Primitives
import Synchronization
import Testing

@testable import Auth

@Suite("Wrong credentials, all ways in together")
struct GuessLimitTests {
    private let stranger = TransportAddress(ipv4: 0xC000_0201, port: 1)
    private let wrong = AuthRefusal(reason: .credentialWrong, detail: "x")

    @Test func `after too many of them an address waits, whatever its port`() {
        let limit = GuessLimit(perMinute: 2, now: { .zero })
        limit.note(wrong, from: stranger)
        #expect(limit.wait(stranger) == nil)
        limit.note(wrong, from: TransportAddress(ipv4: 0xC000_0201, port: 2))
        #expect(limit.wait(stranger) == .seconds(30))
        #expect(limit.wait(TransportAddress(ipv4: 0xC000_0202, port: 1)) == nil)
    }

    @Test func `time heals`() {
        let now = TestTime()
        let limit = GuessLimit(perMinute: 1, now: { now.instant })
        limit.note(wrong, from: stranger)
        #expect(limit.wait(stranger) == .seconds(60))
        now.advance(by: .seconds(60))
        #expect(limit.wait(stranger) == nil)
    }

    @Test func `asking without a credential is no guess`() {
        let limit = GuessLimit(perMinute: 1, now: { .zero })
        for _ in 0..<10 { limit.note(AuthRefusal(reason: .credentialMissing, detail: "x"), from: stranger) }
        #expect(limit.wait(stranger) == nil)
    }

    @Test func `this machine is not counted unless that was asked for, and nobody is not counted at all`() throws {
        let here = try #require(TransportAddress("127.0.0.1", port: 1))
        let lenient = GuessLimit(perMinute: 1, now: { .zero })
        let strict = GuessLimit(perMinute: 1, includesLoopback: true, now: { .zero })
        for limit in [lenient, strict] {
            limit.note(wrong, from: here)
            limit.note(wrong, from: nil)
            #expect(limit.wait(nil) == nil)
        }
        #expect(lenient.wait(here) == nil)
        #expect(strict.wait(here) != nil)
    }
}

private final class TestTime: Sendable {
    private let storage = Mutex(Instant.zero)
    var instant: Instant { storage.withLock { $0 } }
    func advance(by interval: Interval) { storage.withLock { $0 = $0 + interval } }
}

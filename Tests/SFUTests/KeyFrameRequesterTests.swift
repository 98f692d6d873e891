import Primitives
import SFU
import TestSupport
import Testing

@Suite("Key frame requests")
struct KeyFrameRequesterTests {
    // `== true`, because `#expect` cannot take a mutating call apart.

    private static func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

    @Test func `the first request goes out at once, and a hundred more are answered by the same key frame`() {
        var requester = KeyFrameRequester()
        #expect(requester.request(at: .zero) == true)
        for number in 0..<100 as Range<Int64> { #expect(requester.request(at: Self.at(number)) == false) }
        requester.keyFrameArrived(at: Self.at(120))
        #expect(requester.deadline == nil)
        #expect(requester.requestsSent == 1)
    }

    @Test func `a request without an answer is repeated six times, 500 ms apart`() {
        var requester = KeyFrameRequester()
        #expect(requester.request(at: .zero) == true)
        var sent: [Instant] = [.zero]
        while let deadline = requester.deadline {
            if requester.advance(to: deadline) { sent.append(deadline) }
        }
        #expect(sent == (0..<6).map { Self.at(500 * $0) })
        #expect(requester.unansweredRequests == 6)
    }

    @Test func `before its deadline nothing is sent`() {
        var requester = KeyFrameRequester()
        #expect(requester.advance(to: Self.at(1_000)) == false)
        #expect(requester.request(at: .zero) == true)
        #expect(requester.advance(to: Self.at(499)) == false)
        #expect(requester.advance(to: Self.at(500)) == true)
    }

    @Test func `a request soon after a key frame waits for the interval and is not forgotten`() {
        var requester = KeyFrameRequester()
        #expect(requester.request(at: .zero) == true)
        requester.keyFrameArrived(at: Self.at(50))
        #expect(requester.request(at: Self.at(100)) == false)
        #expect(requester.deadline == Self.at(500))
        #expect(requester.request(at: Self.at(499)) == false)
        #expect(requester.advance(to: Self.at(500)) == true)
        #expect(requester.deadline == Self.at(1_000))
    }

    @Test func `a key frame that comes by itself answers a postponed request`() {
        var requester = KeyFrameRequester()
        #expect(requester.request(at: .zero) == true)
        requester.keyFrameArrived(at: Self.at(50))
        #expect(requester.request(at: Self.at(100)) == false)
        requester.keyFrameArrived(at: Self.at(200))
        #expect(requester.deadline == nil)
        #expect(requester.requestsSent == 1)
    }

    @Test func `a request after the last try begins anew`() {
        var requester = KeyFrameRequester(maximumAttempts: 1)
        #expect(requester.request(at: .zero) == true)
        #expect(requester.request(at: Self.at(499)) == false)
        // Nobody advanced it in between.
        #expect(requester.request(at: Self.at(500)) == true)
        #expect(requester.advance(to: Self.at(1_000)) == false)
        #expect(requester.deadline == nil)
        #expect(requester.request(at: Self.at(1_000)) == true)
        #expect(requester.unansweredRequests == 3)
        requester.keyFrameArrived(at: Self.at(1_100))
        #expect(requester.unansweredRequests == 0)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `whatever happens, requests are 500 ms apart and nobody waits forever`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var requester = KeyFrameRequester()
        var lastSent: Instant?
        var isWaiting = false
        var shortest = Interval.seconds(60)
        var longest = Interval.zero
        var forgotten = 0
        for step in 0..<20_000 as Range<Int64> {
            let now = Self.at(step)
            var sends = false
            if Int.random(in: 0..<40, using: &generator) == 0 {
                sends = requester.request(at: now)
                isWaiting = true
            }
            if requester.advance(to: now) { sends = true }
            if sends {
                if let lastSent { shortest = min(shortest, now.since(lastSent)) }
                lastSent = now
            }
            if Int.random(in: 0..<300, using: &generator) == 0 {
                requester.keyFrameArrived(at: now)
                isWaiting = false
            }
            if isWaiting, requester.deadline == nil, requester.unansweredRequests < 6 { forgotten += 1 }
            if let deadline = requester.deadline { longest = max(longest, deadline.since(now)) }
        }
        #expect(lastSent != nil)
        #expect(shortest >= .milliseconds(500))
        #expect(longest <= .milliseconds(500))
        #expect(forgotten == 0)
    }
}

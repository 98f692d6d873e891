import Primitives
import Synchronization
import Testing

@testable import Gateway

@Suite("Terms of sessions")
struct SessionTermsTests {
    /// Whether a token was revoked.
    private final class Revocation: Sendable {
        private let isRevoked = Mutex(false)
        func revoke() { isRevoked.withLock { $0 = true } }
        func terms(record: Bool? = nil) -> SessionTerms {
            SessionTerms(expiresAt: .max, record: record) { self.isRevoked.withLock { $0 } }
        }
    }

    @Test func `terms end in their second`() {
        let terms = SessionTerms(expiresAt: 1_000)
        #expect(terms.end(at: 999.9) == nil)
        #expect(terms.end(at: 1_000) == .credentialExpired)
        #expect(SessionTerms().end(at: .infinity) == nil)
        #expect(SessionTerms(expiresAt: 1_000, isRevoked: { true }).end(at: 1) == .credentialRevoked)
    }

    @Test func `a publisher that sends more than it may is told, and then ended`() {
        var held = HeldTerms(terms: SessionTerms(maximumBitrate: 1_000_000))
        var told: [Int] = []
        var ended: [Int] = []
        for second in 1...11 {
            let verdict = held.note(bitsPerSecond: 1_200_000)
            if verdict.warns { told.append(second) }
            if verdict.ends { ended.append(second) }
        }
        #expect(told == [2] && ended.first == 10)
    }

    @Test func `a peak, or a little more than the limit, is nothing`() {
        var held = HeldTerms(terms: SessionTerms(maximumBitrate: 1_000_000))
        for second in 0..<100 {
            let verdict = held.note(bitsPerSecond: second % 2 == 0 ? 9_000_000 : 1_140_000)
            #expect(!verdict.warns && !verdict.ends)
        }
        var free = HeldTerms(terms: SessionTerms())
        for _ in 0..<100 { #expect(free.note(bitsPerSecond: 1e12) == (false, false)) }
    }

    @Test func `a revoked token ends its viewer, who learns why, and nobody else`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        _ = try await harness.publishFrames(Encoded.baseline)
        let (stream, offer) = (try GatewayHarness.stream(), Array(Offers.viewer.utf8))
        let (first, second) = (Revocation(), Revocation())
        let revoked = try await harness.gateway.play(stream: stream, offer: offer, terms: first.terms())
        let other = try await harness.gateway.play(stream: stream, offer: offer, terms: second.terms())
        await harness.gateway.endWhatIsOver()
        #expect(try await harness.status().viewers == 2)
        first.revoke()
        await harness.gateway.endWhatIsOver()
        #expect(try await harness.status().viewers == 1)
        _ = try await harness.gateway.state(of: other.sessionID, stream: stream, kind: .viewer)
        let refusal = await #expect(throws: GatewayRefusal.self) {
            try await harness.gateway.state(of: revoked.sessionID, stream: stream, kind: .viewer)
        }
        #expect(refusal?.code == .unknownSession)
        #expect(refusal?.message.contains("revoked") == true)
    }

    @Test func `a revoked token ends its publisher by WHIP, and viewers wait for another`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let revocation = Revocation()
        let session = try await harness.gateway.publish(
            stream: try GatewayHarness.stream(), offer: Array(Offers.publisher.utf8), by: .credential("a"),
            terms: revocation.terms())
        #expect(try await harness.status().state == "live")
        revocation.revoke()
        await harness.gateway.endWhatIsOver()
        #expect(try await harness.status().state == "waiting")
        let tag = await harness.gateway.entityTag(
            of: session.sessionID, stream: try GatewayHarness.stream(), kind: .publisher)
        #expect(tag == nil)
    }

    @Test func `a revoked token ends its encoder, but not the one that has taken over`() async throws {
        let harness = try GatewayHarness(GatewayPolicy(takeover: .replace))
        defer { harness.stop() }
        let (old, new) = (Revocation(), Revocation())
        let ends = Mutex<[String]>([])
        for (name, revocation) in [("old", old), ("new", new)] {
            _ = try await harness.gateway.ingest(
                stream: try GatewayHarness.stream(), by: .credential(name), terms: revocation.terms()
            ) { end in ends.withLock { $0.append("\(name) \(end)") } }
        }
        old.revoke()
        await harness.gateway.endWhatIsOver()
        #expect(try await harness.status().state == "live")
        new.revoke()
        await harness.gateway.endWhatIsOver()
        #expect(try await harness.status().state == "waiting")
        #expect(ends.withLock { $0 } == ["old superseded", "new credential(\"its token has been revoked\")"])
    }

    @Test func `an offer of ours is held to the terms of whoever asked for it`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        _ = try await harness.publishFrames(Encoded.baseline)
        let revocation = Revocation()
        let made = try await harness.gateway.play(
            stream: try GatewayHarness.stream(), offer: Array(Offers.unbundledViewer.utf8),
            terms: revocation.terms())
        try #require(made.offerEnds != nil)
        await harness.gateway.endWhatIsOver()
        #expect(await harness.gateway.held[made.sessionID] != nil)
    }

    @Test func `what a token says about recordings holds for as long as its publisher`() async throws {
        let harness = try GatewayHarness(GatewayPolicy(takeover: .replace))
        defer { harness.stop() }
        let stream = try GatewayHarness.stream()
        for wish in [true, false, nil] {
            _ = try await harness.gateway.ingest(
                stream: stream, by: .loopback, terms: SessionTerms(record: wish), onEnd: { _ in })
            #expect(await harness.gateway.recordingWish(of: stream) == wish)
        }
    }
}

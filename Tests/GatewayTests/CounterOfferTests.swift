import Media
import Primitives
import Testing

@testable import Gateway

@Suite("Counter-offers to viewers")
struct CounterOfferTests {
    /// The same as a viewer's usual offer, but for what makes it answerable.
    private static let offers = [
        Offers.viewer.replacing("a=recvonly", with: "a=sendonly"),
        Offers.viewer.replacing("a=recvonly", with: "a=inactive"),
        Offers.viewer.replacing("a=rtcp-mux\r\n", with: ""),
        Offers.unbundledViewer,
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n",
    ]

    private func offer(_ harness: GatewayHarness, _ text: String) async throws -> SessionAnswer {
        try await harness.gateway.play(stream: try GatewayHarness.stream(), offer: Array(text.utf8))
    }

    /// The offer turned round, as a browser answers it.
    private func reply(to counterOffer: SessionAnswer) -> [UInt8] {
        let text = counterOffer.sdp.replacing("a=sendonly", with: "a=recvonly").replacing("actpass", with: "active")
            .replacing("a=ice-lite\r\n", with: "")
        return Array(text.utf8)
    }

    private func refusal(_ body: @Sendable () async throws -> Void) async throws -> GatewayRefusal {
        try #require(await #expect(throws: GatewayRefusal.self) { try await body() })
    }

    @Test(arguments: offers)
    func `an offer that cannot be answered gets one of ours, and its answer makes the session`(
        text: String
    ) async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let stream = try GatewayHarness.stream()
        _ = try await harness.publishFrames(Encoded.baseline)
        let counter = try await offer(harness, text)
        #expect(try #require(counter.offerEnds) > 1_700_000_000)
        #expect(try await harness.status().viewers == 0)
        let gateway = harness.gateway
        var state = try await gateway.state(of: counter.sessionID, stream: stream, kind: .viewer)
        #expect(state == SessionState(entityTag: counter.entityTag, awaitsAnswer: true))

        try await gateway.answer(session: counter.sessionID, stream: stream, answer: reply(to: counter))
        #expect(try await harness.status().viewers == 1)
        state = try await gateway.state(of: counter.sessionID, stream: stream, kind: .viewer)
        #expect(state == SessionState(entityTag: counter.entityTag, awaitsAnswer: false))
        #expect(await gateway.counterOffers.count == 0)
        let again = try await refusal {
            try await gateway.answer(session: counter.sessionID, stream: stream, answer: reply(to: counter))
        }
        #expect(again.code == .unknownSession)
    }

    @Test func `a wrong answer leaves the offer as it was`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let (gateway, stream) = (harness.gateway, try GatewayHarness.stream())
        _ = try await harness.publishFrames(Encoded.baseline)
        let counter = try await offer(harness, Offers.unbundledViewer)
        let garbage = try await refusal {
            try await gateway.answer(session: counter.sessionID, stream: stream, answer: Array("garbage".utf8))
        }
        #expect(garbage.code == .malformedAnswer && garbage.code.status == 400)
        let foreign = try await refusal {
            try await gateway.answer(session: counter.sessionID, stream: stream, answer: Array(Offers.viewer.utf8))
        }
        #expect(foreign.code == .unsuitableAnswer && foreign.code.status == 422)
        try await gateway.answer(session: counter.sessionID, stream: stream, answer: reply(to: counter))
    }

    @Test func `an offer that nobody answers is gone after its time, and why is known`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let (gateway, stream) = (harness.gateway, try GatewayHarness.stream())
        _ = try await harness.publishFrames(Encoded.baseline)
        let counter = try await offer(harness, Offers.unbundledViewer)
        await gateway.removeCounterOffers(at: .now + CounterOffers.lifetime - .seconds(5))
        #expect(await gateway.counterOffers.count == 1)
        await gateway.removeCounterOffers(at: .now + CounterOffers.lifetime)
        #expect(await gateway.counterOffers.count == 0)
        let late = try await refusal {
            try await gateway.answer(session: counter.sessionID, stream: stream, answer: reply(to: counter))
        }
        #expect(late.code.status == 404 && late.message.contains("valid-until"))
        let asked = try await refusal {
            _ = try await gateway.state(of: counter.sessionID, stream: stream, kind: .viewer)
        }
        #expect(asked.message.contains("not answered in time"))
        #expect(await gateway.statistics().failures == ["counter-offer-unanswered": 1])
    }

    @Test func `offers wait up to a number`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        _ = try await harness.publishFrames(Encoded.baseline)
        let first = try await offer(harness, Offers.unbundledViewer)
        for _ in 1..<CounterOffers.capacity { _ = try await offer(harness, Offers.unbundledViewer) }
        let full = try await refusal { _ = try await offer(harness, Offers.unbundledViewer) }
        #expect(full.code == .overloaded && full.retryAfter != nil)
        #expect(await harness.gateway.counterOffers.count == CounterOffers.capacity)
        // Those who can be answered are let in all the same, and an offer that is given back makes room.
        _ = try await harness.watch()
        try await harness.gateway.end(session: first.sessionID, stream: GatewayHarness.stream(), kind: .viewer)
        _ = try await offer(harness, Offers.unbundledViewer)
    }

    @Test func `an answer to what the stream has no more is refused`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        let (gateway, stream) = (harness.gateway, try GatewayHarness.stream())
        let ingest = try await harness.publishFrames(Encoded.baseline)
        let counter = try await offer(harness, Offers.unbundledViewer)
        ingest.configure(.vp8)
        await harness.hear(ingest)
        let changed = try await refusal {
            try await gateway.answer(session: counter.sessionID, stream: stream, answer: reply(to: counter))
        }
        #expect(changed.code == .unknownSession && changed.message.contains("changed"))
        #expect(try await harness.status().viewers == 0)
    }

    @Test func `a codec that no offer can give is a refusal, and so is an offer without keys`() async throws {
        let harness = try GatewayHarness()
        defer { harness.stop() }
        _ = try await harness.publishFrames(Encoded.baseline)
        let foreign = Offers.unbundledViewer.replacing("H264", with: "H266")
        #expect(try await refusal { _ = try await offer(harness, foreign) }.code == .noCommonCodec)
        let keyless = Offers.viewer.replacing("a=fingerprint", with: "a=x")
        #expect(try await refusal { _ = try await offer(harness, keyless) }.code == .malformedOffer)
        #expect(await harness.gateway.counterOffers.count == 0)
    }
}

import DTLS
import ICE
import Media
import Primitives
import SDP
import Testing

@testable import WebRTC

@Suite("Offers of tracks that come and go")
struct SubscriptionNegotiationTests {
    private typealias Negotiation = SubscriptionNegotiation<Int>

    private static let local = LocalDescription.serverForTests

    private static func track(_ key: Int, _ codec: Codec = .vp8) -> Negotiation.Track {
        Negotiation.Track(
            key: key,
            description: codec == .opus ? TrackDescription(codec: codec, channels: 2) : TrackDescription(codec: codec),
            name: "p\(key) t"
        )
    }

    /// What a browser answers that takes everything, or all but some.
    private static func answer(_ offer: String, refusing refused: Set<String> = []) throws -> [UInt8] {
        var description = try parsed(offer)
        description.attributes = SDPAttributes()
        description.attributes.append("group", try parsed(offer).attributes.first("group") ?? "")
        for index in description.media.indices {
            let media = description.media[index]
            var attributes = SDPAttributes()
            attributes.append("ice-ufrag", "Remote00")
            attributes.append("ice-pwd", "remotepasswordremotepass")
            attributes.append("fingerprint", local.fingerprint.sdp)
            attributes.append("setup", "active")
            let mid = try #require(media.mid)
            attributes.append("mid", mid)
            attributes.append(media.direction == .inactive || refused.contains(mid) ? "inactive" : "recvonly")
            attributes.append("rtcp-mux")
            for name in ["rtpmap", "rtcp-fb", "fmtp", "extmap"] {
                for value in media.attributes.all(name) { attributes.append(name, value) }
            }
            description.media[index].attributes = attributes
        }
        return Array(description.text.utf8)
    }

    @Test func `tracks that come later are sections behind those that are there`() throws {
        var negotiation = Negotiation(firstSSRC: 100)
        let first = negotiation.offer([Self.track(1), Self.track(2, .opus)], local: Self.local)
        #expect(first.number == 1 && first.sections.map(\.key) == [1, 2])
        #expect(try parsed(first.sdp).media.map(\.direction) == [.sendonly, .sendonly])
        #expect(first.sdp.contains("a=msid:p1 t\r\n"))
        let agreed = try negotiation.read(answer: Self.answer(first.sdp))
        #expect(agreed.senders.map(\.key) == [1, 2] && agreed.transport.role == .server)
        let all = [Self.track(1), Self.track(2, .opus), Self.track(3)]
        #expect(negotiation.needsOffer(for: all))
        let second = negotiation.offer(all, local: Self.local)
        #expect(second.sections.map(\.mid) == ["0", "1", "2"] && second.number == 2)
        let next = try negotiation.read(answer: Self.answer(second.sdp))
        #expect(next.senders.prefix(2).map(\.sender) == agreed.senders.map(\.sender), "what goes on is not touched")
        #expect(!negotiation.needsOffer(for: all))
    }

    @Test func `a place is taken again once it has been inactive in an answer, with other SSRCs`() throws {
        var negotiation = Negotiation(firstSSRC: 100)
        let agreed = try negotiation.read(
            answer: Self.answer(negotiation.offer([Self.track(1)], local: Self.local).sdp))
        let replaced = negotiation.offer([Self.track(2)], local: Self.local)
        #expect(replaced.sections.map(\.mid) == ["1"])
        #expect(try parsed(replaced.sdp).media.map(\.direction) == [.inactive, .sendonly])
        _ = try negotiation.read(answer: Self.answer(replaced.sdp))
        let again = negotiation.offer([Self.track(2), Self.track(3)], local: Self.local)
        #expect(again.sections.map(\.mid) == ["0", "1"])
        let last = try negotiation.read(answer: Self.answer(again.sdp))
        #expect(last.senders.first?.key == 3)
        #expect(last.senders.first?.sender.ssrc != agreed.senders.first?.sender.ssrc)
    }

    @Test func `sections do not grow without bound, whatever comes and goes`() throws {
        var negotiation = Negotiation(firstSSRC: 1)
        for round in 0..<100 {
            let offer = negotiation.offer((0..<3).map { Self.track(round * 3 + $0) }, local: Self.local)
            _ = try negotiation.read(answer: Self.answer(offer.sdp))
            #expect(try parsed(offer.sdp).media.count <= 9)
        }
        let many = (1000..<1100).map { Self.track($0) }
        let offer = negotiation.offer(many, local: Self.local)
        #expect(try parsed(offer.sdp).media.count == Negotiation.maximumSections)
        #expect(!negotiation.needsOffer(for: many), "there is no room for the others")
    }

    @Test func `what an answer refuses is not sent, and the rest is`() throws {
        var negotiation = Negotiation(firstSSRC: 1)
        let offer = negotiation.offer([Self.track(1), Self.track(2)], local: Self.local)
        #expect(try negotiation.read(answer: Self.answer(offer.sdp, refusing: ["0"])).senders.map(\.key) == [2])
    }

    @Test func `a wrong answer leaves the offer as it was, and every truncation is one`() throws {
        var negotiation = Negotiation(firstSSRC: 1)
        let offer = negotiation.offer([Self.track(1), Self.track(2, .opus)], local: Self.local)
        let good = try Self.answer(offer.sdp)
        let second = try #require(good.firstIndex(of: UInt8(ascii: "m")))
        for length in 0..<second {
            #expect(throws: OfferError.self) { try negotiation.read(answer: Array(good.prefix(length))) }
        }
        let other = try Self.answer(Negotiation.single(Self.track(1), local: Self.local))
        #expect(throws: OfferError.self) { try negotiation.read(answer: other) }
        #expect(negotiation.isPending)
        #expect(try negotiation.read(answer: good).senders.count == 2)
        #expect(throws: OfferError.self, "it has been answered") { try negotiation.read(answer: good) }
    }

    @Test func `one codec has one payload type in the whole bundle`() throws {
        var negotiation = Negotiation(firstSSRC: 1)
        let offer = try parsed(
            negotiation.offer([Self.track(1), Self.track(2), Self.track(3, .vp9)], local: Self.local).sdp)
        #expect(offer.media[0].formats == offer.media[1].formats)
        #expect(Set(offer.media[0].formats).isDisjoint(with: offer.media[2].formats))
    }
}

extension SubscriptionNegotiation {
    fileprivate static func single(_ track: Track, local: LocalDescription) -> String {
        var negotiation = Self(firstSSRC: 1)
        return negotiation.offer([track], local: local).sdp
    }
}

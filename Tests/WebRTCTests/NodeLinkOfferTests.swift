import DTLS
import ICE
import Media
import Primitives
import SDP
import Testing

@testable import WebRTC

@Suite("Offers to other gateways")
struct NodeLinkOfferTests {
    private static let h264 = TrackDescription(codec: .h264, formatParameters: ["profile-level-id": "640028"])
    private static let tracks =
        ["h", "m", "l"].map { LinkedTrack(description: h264, layer: LinkedLayer(picture: 0, name: $0)) }
        + [LinkedTrack(description: TrackDescription(codec: .opus, channels: 2))]

    private static var edge: LocalDescription {
        var local = LocalDescription.forTests
        local.isLite = false
        local.candidates = []
        return local
    }

    private func make(_ tracks: [LinkedTrack] = tracks) throws(OfferError) -> CounterOffer {
        try CounterOffer(linking: tracks, local: .serverForTests)
    }

    @Test func `every layer is a section of its own, with retransmissions and without feedback for congestion`() throws
    {
        let offer = try parsed(make().sdp)
        #expect(offer.media.map(\.media) == ["video", "video", "video", "audio"])
        #expect(offer.media.map { $0.attributes.first("martlet-layer") } == ["0 h", "0 m", "0 l", nil])
        for media in offer.media {
            #expect(media.attributes.first("setup") == "passive")
            #expect(media.attributes.all("ssrc-group").count == 1)
            #expect(!media.attributes.all("rtcp-fb").contains { $0.hasSuffix("transport-cc") || $0.hasSuffix("remb") })
            #expect(media.attributes.all("rtcp-fb").contains { $0.hasSuffix(" nack") })
            #expect(!media.attributes.all("extmap").contains { $0.contains("playout-delay") })
        }
        let payloadTypes = offer.media.flatMap(\.formats)
        #expect(Set(payloadTypes).count == payloadTypes.count)
    }

    @Test func `a gateway's answer takes all of it, and both read the same numbers`() throws {
        let counter = try make()
        let offer = try SessionOffer(parsing: Array(counter.sdp.utf8), acceptsLite: true)
        let ingest = try offer.ingestAnswer(local: Self.edge)
        #expect(ingest.role == .client)
        #expect(ingest.tracks.map(\.description.codec) == [.h264, .h264, .h264, .opus])
        #expect(ingest.tracks.allSatisfy { $0.alternatives.isEmpty && $0.supportsNACK && $0.rtxPayloadType != nil })
        #expect(ingest.tracks[0].description.formatParameters["profile-level-id"] == "640028")
        #expect(ingest.tracks[3].description.channels == 2)
        #expect(ingest.tracks.map { offer.linkedLayers[$0.mid]?.name } == ["h", "m", "l", nil])
        let answer = try parsed(ingest.sdp)
        #expect(!answer.attributes.contains("ice-lite") && answer.media.allSatisfy { $0.direction == .recvonly })
        let agreed = try counter.read(answer: Array(ingest.sdp.utf8))
        #expect(agreed.role == .server)
        #expect(agreed.senders.map(\.trackIndex) == [0, 1, 2, 3])
        #expect(agreed.senders.map { [$0.ssrc] } == ingest.tracks.map(\.ssrcs))
        #expect(agreed.senders.map { [$0.rtxSSRC] } == ingest.tracks.map { $0.rtxSSRCs.map(Optional.some) })
        #expect(agreed.senders.map(\.payloadType) == ingest.tracks.map(\.payloadType))
        #expect(agreed.senders.allSatisfy { $0.transportCCExtension == nil && $0.captureTimeExtension == 3 })
        #expect(agreed.senders[3].redPayloadType == ingest.tracks[3].redPayloadType)
        #expect(agreed.senders[3].redPayloadType != nil)
    }

    @Test func `descriptors of AV1 go along`() throws {
        let counter = try make([LinkedTrack(description: TrackDescription(codec: .av1))])
        let ingest = try SessionOffer(parsing: Array(counter.sdp.utf8), acceptsLite: true)
            .ingestAnswer(local: Self.edge)
        #expect(ingest.tracks[0].dependencyDescriptorExtension == 4)
        #expect(try counter.read(answer: Array(ingest.sdp.utf8)).senders[0].dependencyDescriptorExtension == 4)
    }

    @Test func `no more streams are offered than a session may have`() throws {
        let many = [LinkedTrack](repeating: Self.tracks[0], count: 30)
        #expect(try parsed(make(many).sdp).media.count == CounterOffer.maximumLinkedTracks)
        #expect(throws: OfferError.noMedia) { try make([]) }
        #expect(throws: OfferError.noMedia) { try make([LinkedTrack(description: TrackDescription(codec: .aac))]) }
    }

    @Test(arguments: ["", "0", "0 ", " h", "-1 h", "256 h", "0 h h", "x h", "0 " + String(repeating: "a", count: 65)])
    func `a layer that is not of the form is none`(value: String) throws {
        #expect(LinkedLayer(parsing: value) == nil)
        let sdp = try make().sdp.replacing("a=martlet-layer:0 h", with: "a=martlet-layer:\(value)")
        let offer = try SessionOffer(parsing: Array(sdp.utf8), acceptsLite: true)
        #expect(offer.linkedLayers["0"] == nil && offer.linkedLayers["1"]?.name == "m")
    }

    @Test func `only who makes the checks takes an offer of somebody who makes none`() throws {
        let sdp = Array(try make().sdp.utf8)
        #expect(throws: OfferError.iceLite) { try SessionOffer(parsing: sdp) }
        for length in stride(from: 0, to: sdp.count, by: 11) {
            _ = try? SessionOffer(parsing: Array(sdp.prefix(length)), acceptsLite: true).ingestAnswer(local: Self.edge)
        }
    }
}

import DTLS
import ICE
import Media
import Primitives
import SDP
import Testing

@testable import WebRTC

@Suite("Counter-offers")
struct CounterOfferTests {
    private static let tracks = [
        TrackDescription(codec: .h264, formatParameters: ["profile-level-id": "640028"]),
        TrackDescription(codec: .opus, channels: 2),
    ]
    private static let server = LocalDescription.serverForTests

    /// What Chromium would offer, without what makes it answerable.
    private static let unbundled = Offers.chromiumViewer.replacing("a=group:BUNDLE 0 1\n", with: "")

    private func make(
        _ offer: String = unbundled, tracks: [TrackDescription] = tracks
    ) throws(OfferError) -> CounterOffer {
        try CounterOffer(insteadOf: Array(offer.utf8), tracks: tracks, local: Self.server)
    }

    @Test func `the offer is one bundle that sends and leaves the DTLS role open`() throws {
        let offer = try parsed(make().sdp)
        #expect(offer.media.map(\.media) == ["video", "audio"])
        #expect(offer.group("BUNDLE")?.mids == ["0", "1"])
        #expect(offer.attributes.contains("ice-lite"))
        for media in offer.media {
            #expect(media.direction == .sendonly)
            #expect(media.attributes.first("setup") == "actpass")
            #expect(media.attributes.contains("rtcp-mux") && media.attributes.contains("rtcp-mux-only"))
            #expect(media.attributes.first("msid")?.hasPrefix("martlet ") == true)
            #expect(media.attributes.first("ice-ufrag") == "Server00")
        }
        #expect(offer.media[0].attributes.contains("candidate") && !offer.media[1].attributes.contains("candidate"))
        #expect(offer.media[0].attributes.all("ssrc").first?.hasPrefix("7000 ") == true)
    }

    @Test func `sound is offered with repetitions of itself, and all with capture times`() throws {
        let offer = try parsed(make().sdp)
        #expect(offer.media[1].formats == ["111", "98"])
        #expect(offer.media[1].attributes.all("rtpmap").contains("98 red/48000/2"))
        #expect(offer.media[1].attributes.all("fmtp").contains("98 111/111"))
        for media in offer.media {
            #expect(media.attributes.all("extmap").contains { $0.hasSuffix("abs-capture-time") })
        }
        // Sound of other kinds is not repeated.
        let plain = try parsed(make("v=0\no=- 1 1 IN IP4 0\n", tracks: [TrackDescription(codec: .pcmu)]).sdp)
        #expect(plain.media.map(\.formats) == [["0"]])
    }

    @Test func `a profile is offered by the name under which the client knows it`() throws {
        #expect(try make().sdp.contains("profile-level-id=42001f"), "the first of its H.264 with packetization-mode 1")
        #expect(try make("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\n").sdp.contains("profile-level-id=640028"))
    }

    @Test func `our client answers, and both know the same of each other`() throws {
        let counter = try make()
        let client = ClientOffer.playing(local: .forTests)
        let (sdp, agreed) = try client.answer(counterOffer: Array(counter.sdp.utf8))
        #expect(agreed.credentials == Self.server.credentials && agreed.isLite && agreed.isCounterOffer)
        #expect(agreed.tracks.map(\.description.codec) == [.h264, .opus])
        #expect(agreed.tracks.map(\.ssrc) == [7000, 7002])
        #expect(agreed.tracks.map(\.rtxSSRC) == [7001, nil])
        #expect(agreed.candidates.map(\.address).contains(TransportAddress(ipv4: 0xC000_0201, port: 8100)))

        let answer = try counter.read(answer: Array(sdp.utf8))
        #expect(answer.credentials == LocalDescription.forTests.credentials)
        #expect(answer.fingerprints == [LocalDescription.forTests.fingerprint])
        #expect((answer.role, agreed.role) == (.server, .client))
        #expect(answer.senders.map(\.trackIndex) == [0, 1])
        #expect(answer.senders.map(\.ssrc) == [7000, 7002])
        #expect(answer.senders.map(\.payloadType) == agreed.tracks.map(\.payloadType))
        #expect(answer.senders[0].rtxPayloadType == agreed.tracks[0].rtxPayloadType)
        #expect(answer.senders[0].supportsNACK && answer.senders[0].supportsPLI)
    }

    @Test func `feedback that an answer keeps is used, and header extensions with it`() throws {
        let counter = try make()
        // A browser's answer is the offer turned round.
        let text = counter.sdp.replacing("a=sendonly", with: "a=recvonly").replacing("actpass", with: "active")
            .replacing("a=ice-lite\r\n", with: "")
        let answer = try counter.read(answer: Array(text.utf8))
        #expect(answer.senders.map(\.transportCCExtension) == [1, 1])
        #expect(answer.senders.map(\.playoutDelayExtension) == [2, nil])
        #expect(answer.senders.map(\.captureTimeExtension) == [3, 3])
        #expect(answer.senders.map(\.redPayloadType) == [nil, 98])
        let plain = text.replacing("a=rtcp-fb:96 transport-cc\r\n", with: "")
        let other = try counter.read(answer: Array(plain.utf8)).senders
        #expect(other.map(\.transportCCExtension) == [nil, nil] && other[0].supportsREMB)
        // What an answer leaves out is not sent, and what would have to be sent again bare is not either.
        let bare = text.replacing("a=rtpmap:98 red/48000/2\r\n", with: "").replacing("a=extmap:3", with: "a=x:3")
        #expect(try counter.read(answer: Array(bare.utf8)).senders.allSatisfy { $0.redPayloadType == nil })
        #expect(try counter.read(answer: Array(bare.utf8)).senders.allSatisfy { $0.captureTimeExtension == nil })
        let unrepaired = text.replacing("a=rtpmap:97 rtx/90000\r\n", with: "")
        #expect(try counter.read(answer: Array(unrepaired.utf8)).senders.map(\.captureTimeExtension) == [nil, 3])
        let passive = text.replacing("a=setup:active", with: "a=setup:passive")
        #expect(try counter.read(answer: Array(passive.utf8)).role == .client)
    }

    @Test(arguments: [
        "", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\nc=IN IP4 0.0.0.0\na=mid:0\n",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\na=rtpmap:111 opus/48000/2\na=inactive\n",
        "m=video 9 UDP/TLS/RTP/SAVPF 96\na=rtpmap:96 H264/90000\na=sendonly\n",
        "m=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    ])
    func `kinds that a client does not speak of are offered too`(sections: String) throws {
        let offer = "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\n" + sections
        #expect(try parsed(make(offer).sdp).media.map(\.media) == ["video", "audio"])
    }

    @Test func `what no offer helps is refused`() throws {
        let foreign = Self.unbundled.replacing("H264/90000", with: "H266/90000")
        let error = #expect(throws: OfferError.self) { try make(foreign) }
        guard case .noCommonCodec(_, let needed) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(needed == ["H264"])
        let mute = Self.unbundled.replacing("opus/48000/2", with: "speex/16000")
            .replacing("PCMU/8000", with: "x/8000").replacing("PCMA/8000", with: "x/8000")
        #expect(try parsed(make(mute).sdp).media.map(\.media) == ["video"], "a picture without its sound may be")
        #expect(throws: OfferError.iceLite) {
            try make(Self.unbundled.replacing("t=0 0\n", with: "t=0 0\na=ice-lite\n"))
        }
        #expect(throws: OfferError.noMedia) { try make(tracks: []) }
        #expect(throws: OfferError.self) { try make("no SDP") }
    }

    @Test func `answers that fit another offer are refused`() throws {
        let counter = try make()
        let client = ClientOffer.playing(local: .forTests)
        let good = try client.answer(counterOffer: Array(counter.sdp.utf8)).sdp
        func read(_ text: String) throws(OfferError) { _ = try counter.read(answer: Array(text.utf8)) }
        try read(good)
        #expect(throws: OfferError.noBundle) { try read(good.replacing("a=group:BUNDLE 0 1\r\n", with: "")) }
        #expect(throws: OfferError.noRTCPMultiplexing) { try read(good.replacing("a=rtcp-mux\r\n", with: "")) }
        #expect(throws: OfferError.iceLite) { try read(good.replacing("a=group", with: "a=ice-lite\r\na=group")) }
        #expect(throws: OfferError.noFingerprint) { try read(good.replacing("a=fingerprint", with: "a=x")) }
        for wrong in [
            good.replacing(" 9 UDP", with: " 0 UDP"), good.replacing("a=recvonly", with: "a=inactive"),
            good.replacing("m=audio", with: "m=video"), good.replacing("a=mid:1", with: "a=mid:7"),
            good + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", good.replacing("a=setup:active", with: "a=setup:actpass"),
        ] {
            let error = #expect(throws: OfferError.self) { try read(wrong) }
            guard case .mismatched = error else {
                Issue.record("\(String(describing: error)) is not .mismatched")
                continue
            }
        }
        for broken in ["", "v=0"] {
            let error = #expect(throws: OfferError.self) { try read(broken) }
            #expect(error.map { if case .malformed = $0 { true } else { false } } == true)
        }
        for length in stride(from: 0, to: good.utf8.count, by: 7) {
            _ = try? counter.read(answer: Array(good.utf8.prefix(length)))
            _ = try? client.answer(counterOffer: Array(counter.sdp.utf8.prefix(length)))
        }
    }

    @Test func `a server of our own kind gets no answer from a client that asked for nothing of it`() throws {
        let client = ClientOffer.playing(codecs: [.vp8], local: .forTests)
        #expect(throws: OfferError.noMedia) { try client.answer(counterOffer: Array(make().sdp.utf8)) }
        #expect(throws: OfferError.self) { try client.answer(counterOffer: [0xFF]) }
    }

    @Test func `offers that lack a form invite one of ours, and those that lack substance do not`() {
        for error in [OfferError.noBundle, .noRTCPMultiplexing, .noMedia] { #expect(error.invitesCounterOffer) }
        for error in [
            OfferError.malformed("x"), .mismatched("x"), .noICE, .iceLite, .noFingerprint, .weakFingerprint, .rejected,
            .noCommonCodec(offered: [], needed: []),
        ] {
            #expect(!error.invitesCounterOffer)
        }
    }
}

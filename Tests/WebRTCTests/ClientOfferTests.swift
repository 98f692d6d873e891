import DTLS
import ICE
import Media
import Primitives
import SDP
import Testing
import WebRTC

@Suite("Offers of our own clients")
struct ClientOfferTests {
    private static let tracks = [
        TrackDescription(codec: .h264, formatParameters: ["profile-level-id": "640028"]),
        TrackDescription(codec: .opus, channels: 2),
    ]

    private static let server = LocalDescription.serverForTests

    @Test func `our publisher and our gateway understand each other`() throws {
        let offer = ClientOffer.publishing(Self.tracks, local: .forTests)
        let answer = try SessionOffer(offer.sdp).ingestAnswer(local: Self.server)
        #expect(answer.tracks.map(\.description.codec) == [.h264, .opus])
        #expect(answer.tracks[0].description.formatParameters["profile-level-id"] == "640028")
        #expect(answer.tracks.map(\.ssrcs) == [[1000], [1002]])
        #expect(answer.tracks[0].rtxSSRCs == [1001])
        #expect(answer.tracks[0].supportsNACK && answer.tracks[0].supportsPLI && answer.tracks[0].supportsFIR)

        let read = try offer.read(answer: Array(answer.sdp.utf8))
        #expect(read.credentials == Self.server.credentials)
        #expect(read.fingerprints == [Self.server.fingerprint])
        #expect(read.candidates.map(\.address).contains(TransportAddress(ipv4: 0xC000_0201, port: 8100)))
        #expect(read.role == .client)
        #expect(read.isLite)
        #expect(read.tracks.map(\.ssrc) == [1000, 1002])
        #expect(read.tracks.map(\.rtxSSRC) == [1001, nil])
        #expect(read.tracks.map(\.payloadType) == answer.tracks.map(\.payloadType))
        #expect(read.tracks.map(\.trackIndex) == [0, 1])
    }

    @Test func `our viewer and our gateway understand each other`() throws {
        let offer = ClientOffer.playing(local: .forTests)
        let answer = try SessionOffer(offer.sdp).playbackAnswer(tracks: Self.tracks, local: Self.server)
        let read = try offer.read(answer: Array(answer.sdp.utf8))
        #expect(read.tracks.map(\.description.codec) == [.h264, .opus])
        #expect(read.tracks.map(\.ssrc) == [7000, 7002])
        #expect(read.tracks.map(\.rtxSSRC) == [7001, nil])
        #expect(read.tracks.map(\.payloadType) == answer.senders.map(\.payloadType))
        #expect(read.tracks[0].rtxPayloadType == answer.senders[0].rtxPayloadType)
    }

    @Test(arguments: [Codec.h264, .h265, .vp8, .vp9, .av1, .opus, .pcmu, .pcma])
    func `each codec can be published and played`(codec: Codec) throws {
        let track = TrackDescription(codec: codec)
        let publishing = ClientOffer.publishing([track], local: .forTests)
        let ingest = try SessionOffer(publishing.sdp).ingestAnswer(local: Self.server)
        #expect(ingest.tracks.map(\.description.codec) == [codec])
        let playing = ClientOffer.playing(local: .forTests)
        let playback = try SessionOffer(playing.sdp).playbackAnswer(tracks: [track], local: Self.server)
        #expect(try playing.read(answer: Array(playback.sdp.utf8)).tracks.map(\.description.codec) == [codec])
    }

    @Test func `payload types are distinct`() throws {
        let formats = try parsed(ClientOffer.playing(local: .forTests).sdp).media.flatMap(\.formats)
        #expect(Set(formats).count == formats.count)
        let many = ClientOffer.publishing(Array(repeating: TrackDescription(codec: .vp8), count: 40), local: .forTests)
        let used = try parsed(many.sdp).media.flatMap(\.formats)
        #expect(Set(used).count == used.count)
        #expect(!used.contains("111"))
        #expect(used.count == 30, "96 to 127 without 111, in pairs")
    }

    @Test func `AAC is left out of a publisher's offer`() throws {
        let offer = ClientOffer.publishing([TrackDescription(codec: .aac)] + Self.tracks, local: .forTests)
        let answer = try SessionOffer(offer.sdp).ingestAnswer(local: Self.server)
        #expect(try offer.read(answer: Array(answer.sdp.utf8)).tracks.map(\.trackIndex) == [1, 2])
    }

    @Test func `a section that the server rejects is left out`() throws {
        let offer = ClientOffer.playing(local: .forTests)
        let answer = try SessionOffer(offer.sdp).playbackAnswer(tracks: [Self.tracks[1]], local: Self.server)
        #expect(try offer.read(answer: Array(answer.sdp.utf8)).tracks.map(\.description.codec) == [.opus])
    }

    @Test func `answers that fit no offer are refused`() throws {
        let offer = ClientOffer.playing(local: .forTests)
        let good = try SessionOffer(offer.sdp).playbackAnswer(tracks: Self.tracks, local: Self.server).sdp
        func read(_ text: String) throws(OfferError) { _ = try offer.read(answer: Array(text.utf8)) }
        #expect(throws: OfferError.rejected) { try read(good.replacing(" 9 UDP", with: " 0 UDP")) }
        #expect(throws: OfferError.rejected) { try read(good.replacing("a=sendonly", with: "a=recvonly")) }
        #expect(throws: OfferError.noFingerprint) { try read(good.replacing("a=fingerprint", with: "a=x")) }
        #expect(throws: OfferError.noICE) { try read(good.replacing("a=ice-ufrag", with: "a=x")) }
        for broken in [
            "", "v=0", good.replacing("m=audio", with: "m=video"), good + "m=audio 9 X 0\r\n",
            good.replacing("a=setup:passive", with: "a=setup:actpass"),
        ] {
            let error = #expect(throws: OfferError.self) { try read(broken) }
            guard case .malformed = error else {
                Issue.record("\(String(describing: error)) is not .malformed")
                continue
            }
        }
        for length in stride(from: 0, to: good.utf8.count, by: 7) {
            _ = try? offer.read(answer: Array(good.utf8.prefix(length)))
        }
    }

    @Test func `an active answer makes us the DTLS server`() throws {
        let offer = ClientOffer.playing(local: .forTests)
        let good = try SessionOffer(offer.sdp).playbackAnswer(tracks: Self.tracks, local: Self.server).sdp
        let active = good.replacing("a=setup:passive", with: "a=setup:active")
        #expect(try offer.read(answer: Array(active.utf8)).role == .server)
        let silent = good.replacing("a=setup:passive\r\n", with: "")
        #expect(try offer.read(answer: Array(silent.utf8)).role == .server)
    }
}

@Suite("Trickled candidates")
struct TrickleFragmentTests {
    @Test func `a restart is answered with our credentials and candidates for the same bundle`() throws {
        let asked = """
            a=ice-options:trickle ice2
            a=group:BUNDLE 0 1
            m=audio 9 UDP/TLS/RTP/SAVPF 111
            a=mid:0
            a=ice-ufrag:ysXw
            a=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k
            """
        let fragment = try TrickleFragment(parsing: Array(asked.utf8))
        let local = LocalDescription.forTests
        for acceptsTCP in [false, true] {
            let answer = fragment.restartAnswer(
                local: local.credentials, candidates: local.candidates, acceptsTCP: acceptsTCP)
            #expect(answer.hasPrefix("a=ice-lite\r\na=group:BUNDLE 0 1\r\nm=audio 9 "))
            #expect(answer.contains("\r\na=mid:0\r\n"))
            let read = try TrickleFragment(parsing: Array(answer.utf8))
            #expect(read.credentials == local.credentials)
            #expect(read.candidates.count == (acceptsTCP ? 4 : 2))
            #expect(read.candidates.filter { $0.tcpType == .passive }.count == (acceptsTCP ? 2 : 0))
            #expect(read.endOfCandidates)
        }
    }

    @Test func `candidates and credentials are read`() throws {
        let text = """
            a=ice-ufrag:EsAw
            a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
            m=audio 9 UDP/TLS/RTP/SAVPF 0
            a=mid:0
            a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0
            a=candidate:broken
            a=end-of-candidates
            """
        let fragment = try TrickleFragment(parsing: Array(text.utf8))
        #expect(fragment.credentials?.usernameFragment == "EsAw")
        #expect(fragment.candidates.map(\.port) == [61764])
        #expect(fragment.endOfCandidates)
    }

    @Test func `a fragment may hold nothing`() throws {
        let fragment = try TrickleFragment(parsing: [])
        #expect(fragment.credentials == nil)
        #expect(fragment.candidates.isEmpty)
        #expect(!fragment.endOfCandidates)
    }

    @Test(arguments: [
        "a=ice-ufrag:EsAw", "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1", "a=ice-ufrag:x\na=ice-pwd:y", "nonsense",
    ])
    func `half credentials, bad ones and garbage are malformed`(text: String) {
        #expect(throws: OfferError.self) { try TrickleFragment(parsing: Array(text.utf8)) }
    }
}

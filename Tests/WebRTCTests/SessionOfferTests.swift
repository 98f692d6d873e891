import DTLS
import ICE
import Media
import Primitives
import SDP
import TestSupport
import Testing
import WebRTC

@Suite("Offers, good and bad")
struct SessionOfferTests {
    @Test func `ICE, certificates and role are read from the bundle's first section`() throws {
        let offer = try SessionOffer(Offers.chromiumViewer)
        #expect(offer.credentials.usernameFragment == "Rem0")
        #expect(offer.credentials.password.revealed == "remotepasswordremotepass")
        #expect(offer.fingerprints.map(\.algorithm) == [.sha256])
        #expect(offer.setup == .actpass)
        #expect(offer.role == .server)
        #expect(offer.candidates.count == 2)
    }

    @Test func `a fingerprint of the session counts where the section has none`() throws {
        #expect(try SessionOffer(Offers.firefoxPublisher).fingerprints.count == 1)
        #expect(try SessionOffer(Offers.pionPublisher).fingerprints.count == 1)
    }

    @Test func `of several fingerprints the strong ones are kept`() throws {
        let sha1 = "a=fingerprint:sha-1 " + (0..<20).map { _ in "01" }.joined(separator: ":")
        let sha512 = "a=fingerprint:sha-512 " + (0..<64).map { _ in "02" }.joined(separator: ":")
        let text = Offers.offer([Offers.opus]).replacing("a=setup", with: "\(sha1)\n\(sha512)\na=setup")
        #expect(try SessionOffer(text).fingerprints.map(\.algorithm) == [.sha256, .sha512])
    }

    @Test(arguments: [
        ("a=fingerprint:\(Offers.fingerprint)", "a=x", OfferError.noFingerprint),
        (
            "a=fingerprint:\(Offers.fingerprint)",
            "a=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13", .weakFingerprint
        ),
        ("a=ice-ufrag:Rem0", "a=x", .noICE),
        ("a=ice-pwd:remotepasswordremotepass", "a=x", .noICE),
        ("a=rtcp-mux", "a=x", .noRTCPMultiplexing),
        ("t=0 0", "t=0 0\na=ice-lite", .iceLite),
        ("a=group:BUNDLE 0 1", "a=x", .noBundle),
        ("a=group:BUNDLE 0 1", "a=group:BUNDLE", .noBundle),
        ("a=group:BUNDLE 0 1", "a=group:BUNDLE x", .noBundle),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP", .noMedia),
        ("m=audio 9", "m=audio 0", .noMedia),
    ])
    func `an offer that lacks something is refused by name`(
        line: String,
        replacement: String,
        error: OfferError
    ) throws {
        let text = Offers.offer([Offers.opus, Offers.opus]).replacing(line, with: replacement)
        #expect(text != Offers.offer([Offers.opus, Offers.opus]))
        #expect(throws: error) { try SessionOffer(text) }
    }

    @Test(arguments: [
        ("a=mid:1", "a=mid:0"), ("a=mid:1", "a=mid:1 2"), ("a=mid:1", "a=mid:"),
        ("a=setup:actpass", "a=setup:holdconn"), ("a=setup:actpass", "a=setup:x"),
        ("a=ice-ufrag:Rem0", "a=ice-ufrag:Rem"), ("a=ice-ufrag:Rem0", "a=ice-ufrag:Re:m0"),
        ("a=ice-ufrag:Rem0", "a=ice-ufrag:Re m0"), ("a=ice-pwd:remotepasswordremotepass", "a=ice-pwd:short"),
        ("a=fingerprint:\(Offers.fingerprint)", "a=fingerprint:sha-256 00:11"),
        ("a=rtcp-mux", "a=rtcp-mux\rx"), ("v=0", "v=1"),
    ])
    func `an offer that contradicts SDP or itself is refused without being quoted`(
        line: String,
        replacement: String
    ) throws {
        let text = Offers.offer([Offers.opus, Offers.opus]).replacing(line, with: replacement)
        let error = #expect(throws: OfferError.self) { try SessionOffer(text) }
        guard case .malformed = error else {
            Issue.record("\(String(describing: error)) is not .malformed")
            return
        }
        #expect(error?.detail.contains("Rem") == false)
        #expect(error?.detail.contains("11") == false)
    }

    @Test func `every error has words of its own`() {
        let errors: [OfferError] = [
            .malformed("x"), .noICE, .iceLite, .noFingerprint, .weakFingerprint, .noBundle, .noRTCPMultiplexing,
            .noMedia,
            .noCommonCodec(offered: [], needed: []), .rejected,
        ]
        #expect(Set(errors.map(\.detail)).count == errors.count)
    }

    @Test func `an offer without a=setup leaves the role to us`() throws {
        let text = Offers.offer([Offers.opus]).replacing("a=setup:actpass\n", with: "")
        #expect(try SessionOffer(text).role == .server)
    }

    @Test func `candidates of no use are passed over and their number is limited`() throws {
        let lines =
            "a=candidate:x\na=candidate:1 1 udp 1 0f1b.local 9 typ host\n"
            + (1...100).map { "a=candidate:\($0) 1 udp 1 192.0.2.1 \($0) typ host" }.joined(separator: "\n")
        let offer = try SessionOffer(Offers.offer([Offers.opus + "\n" + lines]))
        #expect(offer.candidates.count == 63, "64 lines are looked at and one of them is broken")
    }

    @Test func `a thousand media sections are refused`() throws {
        let text = Offers.offer(Array(repeating: Offers.opus, count: 1000))
        #expect(throws: OfferError.self) { try SessionOffer(text) }
        let many = Offers.offer(Array(repeating: "m=audio 9 UDP/TLS/RTP/SAVPF 0", count: 1000))
        #expect(throws: OfferError.self) { try SessionOffer(many) }
        let bare = "v=0\no=- 1 1 IN IP4 0\n" + String(repeating: "m=audio 9 UDP/TLS/RTP/SAVPF 0\n", count: 1000)
        #expect(throws: OfferError.malformed(SDPError.tooManyMediaSections.detail)) { try SessionOffer(bare) }
    }

    @Test func `the greatest offer that is let in is answered`() throws {
        let sections = (0..<64).map { _ in "m=audio 9 UDP/TLS/RTP/SAVPF 111\na=rtpmap:111 opus/48000/2" }
        let answer = try SessionOffer(Offers.offer(sections)).ingestAnswer(local: .forTests)
        #expect(answer.tracks.count == 64)
    }

    @Test(arguments: [0, 1, 5, 60_000, 70_000], [0, 0x0A, 0x61, 0xFF] as [UInt8])
    func `garbage of any length is malformed`(count: Int, byte: UInt8) {
        let error = #expect(throws: OfferError.self) {
            try SessionOffer(parsing: Array(repeating: byte, count: count))
        }
        guard case .malformed = error else {
            Issue.record("\(String(describing: error)) is not .malformed")
            return
        }
    }

    /// What a server does with an offer, whatever comes of it.
    private func answerBoth(_ bytes: [UInt8]) {
        guard let offer = try? SessionOffer(parsing: bytes) else { return }
        let tracks = [TrackDescription(codec: .vp8), TrackDescription(codec: .h264), TrackDescription(codec: .opus)]
        let answers = [
            try? offer.ingestAnswer(local: .forTests).sdp,
            try? offer.playbackAnswer(tracks: tracks, local: .forTests).sdp,
        ]
        for answer in answers.compactMap(\.self) {
            #expect((try? parsed(answer)) != nil, "an answer can always be read")
        }
    }

    @Test(arguments: Offers.all)
    func `no truncation traps`(text: String) {
        let bytes = Array(text.utf8)
        for length in 0...bytes.count {
            // A cut inside a line changes that line's attribute; what an answer is made of changes line by line.
            if length == bytes.count || bytes[length] == UInt8(ascii: "\n") {
                answerBoth(Array(bytes[..<length]))
            } else {
                _ = try? SessionOffer(parsing: Array(bytes[..<length]))
            }
        }
    }

    @Test(arguments: Offers.all)
    func `flipped bytes never trap`(text: String) {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<300 {
            var bytes = Array(text.utf8)
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            answerBoth(bytes)
        }
    }

    @Test(arguments: Offers.all)
    func `lines in any order, twice or left out never trap`(text: String) {
        var generator = SeededGenerator(seed: 6)
        let lines = text.split(separator: "\n")
        for _ in 0..<100 {
            var changed = lines.dropFirst(4).filter { _ in Int.random(in: 0..<20, using: &generator) > 0 }
            for _ in 0..<10 { changed.append(lines[Int.random(in: 4..<lines.count, using: &generator)]) }
            if Bool.random(using: &generator) { changed.shuffle(using: &generator) }
            answerBoth(Array((lines.prefix(4) + changed).joined(separator: "\n").utf8))
        }
    }
}

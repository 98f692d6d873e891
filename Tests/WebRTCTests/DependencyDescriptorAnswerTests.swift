import Media
import RTP
import Testing
import WebRTC

@Suite("Dependency descriptors in offers and answers")
struct DependencyDescriptorAnswerTests {
    private static let map = "a=extmap:12 \(HeaderExtensionURI.dependencyDescriptor.rawValue)"

    private static func section(_ direction: String, codec: String = "AV1", mixes: Bool = true) -> String {
        Offers.offer([
            """
            m=video 9 UDP/TLS/RTP/SAVPF 96
            a=\(direction)
            a=rtpmap:96 \(codec)/90000
            \(map)\(mixes ? "\na=extmap-allow-mixed" : "")
            """
        ])
    }

    @Test(arguments: [("AV1", true), ("VP9", false), ("VP8", false)])
    func `a publisher is asked for them with AV1 alone`(codec: String, isAsked: Bool) throws {
        let offer = try SessionOffer(Self.section("sendonly", codec: codec))
        let answer = try offer.ingestAnswer(local: .forTests)
        #expect((answer.tracks[0].dependencyDescriptorExtension == 12) == isAsked)
        #expect(answer.sdp.contains(Self.map) == isAsked)
    }

    @Test(arguments: [true, false])
    func `a viewer gets them where it takes both forms of header extensions`(mixes: Bool) throws {
        let offer = try SessionOffer(Self.section("recvonly", mixes: mixes))
        let answer = try offer.playbackAnswer(tracks: [TrackDescription(codec: .av1)], local: .forTests)
        #expect(answer.senders[0].dependencyDescriptorExtension == (mixes ? 12 : nil))
        #expect(answer.sdp.contains(Self.map) == mixes)
    }
}

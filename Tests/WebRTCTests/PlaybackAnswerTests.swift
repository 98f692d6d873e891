import DTLS
import Media
import RTP
import SDP
import Testing
import WebRTC

@Suite("Answers to viewers")
struct PlaybackAnswerTests {
    private static let opus = TrackDescription(codec: .opus, channels: 2)

    private static func h264(_ profile: String) -> TrackDescription {
        TrackDescription(codec: .h264, formatParameters: ["profile-level-id": profile])
    }

    private func answer(_ text: String, _ tracks: [TrackDescription]) throws -> PlaybackAnswer {
        try SessionOffer(text).playbackAnswer(tracks: tracks, local: .forTests)
    }

    @Test func `Chromium gets one payload type a section, with retransmissions and one stream for both`() throws {
        let answer = try answer(Offers.chromiumViewer, [Self.opus, Self.h264("640028")])
        #expect(answer.role == .server)
        #expect(
            answer.senders == [
                PlaybackSender(
                    mid: "0",
                    trackIndex: 1,
                    payloadType: 102,
                    rtxPayloadType: 103,
                    ssrc: 1000,
                    rtxSSRC: 1001,
                    supportsNACK: true,
                    supportsPLI: true,
                    supportsFIR: true,
                    transportCCExtension: 4
                ),
                PlaybackSender(
                    mid: "1", section: 1, trackIndex: 0, payloadType: 111, redPayloadType: 63, ssrc: 1002),
            ]
        )
        let description = try parsed(answer.sdp)
        #expect(description.attributes.contains("ice-lite"))
        #expect(description.attributes.contains("extmap-allow-mixed"))
        #expect(description.group("BUNDLE")?.mids == ["0", "1"])
        try #require(description.media.count == 2)
        let video = description.media[0].attributes
        #expect(description.media[0].formats == ["102", "103"])
        #expect(video.direction == .sendonly)
        #expect(video.all("rtcp-fb") == ["102 nack", "102 nack pli", "102 ccm fir", "102 transport-cc"])
        #expect(video.all("extmap") == ["4 \(HeaderExtensionURI.transportSequenceNumber.rawValue)"])
        #expect(video.first("ssrc-group") == "FID 1000 1001")
        #expect(
            video.all("ssrc") == [
                "1000 cname:cname42", "1000 msid:martlet video1", "1001 cname:cname42", "1001 msid:martlet video1",
            ]
        )
        let audio = description.media[1].attributes
        #expect(description.media[1].formats == ["111", "63"])
        #expect(audio.all("rtpmap") == ["111 opus/48000/2", "63 red/48000/2"])
        #expect(audio.all("fmtp").last == "63 111/111")
        #expect(audio.first("msid") == "martlet audio0")
        #expect(audio.first("fmtp") == "111 minptime=10;useinbandfec=1;sprop-stereo=1")
        #expect(audio.all("rtcp-fb").isEmpty)
    }

    @Test func `the playout delay is agreed for the picture where it is offered`() throws {
        let line = "a=extmap:5 \(HeaderExtensionURI.playoutDelay.rawValue)\r\na=rtcp-mux"
        let offer = Offers.chromiumViewer.split(separator: "a=rtcp-mux", omittingEmptySubsequences: false)
            .joined(separator: line)
        let answer = try answer(offer, [Self.opus, Self.h264("640028")])
        #expect(answer.senders.map(\.playoutDelayExtension) == [5, nil])
        let video = try parsed(answer.sdp).media[0].attributes
        #expect(video.all("extmap").contains("5 \(HeaderExtensionURI.playoutDelay.rawValue)"))
    }

    @Test func `a viewer without retransmissions of their own gets no transport-wide numbers`() throws {
        let lines = Offers.chromiumViewer.split(whereSeparator: \.isNewline).filter {
            !$0.contains(" rtx/") && !$0.contains("apt=")
        }
        let answer = try answer(lines.joined(separator: "\r\n") + "\r\n", [Self.opus, Self.h264("640028")])
        #expect(answer.senders.allSatisfy { $0.transportCCExtension == nil && $0.rtxSSRC == nil })
        #expect(answer.senders.first?.supportsREMB == true)
    }

    @Test(arguments: [
        ("42e01f", 108), ("42c01e", 108), ("4d8028", 108), ("420029", 102), ("640028", 102), ("4d001f", 102),
    ])
    func `the same H.264 profile is preferred, any spelling of it, and any profile will do`(
        profile: String,
        payloadType: UInt8
    ) throws {
        let answer = try answer(Offers.chromiumViewer, [Self.h264(profile)])
        #expect(answer.senders.map(\.payloadType) == [payloadType])
    }

    @Test func `the answer speaks of the viewer's profile, not of the stream's`() throws {
        let description = try parsed(try answer(Offers.chromiumViewer, [Self.h264("640028")]).sdp)
        #expect(description.media[0].attributes.first("fmtp")?.contains("profile-level-id=42001f") == true)
    }

    @Test func `H.264 in packetization-mode 0 alone does not fit`() throws {
        let text = Offers.offer([
            "m=video 9 UDP/TLS/RTP/SAVPF 96\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=0;profile-level-id=42e01f"
        ])
        #expect(throws: OfferError.noCommonCodec(offered: ["H264 (packetization-mode 0)"], needed: ["H264"])) {
            try SessionOffer(text).playbackAnswer(tracks: [Self.h264("42e01f")], local: .forTests)
        }
    }

    @Test func `H.264 without any parameters is believed`() throws {
        let text = Offers.offer(["m=video 9 UDP/TLS/RTP/SAVPF 96\na=rtpmap:96 H264/90000"])
        #expect(try answer(text, [Self.h264("42e01f")]).senders.map(\.payloadType) == [96])
    }

    @Test(arguments: [(nil, 98), ("0", 98), ("2", 100)])
    func `VP9 needs its very profile`(profile: String?, payloadType: UInt8) throws {
        let parameters = profile.map { ["profile-id": $0] } ?? [:]
        let answer = try answer(
            Offers.chromiumViewer,
            [TrackDescription(codec: .vp9, formatParameters: parameters)]
        )
        #expect(answer.senders.map(\.payloadType) == [payloadType])
    }

    @Test func `a VP9 profile that the viewer lacks does not fit`() throws {
        let track = TrackDescription(codec: .vp9, formatParameters: ["profile-id": "3"])
        #expect(
            throws: OfferError.noCommonCodec(
                offered: [
                    "VP8", "VP9", "VP9 profile 2", "H264 (packetization-mode 0)", "H264", "AV1", "AV1 profile 1",
                ],
                needed: ["VP9 profile 3"]
            )
        ) {
            try SessionOffer(Offers.chromiumViewer).playbackAnswer(tracks: [track], local: .forTests)
        }
    }

    @Test(arguments: [("0", 45), ("1", 47)])
    func `AV1 is matched by profile`(profile: String, payloadType: UInt8) throws {
        let track = TrackDescription(codec: .av1, formatParameters: ["profile": profile])
        #expect(try answer(Offers.chromiumViewer, [track]).senders.map(\.payloadType) == [payloadType])
    }

    @Test func `a higher AV1 profile of the viewer contains a lower one of the stream`() throws {
        let text = Offers.offer(["m=video 9 UDP/TLS/RTP/SAVPF 96\na=rtpmap:96 AV1/90000\na=fmtp:96 profile=1"])
        #expect(try answer(text, [TrackDescription(codec: .av1)]).senders.count == 1)
    }

    @Test func `H.265 is matched leniently`() throws {
        let text = Offers.offer([
            """
            m=video 9 UDP/TLS/RTP/SAVPF 96 97
            a=rtpmap:96 H265/90000
            a=fmtp:96 profile-id=1;tier-flag=1
            a=rtpmap:97 H265/90000
            a=fmtp:97 profile-id=1;tier-flag=0
            """
        ])
        #expect(try answer(text, [TrackDescription(codec: .h265)]).senders.map(\.payloadType) == [97])
        let mainTen = TrackDescription(codec: .h265, formatParameters: ["profile-id": "2"])
        #expect(try answer(text, [mainTen]).senders.map(\.payloadType) == [96])
    }

    @Test func `Firefox without H.264 is told which codecs would be needed`() throws {
        let viewer = Offers.firefoxPublisher.replacing("a=sendonly", with: "a=recvonly")
        let error = #expect(throws: OfferError.self) {
            try SessionOffer(viewer).playbackAnswer(tracks: [Self.h264("42e01f"), Self.opus], local: .forTests)
        }
        #expect(error == .noCommonCodec(offered: ["VP8"], needed: ["H264"]))
        #expect(error?.detail == "No codec fits: needed is H264, offered is VP8.")
    }

    @Test func `sound that does not fit is rejected alone`() throws {
        let viewer = Offers.chromiumViewer.replacing("111", with: "112").replacing("opus", with: "speex")
        let answer = try answer(viewer, [Self.h264("42e01f"), Self.opus])
        #expect(answer.senders.map(\.mid) == ["0"])
        let description = try parsed(answer.sdp)
        #expect(description.media.map(\.port) == [9, 0])
        #expect(description.group("BUNDLE")?.mids == ["0"])
        #expect(description.media[1].mid == "1")
        #expect(description.media[1].direction == .inactive)
        // Pion looks the mapping of each format up, also in a section that is rejected.
        let format = try #require(description.media[1].formats.first)
        #expect(description.media[1].attributes.all("rtpmap").contains { $0.hasPrefix("\(format) ") })
    }

    @Test func `a stream without a picture rejects the video section, and the bundle's tag moves`() throws {
        let answer = try answer(Offers.chromiumViewer, [Self.opus])
        #expect(answer.senders.map(\.ssrc) == [1000])
        let description = try parsed(answer.sdp)
        #expect(description.media.map(\.port) == [0, 9])
        #expect(description.group("BUNDLE")?.mids == ["1"])
        #expect(!description.media[0].attributes.contains("candidate"))
        #expect(description.media[1].attributes.contains("candidate"))
        // aiortc and GStreamer look for these in every section.
        for name in ["ice-ufrag", "ice-pwd", "fingerprint", "setup", "mid", "rtcp-mux"] {
            #expect(description.media[0].attributes.contains(name))
        }
    }

    @Test func `a viewer may ask for sound alone`() throws {
        #expect(
            try answer(Offers.offer([Offers.opus]), [Self.h264("42e01f"), Self.opus]).senders.map(\.trackIndex) == [1]
        )
    }

    @Test func `sound alone that does not fit is an error`() throws {
        #expect(throws: OfferError.noCommonCodec(offered: ["opus"], needed: ["PCMU"])) {
            try SessionOffer(Offers.offer([Offers.opus]))
                .playbackAnswer(tracks: [TrackDescription(codec: .pcmu)], local: .forTests)
        }
    }

    @Test func `a sendrecv offer of GStreamer receives`() throws {
        let answer = try answer(Offers.gstreamer, [Self.h264("42c01e"), Self.opus])
        #expect(answer.senders.map(\.payloadType) == [96, 97])
        let description = try parsed(answer.sdp)
        #expect(description.media.map(\.direction) == [.sendonly, .sendonly])
        #expect(!answer.sdp.contains("sprop-parameter-sets"), "those are of the viewer's own encoder")
    }

    @Test func `two tracks of a kind go to two sections in order`() throws {
        let text = Offers.offer([Offers.vp8, Offers.vp8, Offers.vp8])
        let tracks = [TrackDescription(codec: .vp8), TrackDescription(codec: .h264), TrackDescription(codec: .vp8)]
        let answer = try answer(text, tracks)
        #expect(answer.senders.map(\.trackIndex) == [0, 2])
        #expect(answer.senders.map(\.section) == [0, 1])
        #expect(try parsed(answer.sdp).media.map(\.port) == [9, 9, 0])
    }

    @Test func `a sender says which section of the offer it is, also behind one that is rejected`() throws {
        let answer = try answer(Offers.offer([Offers.opus, Offers.vp8]), [TrackDescription(codec: .vp8)])
        #expect(answer.senders.map(\.section) == [1])
    }

    @Test func `an offer that only sends, and a stream without tracks, lead to nothing`() throws {
        #expect(throws: OfferError.noMedia) {
            try SessionOffer(Offers.ffmpegPublisher).playbackAnswer(tracks: [Self.opus], local: .forTests)
        }
        #expect(throws: OfferError.noMedia) {
            try SessionOffer(Offers.chromiumViewer).playbackAnswer(tracks: [], local: .forTests)
        }
    }

    @Test func `SSRCs wrap around without 0`() throws {
        var local = LocalDescription.forTests
        local.firstSSRC = .max
        let answer = try SessionOffer(Offers.chromiumViewer)
            .playbackAnswer(tracks: [Self.h264("42e01f"), Self.opus], local: local)
        #expect(answer.senders.map(\.ssrc) == [.max, 2])
        #expect(answer.senders[0].rtxSSRC == 1)
    }
}

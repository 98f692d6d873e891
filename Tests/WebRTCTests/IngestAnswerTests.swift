import DTLS
import ICE
import Media
import SDP
import Testing
import WebRTC

@Suite("Answers to publishers, RFC 9725")
struct IngestAnswerTests {
    private func answer(_ text: String, transportCC: Bool = true) throws -> IngestAnswer {
        try SessionOffer(text).ingestAnswer(local: .forTests, transportCC: transportCC)
    }

    @Test func `a Firefox publisher gets VP8 and Opus with what it offered for them`() throws {
        let answer = try answer(Offers.firefoxPublisher)
        #expect(answer.role == .server)
        try #require(answer.tracks.count == 2)
        let video = answer.tracks[0]
        #expect(video.mid == "0")
        #expect(video.description.codec == .vp8)
        #expect(video.payloadType == 120)
        #expect(video.rtxPayloadType == nil)
        #expect(video.ssrcs == [3_972_460_523])
        #expect(video.rtxSSRCs == [341_991_180])
        #expect(video.midExtension == 3)
        #expect(video.transportCCExtension == 7)
        #expect(video.absCaptureTimeExtension == nil, "offered for receiving only")
        #expect(video.supportsNACK && video.supportsPLI && video.supportsFIR && video.supportsTransportCC)
        #expect(!video.supportsREMB)
        #expect(answer.tracks[1].description.codec == .opus)
        #expect(answer.tracks[1].description.channels == 2)

        let description = try parsed(answer.sdp)
        #expect(description.attributes.contains("ice-lite"))
        #expect(description.group("BUNDLE")?.mids == ["0", "1"])
        let section = description.media[0]
        #expect(section.direction == .recvonly)
        #expect(section.attributes.first("setup") == "passive")
        #expect(section.attributes.contains("extmap-allow-mixed"))
        #expect(!description.media[1].attributes.contains("extmap-allow-mixed"))
        #expect(section.attributes.contains("rtcp-rsize"))
        #expect(!description.media[1].attributes.contains("rtcp-rsize"))
        #expect(
            section.attributes.all("rtcp-fb") == ["120 nack", "120 nack pli", "120 ccm fir", "120 transport-cc"]
        )
        #expect(description.media[1].attributes.all("fmtp") == ["109 minptime=10;useinbandfec=1;stereo=1"])
    }

    @Test func `without transport-wide feedback REMB is taken instead`() throws {
        let answer = try answer(Offers.firefoxPublisher, transportCC: false)
        #expect(answer.tracks[0].supportsREMB)
        #expect(answer.tracks[0].transportCCExtension == nil)
        #expect(!answer.sdp.contains("transport"))
    }

    @Test func `an ffmpeg publisher that waits for DTLS gets an active answer`() throws {
        let answer = try answer(Offers.ffmpegPublisher)
        #expect(answer.role == .client)
        #expect(answer.tracks.map(\.description.kind) == [.audio, .video])
        #expect(answer.tracks[1].rtxPayloadType == 105)
        #expect(answer.tracks[1].ssrcs == [2_417_071_249])
        #expect(answer.tracks[1].rtxSSRCs == [2_417_071_250])
        #expect(!answer.tracks[1].supportsPLI)
        let description = try parsed(answer.sdp)
        #expect(description.media.allSatisfy { $0.attributes.first("setup") == "active" })
        #expect(description.media[1].formats == ["106", "105"])
        #expect(
            description.media[1].attributes.all("fmtp") == [
                "106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001e", "105 apt=106",
            ]
        )
    }

    @Test func `a client that is active in DTLS gets a passive answer`() throws {
        let text = Offers.offer([Offers.opus]).replacing("setup:actpass", with: "setup:active")
        let answer = try answer(text)
        #expect(answer.role == .server)
        #expect(answer.sdp.contains("a=setup:passive"))
    }

    @Test func `GStreamer's bundle-only audio at port 0 is taken`() throws {
        let answer = try answer(Offers.gstreamer)
        #expect(answer.tracks.map(\.mid) == ["video0", "audio1"])
        #expect(answer.tracks[1].description.channels == 1)
        #expect(!answer.tracks[0].supportsTransportCC, "there is no extension for it")
        let description = try parsed(answer.sdp)
        #expect(description.group("BUNDLE")?.mids == ["video0", "audio1"])
        #expect(description.media.map(\.port) == [9, 9])
        #expect(description.media.map(\.direction) == [.recvonly, .recvonly])
        #expect(!answer.sdp.contains("bundle-only"))
        #expect(description.media[1].attributes.first("rtpmap") == "97 OPUS/48000/2")
    }

    @Test func `pion's payload type decides only when it sends`() throws {
        var track = try #require(try answer(Offers.pionPublisher).tracks.first)
        #expect(track.description.codec == .vp8)
        #expect(track.supportsREMB)
        #expect(track.alternatives.map(\.payloadType) == [102, 125], "packetization-mode 0 is left out")
        let selectsSingleUnitMode = track.select(payloadType: 127)
        let selectsRetransmission = track.select(payloadType: 121)
        #expect(!selectsSingleUnitMode && !selectsRetransmission)
        #expect(track.description.codec == .vp8)
        let selectsH264 = track.select(payloadType: 102)
        #expect(selectsH264)
        #expect(track.description.codec == .h264)
        #expect(track.rtxPayloadType == 121)
        #expect(track.alternatives.map(\.payloadType) == [96, 125])
        let selectsItAgain = track.select(payloadType: 102)
        #expect(selectsItAgain)
    }

    @Test func `a preferred codec comes first where it is offered`() throws {
        let offer = try SessionOffer(Offers.pionPublisher)
        let answer = try offer.ingestAnswer(local: .forTests, preferring: .h264)
        #expect(answer.tracks.map(\.payloadType) == [102])
        #expect(answer.tracks[0].alternatives.map(\.payloadType) == [125, 96])
        #expect(try parsed(answer.sdp).media[0].formats == ["102", "121", "125", "107", "96", "97"])
        let without = try offer.ingestAnswer(local: .forTests, preferring: .av1)
        #expect(without.tracks.map(\.payloadType) == [96])
    }

    @Test func `packetization-mode 0 is taken where there is nothing else`() throws {
        let text = Offers.offer([
            "m=video 9 UDP/TLS/RTP/SAVPF 96\na=rtpmap:96 H264/90000\na=fmtp:96 profile-level-id=42e01f"
        ])
        let answer = try answer(text)
        #expect(answer.tracks[0].payloadType == 96)
        #expect(answer.sdp.contains("packetization-mode=0"))
    }

    @Test func `simulcast layers are taken in the order of the offer`() throws {
        let text = Offers.offer([
            """
            \(Offers.vp8)
            a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
            a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id
            a=rid:h send
            a=rid:m send pt=96
            a=rid:l send pt=97
            a=rid:r recv
            a=simulcast:send h;~m;l;r;unknown
            """
        ])
        let answer = try answer(text)
        #expect(answer.tracks[0].rids == ["h", "m"])
        #expect(answer.tracks[0].ridExtension == 10)
        #expect(answer.tracks[0].repairedRIDExtension == 11)
        let section = try #require(try parsed(answer.sdp).media.first)
        #expect(section.attributes.all("rid") == ["h recv", "m recv"])
        #expect(section.attributes.first("simulcast") == "recv h;m")
        #expect(section.attributes.all("extmap").count == 2)
    }

    @Test func `layers without the extension that names them are not taken`() throws {
        let answer = try answer(Offers.offer(["\(Offers.vp8)\na=rid:h send\na=rid:l send\na=simulcast:send h;l"]))
        #expect(answer.tracks[0].rids.isEmpty)
        #expect(!answer.sdp.contains("simulcast"))
    }

    @Test func `data channels and receiving sections are rejected in place and leave the bundle`() throws {
        let text = Offers.offer([Offers.dataChannel, "\(Offers.vp8)\na=recvonly", Offers.opus])
        let answer = try answer(text)
        #expect(answer.tracks.map(\.mid) == ["2"])
        let description = try parsed(answer.sdp)
        #expect(description.media.map(\.media) == ["application", "video", "audio"])
        #expect(description.media.map(\.port) == [0, 0, 9])
        #expect(description.media.compactMap(\.mid) == ["0", "1", "2"])
        #expect(description.group("BUNDLE")?.mids == ["2"])
        #expect(description.media[2].attributes.contains("candidate"), "the tag of the bundle has moved")
        #expect(description.media[0].formats == ["webrtc-datachannel"])
        #expect(!description.media[0].attributes.contains("rtcp-mux"))
    }

    @Test func `addresses that take TCP too are offered a second time, after all others`() throws {
        var local = LocalDescription.forTests
        local.acceptsTCP = true
        let answer = try SessionOffer(Offers.gstreamer).ingestAnswer(local: local)
        let candidates = try parsed(answer.sdp).media[0].attributes.all("candidate").map {
            try ICECandidate(parsing: $0)
        }
        #expect(candidates.map(\.transport) == [.udp, .udp, .tcp, .tcp])
        #expect(candidates.map(\.tcpType) == [nil, nil, .passive, .passive])
        #expect(Set(candidates[2...].map(\.address)) == Set(candidates[..<2].map(\.address)))
        let lowestUDP = try #require(candidates[..<2].map(\.priority).min())
        #expect(candidates[2...].allSatisfy { $0.priority < lowestUDP })
    }

    @Test func `only the first bundled section carries candidates, IPv4 before IPv6`() throws {
        let description = try parsed(try answer(Offers.gstreamer).sdp)
        let candidates = description.media[0].attributes.all("candidate")
        try #require(candidates.count == 2)
        #expect(candidates[0].contains(" 1 udp 2130706175 192.0.2.1 8100 typ host"))
        #expect(candidates[1].contains(" 1 udp 2130706431 2001:db8::1 8100 typ host"))
        #expect(description.media[0].attributes.contains("end-of-candidates"))
        #expect(!description.media[1].attributes.contains("candidate"))
        for section in description.media {
            #expect(section.attributes.first("ice-ufrag") == "Local000")
            #expect(section.attributes.first("ice-pwd") == "localpasswordlocalpasswordlocalp")
            #expect(section.attributes.first("fingerprint")?.hasPrefix("sha-256 A5:A5") == true)
        }
    }

    @Test func `a single section without group or mid is answered likewise`() throws {
        let text = Offers.offer([Offers.opus], group: "").replacing("a=mid:0\n", with: "")
        let answer = try answer(text)
        #expect(answer.tracks[0].mid.isEmpty)
        let description = try parsed(answer.sdp)
        #expect(description.group("BUNDLE") == nil)
        #expect(description.media[0].mid == nil)
        #expect(description.media[0].attributes.contains("candidate"))
    }

    @Test func `a picture that we cannot carry is an error even next to sound`() throws {
        let text = Offers.offer([
            Offers.opus, "m=video 9 UDP/TLS/RTP/SAVPF 96 97\na=rtpmap:96 H263/90000\na=rtpmap:97 rtx/90000",
        ])
        #expect(throws: OfferError.noCommonCodec(offered: ["H263"], needed: ["H264", "H265", "VP8", "VP9", "AV1"])) {
            try SessionOffer(text).ingestAnswer(local: .forTests)
        }
    }

    @Test func `sound that we cannot carry costs only itself`() throws {
        let g722 = "m=audio 9 UDP/TLS/RTP/SAVPF 9"
        let answer = try answer(Offers.offer([g722, Offers.vp8]))
        #expect(answer.tracks.map(\.mid) == ["1"])
        #expect(throws: OfferError.noCommonCodec(offered: ["G722"], needed: ["opus", "PCMU", "PCMA"])) {
            try SessionOffer(Offers.offer([g722])).ingestAnswer(local: .forTests)
        }
    }

    @Test func `G.711 needs no mapping, and an Opus of another clock is none`() throws {
        let answer = try answer(Offers.offer(["m=audio 9 UDP/TLS/RTP/SAVPF 96 8\na=rtpmap:96 opus/16000"]))
        #expect(answer.tracks[0].description.codec == .pcma)
        #expect(answer.tracks[0].alternatives.isEmpty)
        #expect(answer.tracks[0].description.channels == 1)
    }

    @Test func `an offer that only receives is no publisher`() throws {
        #expect(throws: OfferError.noMedia) {
            try SessionOffer(Offers.chromiumViewer).ingestAnswer(local: .forTests)
        }
    }

    @Test func `parameters of other codecs come back as offered`() throws {
        let text = Offers.offer([
            """
            m=video 9 UDP/TLS/RTP/SAVPF 96 97 98
            a=rtpmap:96 AV1/90000
            a=fmtp:96 level-idx=5;profile=1;tier=0;x=y
            a=rtpmap:97 VP9/90000
            a=fmtp:97 profile-id=2
            a=rtpmap:98 H265/90000
            a=fmtp:98 level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST
            """,
            "m=audio 9 UDP/TLS/RTP/SAVPF 111\na=rtpmap:111 opus/48000/2\na=fmtp:111 sprop-stereo=1",
        ])
        let description = try parsed(try answer(text).sdp)
        #expect(
            description.media[0].attributes.all("fmtp") == [
                "96 profile=1;level-idx=5;tier=0", "97 profile-id=2",
                "98 profile-id=1;tier-flag=0;level-id=93;tx-mode=SRST",
            ]
        )
        #expect(
            description.media[1].attributes.all("fmtp") == ["111 minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"]
        )
    }
}

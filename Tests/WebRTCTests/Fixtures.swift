import DTLS
import ICE
import Media
import Primitives
import SDP
import WebRTC

/// Offers with the structure of real clients', shortened to one or two payload types of each sort.
enum Offers {
    static let fingerprint = "sha-256 " + (0..<32).map { _ in "5A" }.joined(separator: ":")
    static let transport = """
        a=ice-ufrag:Rem0
        a=ice-pwd:remotepasswordremotepass
        a=fingerprint:\(fingerprint)
        """

    /// Two sections with candidates of their own, RTX, every profile of H.264 and VP9.
    static let chromiumViewer = """
        v=0
        o=- 426975285991329370 2 IN IP4 127.0.0.1
        s=-
        t=0 0
        a=group:BUNDLE 0 1
        a=extmap-allow-mixed
        a=msid-semantic: WMS
        m=video 53686 UDP/TLS/RTP/SAVPF 96 97 98 99 100 101 104 107 102 103 108 109 45 46 47 48 118
        c=IN IP4 127.0.0.1
        a=rtcp:9 IN IP4 0.0.0.0
        a=candidate:1888286845 1 udp 2122194687 127.0.0.1 53686 typ host generation 0 network-id 3 network-cost 50
        a=candidate:2384866537 1 tcp 1518214911 127.0.0.1 9 typ host tcptype active generation 0 network-id 3
        \(transport)
        a=ice-options:trickle
        a=setup:actpass
        a=mid:0
        a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
        a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid
        a=recvonly
        a=rtcp-mux
        a=rtcp-rsize
        a=rtpmap:96 VP8/90000
        a=rtcp-fb:96 goog-remb
        a=rtcp-fb:96 transport-cc
        a=rtcp-fb:96 ccm fir
        a=rtcp-fb:96 nack
        a=rtcp-fb:96 nack pli
        a=rtpmap:97 rtx/90000
        a=fmtp:97 apt=96
        a=rtpmap:98 VP9/90000
        a=fmtp:98 profile-id=0
        a=rtpmap:99 rtx/90000
        a=fmtp:99 apt=98
        a=rtpmap:100 VP9/90000
        a=fmtp:100 profile-id=2
        a=rtpmap:101 rtx/90000
        a=fmtp:101 apt=100
        a=rtpmap:104 H264/90000
        a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f
        a=rtpmap:107 rtx/90000
        a=fmtp:107 apt=104
        a=rtpmap:102 H264/90000
        a=rtcp-fb:102 goog-remb
        a=rtcp-fb:102 transport-cc
        a=rtcp-fb:102 ccm fir
        a=rtcp-fb:102 nack
        a=rtcp-fb:102 nack pli
        a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
        a=rtpmap:103 rtx/90000
        a=fmtp:103 apt=102
        a=rtpmap:108 H264/90000
        a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
        a=rtpmap:109 rtx/90000
        a=fmtp:109 apt=108
        a=rtpmap:45 AV1/90000
        a=fmtp:45 level-idx=5;profile=0;tier=0
        a=rtpmap:46 rtx/90000
        a=fmtp:46 apt=45
        a=rtpmap:47 AV1/90000
        a=fmtp:47 level-idx=5;profile=1;tier=0
        a=rtpmap:48 rtx/90000
        a=fmtp:48 apt=47
        a=rtpmap:118 red/90000
        m=audio 58226 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110
        c=IN IP4 127.0.0.1
        \(transport)
        a=setup:actpass
        a=mid:1
        a=recvonly
        a=rtcp-mux
        a=rtpmap:111 opus/48000/2
        a=rtcp-fb:111 transport-cc
        a=fmtp:111 minptime=10;useinbandfec=1
        a=rtpmap:63 red/48000/2
        a=fmtp:63 111/111
        a=rtpmap:9 G722/8000
        a=rtpmap:0 PCMU/8000
        a=rtpmap:8 PCMA/8000
        a=rtpmap:13 CN/8000
        a=rtpmap:110 telephone-event/48000

        """

    /// Session-level fingerprint and direction, the VP8 that is all Firefox has here, feedback for absent formats.
    static let firefoxPublisher = """
        v=0
        o=mozilla...THIS_IS_SDPARTA-99.0 4342426235905625173 0 IN IP4 0.0.0.0
        s=-
        t=0 0
        a=sendrecv
        a=fingerprint:\(fingerprint)
        a=group:BUNDLE 0 1
        a=ice-options:trickle
        m=video 58652 UDP/TLS/RTP/SAVPF 120
        c=IN IP4 192.0.2.2
        a=candidate:0 1 UDP 2122187007 192.0.2.2 58652 typ host
        a=candidate:0 2 UDP 2122187006 192.0.2.2 49708 typ host
        a=sendonly
        a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
        a=extmap:6/recvonly http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time
        a=extmap:7 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
        a=extmap-allow-mixed
        a=fmtp:120 max-fs=12288;max-fr=60
        a=ice-pwd:remotepasswordremotepass
        a=ice-ufrag:Rem0
        a=mid:0
        a=msid:- {be934886-d29f-44e9-950b-2e7f06e324cf}
        a=rtcp-fb:120 nack
        a=rtcp-fb:120 nack pli
        a=rtcp-fb:120 ccm fir
        a=rtcp-fb:120 goog-remb
        a=rtcp-fb:120 transport-cc
        a=rtcp-fb:121 nack
        a=rtcp-mux
        a=rtcp-rsize
        a=rtpmap:120 VP8/90000
        a=setup:actpass
        a=ssrc:3972460523 cname:{7dd0de53-da4d-40ae-be90-e0d541d6693d}
        a=ssrc:341991180 cname:{7dd0de53-da4d-40ae-be90-e0d541d6693d}
        a=ssrc-group:FID 3972460523 341991180
        m=audio 39275 UDP/TLS/RTP/SAVPF 109 9 101
        c=IN IP4 192.0.2.2
        a=sendonly
        a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1
        a=fmtp:101 0-15
        a=ice-pwd:remotepasswordremotepass
        a=ice-ufrag:Rem0
        a=mid:1
        a=rtcp-mux
        a=rtpmap:109 opus/48000/2
        a=rtpmap:9 G722/8000/1
        a=rtpmap:101 telephone-event/8000
        a=setup:actpass
        a=ssrc:824342271 cname:{7dd0de53-da4d-40ae-be90-e0d541d6693d}

        """

    /// `setup:passive`, audio first, no candidates, a retransmission stream named in the group only.
    static let ffmpegPublisher = """
        v=0
        o=FFmpeg 4489045141692799359 2 IN IP4 127.0.0.1
        s=FFmpegPublishSession
        t=0 0
        a=group:BUNDLE 0 1
        a=extmap-allow-mixed
        m=audio 9 UDP/TLS/RTP/SAVPF 111
        c=IN IP4 0.0.0.0
        \(transport)
        a=setup:passive
        a=mid:0
        a=sendonly
        a=msid:FFmpeg audio
        a=rtcp-mux
        a=rtpmap:111 opus/48000/2
        a=ssrc:2417071248 cname:FFmpeg
        m=video 9 UDP/TLS/RTP/SAVPF 106 105
        c=IN IP4 0.0.0.0
        \(transport)
        a=setup:passive
        a=mid:1
        a=sendonly
        a=rtcp-mux
        a=rtcp-rsize
        a=rtpmap:106 H264/90000
        a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001e
        a=rtcp-fb:106 nack
        a=rtpmap:105 rtx/90000
        a=fmtp:105 apt=106
        a=ssrc-group:FID 2417071249 2417071250
        a=ssrc:2417071249 cname:FFmpeg

        """

    /// Bundle-only audio at port 0, `sendrecv`, word mids, `OPUS` in capitals.
    static let gstreamer = """
        v=0
        o=- 6766940228695989137 0 IN IP4 0.0.0.0
        s=-
        t=0 0
        a=ice-options:trickle
        a=group:BUNDLE video0 audio1
        m=video 9 UDP/TLS/RTP/SAVPF 96
        c=IN IP4 0.0.0.0
        a=setup:actpass
        \(transport)
        a=rtcp-mux
        a=rtcp-rsize
        a=sendrecv
        a=rtpmap:96 H264/90000
        a=rtcp-fb:96 nack pli
        a=rtcp-fb:96 ccm fir
        a=rtcp-fb:96 transport-cc
        a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LA,aM48;profile-level-id=42c01e;level-asymmetry-allowed=1
        a=ssrc:3016429013 cname:user1
        a=mid:video0
        a=rtcp-mux-only
        m=audio 0 UDP/TLS/RTP/SAVPF 97
        c=IN IP4 0.0.0.0
        a=setup:actpass
        \(transport)
        a=bundle-only
        a=rtcp-mux
        a=sendrecv
        a=rtpmap:97 OPUS/48000/2
        a=fmtp:97 sprop-stereo=0;sprop-maxcapturerate=48000
        a=ssrc:3799927023 cname:user1
        a=mid:audio1

        """

    /// Every codec it knows whichever it sends, trailing spaces, session-level fingerprint.
    static let pionPublisher = """
        v=0
        o=- 6141081856339777959 1795383755 IN IP4 0.0.0.0
        s=-
        t=0 0
        a=fingerprint:\(fingerprint)
        a=extmap-allow-mixed
        a=group:BUNDLE 0
        m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 121 127 120 125 107 116
        c=IN IP4 0.0.0.0
        a=setup:actpass
        a=mid:0
        a=ice-ufrag:Rem0
        a=ice-pwd:remotepasswordremotepass
        a=rtcp-mux
        a=rtcp-rsize
        a=rtpmap:96 VP8/90000
        a=rtcp-fb:96 goog-remb 
        a=rtcp-fb:96 nack 
        a=rtcp-fb:96 nack pli
        a=rtpmap:97 rtx/90000
        a=fmtp:97 apt=96
        a=rtpmap:102 H264/90000
        a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
        a=rtcp-fb:102 nack 
        a=rtpmap:121 rtx/90000
        a=fmtp:121 apt=102
        a=rtpmap:127 H264/90000
        a=fmtp:127 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f
        a=rtpmap:120 rtx/90000
        a=fmtp:120 apt=127
        a=rtpmap:125 H264/90000
        a=fmtp:125 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
        a=rtpmap:107 rtx/90000
        a=fmtp:107 apt=125
        a=rtpmap:116 ulpfec/90000
        a=ssrc:1583404828 cname:pion
        a=msid:pion video
        a=sendonly

        """

    static let all = [chromiumViewer, firefoxPublisher, ffmpegPublisher, gstreamer, pionPublisher]

    /// An offer of one bundle whose sections are given by their own lines; transport, mid and mux are added.
    static func offer(_ sections: [String], group: String? = nil, session: String = "") -> String {
        let mids = group ?? "BUNDLE " + sections.indices.map(String.init).joined(separator: " ")
        var text = "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\n"
        if !mids.isEmpty { text += "a=group:\(mids)\n" }
        text += session
        for (index, section) in sections.enumerated() {
            let lines = section.split(separator: "\n", maxSplits: 1)
            text += "\(lines[0])\n\(transport)\na=setup:actpass\na=mid:\(index)\na=rtcp-mux\n"
            if lines.count == 2 { text += "\(lines[1])\n" }
        }
        return text
    }

    static let opus = "m=audio 9 UDP/TLS/RTP/SAVPF 111\na=rtpmap:111 opus/48000/2"
    static let vp8 = "m=video 9 UDP/TLS/RTP/SAVPF 96\na=rtpmap:96 VP8/90000"
    static let dataChannel = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=sctp-port:5000"
}

extension LocalDescription {
    static let forTests = LocalDescription(
        credentials: ICECredentials(
            usernameFragment: "Local000",
            password: Secret("localpasswordlocalpasswordlocalp")
        ),
        fingerprint: Fingerprint(algorithm: .sha256, bytes: Array(repeating: 0xA5, count: 32)),
        candidates: [
            TransportAddress(high: 0x2001_0DB8_0000_0000, low: 1, port: 8100),
            TransportAddress(ipv4: 0xC000_0201, port: 8100),
        ],
        sessionID: 42,
        canonicalName: "cname42",
        firstSSRC: 1000
    )

    /// The other side of tests in which both are ours.
    static let serverForTests: LocalDescription = {
        var local = LocalDescription.forTests
        local.credentials = ICECredentials(usernameFragment: "Server00", password: Secret("serverpasswordserverpass"))
        local.firstSSRC = 7000
        return local
    }()
}

extension SessionOffer {
    init(_ text: String) throws(OfferError) {
        try self.init(parsing: Array(text.utf8))
    }
}

/// What an answer looks like to its reader.
func parsed(_ sdp: String) throws -> SessionDescription {
    try SessionDescription(parsing: Array(sdp.utf8))
}

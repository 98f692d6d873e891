import ICE
import Primitives
import SDP

/// An offer such as a browser makes, of a session that nobody means to connect.
struct ProbeOffer: Sendable {
    enum Codecs {
        /// What browsers have.
        case usual
        /// What nobody has.
        case unknown
    }

    let description: SessionDescription
    let credentials: ICECredentials

    /// An audio and a video section.
    ///
    /// - Parameters:
    ///   - kind: Whether to offer to send or to receive.
    ///   - codecs: What to offer.
    ///   - isBundled: Without a BUNDLE group servers have to refuse the offer, or to make one of their own.
    ///   - generator: Makes names, passwords and the fingerprint of a certificate that does not exist.
    init(
        _ kind: EndpointKind, codecs: Codecs = .usual, isBundled: Bool = true,
        using generator: inout some RandomNumberGenerator
    ) {
        credentials = ICECredentials(using: &generator)
        let fingerprint = (0..<32).map { _ in Self.hexadecimal(generator.next()) }.joined(separator: ":")
        var description = SessionDescription(
            origin: SDPOrigin(sessionID: String(generator.next() >> 2), address: "IN IP4 127.0.0.1"))
        if isBundled {
            description.attributes.append("group", MediaGroup(semantics: "BUNDLE", mids: ["0", "1"]).value)
        }
        description.attributes.append("extmap-allow-mixed")
        for (mid, media) in [Self.audio(codecs), Self.video(codecs)].enumerated() {
            var section = media
            var attributes = SDPAttributes()
            attributes.append("ice-ufrag", credentials.usernameFragment)
            attributes.append("ice-pwd", credentials.password.revealed)
            attributes.append("ice-options", "trickle ice2")
            attributes.append("fingerprint", "sha-256 \(fingerprint)")
            attributes.append("setup", SetupRole.actpass.rawValue)
            attributes.append("mid", String(mid))
            attributes.append(kind == .whip ? "sendonly" : "recvonly")
            attributes.append("rtcp-mux")
            attributes.append("rtcp-mux-only")
            attributes.append("rtcp-rsize")
            attributes.append("extmap", "1 urn:ietf:params:rtp-hdrext:sdes:mid")
            if kind == .whip {
                let ssrc = UInt32(truncatingIfNeeded: generator.next()) | 1
                attributes.append("msid", "conformance \(media.media)")
                attributes.append("ssrc", "\(ssrc) cname:conformance")
            }
            section.attributes.elements = attributes.elements + media.attributes.elements
            description.media.append(section)
        }
        self.description = description
    }

    var text: String { description.text }

    /// A fragment for the section that speaks for the bundle (RFC 8840 §4.4).
    func fragment(_ credentials: ICECredentials, candidates: [String]) -> String {
        Self.fragment(mid: description.media.first?.mid, credentials, candidates: candidates)
    }

    /// A fragment for one section.
    ///
    /// - Parameters:
    ///   - mid: Which one.
    ///   - credentials: Those of the offer to trickle, others to restart.
    ///   - candidates: Values of `a=candidate`.
    /// - Returns: The body of a PATCH.
    static func fragment(mid: String?, _ credentials: ICECredentials, candidates: [String]) -> String {
        var section = SDPFragment.Section(mid: mid)
        section.attributes.append("ice-ufrag", credentials.usernameFragment)
        section.attributes.append("ice-pwd", credentials.password.revealed)
        for candidate in candidates { section.attributes.append("candidate", candidate) }
        section.attributes.append("end-of-candidates")
        return SDPFragment(sections: [section]).text
    }

    /// In a network for documentation (RFC 5737): whatever the server sends there reaches nobody.
    static let candidates = ["1387637174 1 udp 2122260223 192.0.2.1 61764 typ host"]

    /// Another transport, names that nobody can resolve, and TCP.
    static let oddCandidates = [
        "1 1 sctp 2122260223 192.0.2.1 61764 typ host",
        "2 1 udp 2122260222 c7a3a0f2-7b3c-4b5e-9d1e-conformance.local 61764 typ host",
        "3 1 udp 2122260221 conformance.invalid 61764 typ host",
        "4 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active",
    ]

    private static func hexadecimal(_ random: UInt64) -> String {
        let text = String(random >> 56, radix: 16, uppercase: true)
        return text.utf8.count == 1 ? "0" + text : text
    }

    private static func audio(_ codecs: Codecs) -> MediaDescription {
        switch codecs {
        case .usual:
            section(
                "audio", formats: ["111", "0", "8"],
                [
                    ("rtpmap", "111 opus/48000/2"), ("fmtp", "111 minptime=10;useinbandfec=1"),
                    ("rtpmap", "0 PCMU/8000"), ("rtpmap", "8 PCMA/8000"),
                ])
        case .unknown: section("audio", formats: ["112"], [("rtpmap", "112 X-NONE/48000/2")])
        }
    }

    private static func video(_ codecs: Codecs) -> MediaDescription {
        guard codecs == .usual else { return section("video", formats: ["96"], [("rtpmap", "96 X-NONE/90000")]) }
        // Each with a payload type for its retransmissions behind it.
        let usual = [
            (96, "H264/90000", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"),
            (98, "H264/90000", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f"),
            (100, "H264/90000", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f"),
            (102, "VP8/90000", ""), (104, "VP9/90000", "profile-id=0"), (106, "AV1/90000", ""), (108, "H265/90000", ""),
        ]
        var attributes: [(String, String)] = []
        for (payloadType, map, parameters) in usual {
            attributes.append(("rtpmap", "\(payloadType) \(map)"))
            for feedback in ["ccm fir", "nack", "nack pli", "goog-remb", "transport-cc"] {
                attributes.append(("rtcp-fb", "\(payloadType) \(feedback)"))
            }
            if !parameters.isEmpty { attributes.append(("fmtp", "\(payloadType) \(parameters)")) }
            attributes.append(("rtpmap", "\(payloadType + 1) rtx/90000"))
            attributes.append(("fmtp", "\(payloadType + 1) apt=\(payloadType)"))
        }
        attributes += [
            ("extmap", "2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
            ("extmap", "3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
        ]
        return section("video", formats: usual.flatMap { [String($0.0), String($0.0 + 1)] }, attributes)
    }

    private static func section(
        _ media: String, formats: [String], _ attributes: [(String, String)]
    ) -> MediaDescription {
        MediaDescription(
            media: media, port: 9, transport: "UDP/TLS/RTP/SAVPF", formats: formats, connection: "IN IP4 0.0.0.0",
            attributes: SDPAttributes(attributes.map { SDPAttribute($0.0, $0.1) }))
    }
}

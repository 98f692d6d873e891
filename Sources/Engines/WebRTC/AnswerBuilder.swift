import DTLS
import ICE
import Primitives
import RTP
import SDP

/// Puts an answer together: the parts that ingest and playback have in common.
struct AnswerBuilder {
    let offer: SessionOffer
    let local: LocalDescription

    /// Writes the answer: one section for each of the offer's, in its order (RFC 3264 §6).
    ///
    /// - Parameter accepted: The sections that are not rejected, by index into the offer's.
    /// - Returns: The text, with CRLF line ends.
    func answer(accepting accepted: [Int: MediaDescription]) -> String {
        let group = offer.bundle.filter { accepted[$0] != nil }
        var description = SessionDescription(origin: SDPOrigin(sessionID: String(local.sessionID)))
        if local.isLite { description.attributes.append("ice-lite") }
        if offer.hasBundleGroup, !group.isEmpty {
            let mids = group.compactMap { offer.sections[$0].mid }
            description.attributes.append("group", MediaGroup(semantics: "BUNDLE", mids: mids).value)
        }
        if offer.allowsMixedExtensions { description.attributes.append("extmap-allow-mixed") }
        for index in offer.sections.indices {
            guard var section = accepted[index] else {
                description.media.append(rejection(of: offer.sections[index]))
                continue
            }
            // RFC 8839 §4.2.1.1 with RFC 9143 §7.1.3: only the tagged section of a bundle carries candidates.
            if index == group.first {
                for candidate in local.candidateValues { section.attributes.append("candidate", candidate) }
                section.attributes.append("end-of-candidates")
            }
            description.media.append(section)
        }
        return description.text
    }

    /// An accepted section with transport, direction and multiplexing; codecs and streams are the caller's to add.
    func section(
        for offered: OfferedSection,
        payloadTypes: [UInt8],
        direction: MediaDirection
    ) -> MediaDescription {
        var section = MediaDescription(
            media: offered.media.media,
            port: 9,
            transport: offered.media.transport,
            formats: payloadTypes.map { String($0) },
            connection: "IN IP4 0.0.0.0"
        )
        appendTransport(to: &section.attributes, mid: offered.mid)
        section.attributes.append(direction.rawValue)
        section.attributes.append("rtcp-mux")
        if offered.media.attributes.contains("rtcp-rsize") { section.attributes.append("rtcp-rsize") }
        if !offer.allowsMixedExtensions, offered.media.attributes.contains("extmap-allow-mixed") {
            section.attributes.append("extmap-allow-mixed")
        }
        return section
    }

    /// A rejected section: port 0.
    ///
    /// It keeps mid and transport attributes, which RFC 3264 ignores here: aiortc and GStreamer refuse an answer
    /// with any section that lacks them. It keeps the mapping of its format, which Pion looks up all the same.
    private func rejection(of offered: OfferedSection) -> MediaDescription {
        let format = offered.media.formats.first ?? "0"
        var section = MediaDescription(
            media: offered.media.media,
            port: 0,
            transport: offered.media.transport,
            formats: [format],
            connection: "IN IP4 0.0.0.0"
        )
        appendTransport(to: &section.attributes, mid: offered.mid)
        if offered.kind != nil {
            section.attributes.append("inactive")
            section.attributes.append("rtcp-mux")
            let maps = offered.media.attributes.all("rtpmap").compactMap { RTPMap(parsing: $0) }
            if let map = maps.first(where: { String($0.payloadType) == format }) {
                section.attributes.append("rtpmap", map.value)
            }
        }
        return section
    }

    private func appendTransport(to attributes: inout SDPAttributes, mid: String?) {
        attributes.append("ice-ufrag", local.credentials.usernameFragment)
        attributes.append("ice-pwd", local.credentials.password.revealed)
        attributes.append("fingerprint", local.fingerprint.sdp)
        attributes.append("setup", offer.role == .server ? "passive" : "active")
        if let mid { attributes.append("mid", mid) }
    }
}

extension SDPAttributes {
    /// Describes a payload type: its mapping, feedback and parameters, and those of its retransmissions.
    mutating func appendFormat(
        _ map: RTPMap,
        feedback: [String],
        parameters: [FormatParameters.Parameter],
        rtxPayloadType: UInt8?
    ) {
        append("rtpmap", map.value)
        for kind in feedback { append("rtcp-fb", RTCPFeedback(payloadType: map.payloadType, kind: kind).value) }
        if !parameters.isEmpty {
            append("fmtp", FormatParameters(payloadType: map.payloadType, parameters: parameters).value)
        }
        guard let rtxPayloadType else { return }
        append("rtpmap", RTPMap(payloadType: rtxPayloadType, encodingName: "rtx", clockRate: map.clockRate).value)
        append("fmtp", "\(rtxPayloadType) apt=\(map.payloadType)")
    }

    /// Agrees to header extensions, leaving out those without an id.
    mutating func appendExtensions(_ extensions: [(id: UInt8?, uri: HeaderExtensionURI)]) {
        for case (let id?, let uri) in extensions {
            append("extmap", HeaderExtensionMap(id: UInt16(id), uri: uri.rawValue).value)
        }
    }

    /// Announces one of our own streams, and that of its retransmissions (RFC 5576, RFC 8830).
    mutating func appendStream(ssrc: UInt32, rtxSSRC: UInt32?, canonicalName: String, msid: String) {
        append("msid", msid)
        if let rtxSSRC { append("ssrc-group", SSRCGroup(semantics: "FID", ssrcs: [ssrc, rtxSSRC]).value) }
        for ssrc in [ssrc, rtxSSRC].compactMap(\.self) {
            append("ssrc", SSRCAttribute(ssrc: ssrc, name: "cname", value: canonicalName).text)
            append("ssrc", SSRCAttribute(ssrc: ssrc, name: "msid", value: msid).text)
        }
    }
}

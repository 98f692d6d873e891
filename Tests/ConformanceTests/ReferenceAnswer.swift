import Conformance
import SDP

/// The session descriptions of the reference server.
struct ReferenceAnswer {
    let description: SessionDescription
    let local: [String]
    private let offer: SessionDescription

    /// Takes H.264, VP8 and Opus.
    init(_ offer: SessionDescription, _ kind: EndpointKind, local: [String]) {
        self.offer = offer
        self.local = local
        var answer = SessionDescription(origin: SDPOrigin(sessionID: "1"))
        let mids = offer.media.compactMap(\.mid)
        answer.attributes.append("group", MediaGroup(semantics: "BUNDLE", mids: mids).value)
        answer.attributes.append("ice-lite")
        for media in offer.media {
            let maps = media.attributes.all("rtpmap").compactMap { RTPMap(parsing: $0) }
            let chosen = maps.first { ["H264", "VP8", "opus"].contains($0.encodingName) }
            var section = MediaDescription(
                media: media.media, port: chosen == nil ? 0 : 9, transport: media.transport,
                formats: [chosen.map { String($0.payloadType) } ?? media.formats.first ?? "0"],
                connection: "IN IP4 0.0.0.0", attributes: Self.transport(local, setup: "passive"))
            section.attributes.append("mid", media.mid)
            section.attributes.append(kind == .whip ? "recvonly" : "sendonly")
            section.attributes.append("rtcp-mux")
            section.attributes.append("extmap", "1 urn:ietf:params:rtp-hdrext:sdes:mid")
            if let chosen { section.attributes.append("rtpmap", chosen.value) }
            if kind == .whep { section.attributes.append("msid", "reference \(media.media)") }
            answer.media.append(section)
        }
        description = answer
    }

    var isPossible: Bool { description.media.contains { $0.port != 0 } }

    /// What the server would rather be asked: one bundle.
    var counterOffer: SessionDescription {
        var offer = description
        for index in offer.media.indices {
            offer.media[index].attributes.elements.removeAll { $0.name == "setup" }
            offer.media[index].attributes.append("setup", "actpass")
        }
        return offer
    }

    static func credentials(_ description: SessionDescription) -> [String] {
        ["ice-ufrag", "ice-pwd"].compactMap { description.inherited($0, inMediaSection: 0) }
    }

    /// The answer to a restart.
    static func fragment(_ local: [String]) -> String {
        var fragment = SDPFragment()
        fragment.attributes.append("ice-lite")
        fragment.attributes.append("ice-options", "trickle ice2")
        var section = SDPFragment.Section(mid: "0")
        section.attributes.append("ice-ufrag", local[0])
        section.attributes.append("ice-pwd", local[1])
        section.attributes.append("candidate", "1 1 udp 2130706431 192.0.2.9 8100 typ host")
        fragment.sections = [section]
        return fragment.text
    }

    private static func transport(_ local: [String], setup: String) -> SDPAttributes {
        var attributes = SDPAttributes()
        attributes.append("ice-ufrag", local[0])
        attributes.append("ice-pwd", local[1])
        attributes.append("ice-options", "trickle ice2")
        attributes.append("fingerprint", "sha-256 " + Array(repeating: "AB", count: 32).joined(separator: ":"))
        attributes.append("setup", setup)
        attributes.append("candidate", "1 1 udp 2130706431 192.0.2.9 8100 typ host")
        return attributes
    }
}

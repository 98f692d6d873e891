import DTLS
import ICE
package import Media
import Primitives
import SDP

/// The offer of one of our own clients, which publishes by WHIP or watches by WHEP.
package struct ClientOffer: Sendable {
    /// The offer, with CRLF line ends.
    package let sdp: String
    let sections: [ClientSection]
    let local: LocalDescription

    /// Whether we send; otherwise we receive.
    package var publishes: Bool { sections.contains { $0.direction == .sendonly } }

    /// Offers to send `tracks`, each with the one codec that it has.
    ///
    /// Tracks with a codec that does not travel over RTP (AAC) are left out.
    package static func publishing(_ tracks: [TrackDescription], local: LocalDescription) -> ClientOffer {
        var payloadTypes = PayloadTypeSequence()
        var numbers = SSRCSequence(first: local.firstSSRC)
        var sections: [ClientSection] = []
        for (index, track) in tracks.enumerated() {
            guard let format = payloadTypes.format(for: track) else { continue }
            sections.append(
                ClientSection(
                    mid: String(sections.count),
                    kind: track.kind,
                    trackIndex: index,
                    direction: .sendonly,
                    formats: [format],
                    ssrc: numbers.next(),
                    rtxSSRC: format.rtxPayloadType == nil ? nil : numbers.next()
                )
            )
        }
        return ClientOffer(sections: sections, local: local)
    }

    /// Offers to receive a picture and sound, in codecs that are given in order of preference.
    ///
    /// - Parameters:
    ///   - codecs: Those of one kind may be left out, and then that kind is not asked for.
    ///   - local: Our half of the negotiation.
    /// - Returns: The offer, with at most one video and one audio section.
    package static func playing(
        codecs: [Codec] = [.h264, .vp8, .vp9, .av1, .h265, .opus, .pcmu, .pcma],
        local: LocalDescription
    ) -> ClientOffer {
        var payloadTypes = PayloadTypeSequence()
        var sections: [ClientSection] = []
        for kind in [MediaKind.video, .audio] {
            let formats = codecs.filter { $0.kind == kind }.flatMap(descriptions).compactMap {
                payloadTypes.format(for: $0)
            }
            guard !formats.isEmpty else { continue }
            sections.append(
                ClientSection(
                    mid: String(sections.count),
                    kind: kind,
                    trackIndex: sections.count,
                    direction: .recvonly,
                    formats: formats
                )
            )
        }
        return ClientOffer(sections: sections, local: local)
    }

    /// What to offer for a codec: other gateways than ours look for the very H.264 profile.
    private static func descriptions(_ codec: Codec) -> [TrackDescription] {
        switch codec {
        case .h264:
            ["42e01f", "64001f", "4d001f"].map {
                TrackDescription(codec: codec, formatParameters: ["profile-level-id": $0])
            }
        case .opus: [TrackDescription(codec: codec, channels: 2)]
        default: [TrackDescription(codec: codec)]
        }
    }

    private init(sections: [ClientSection], local: LocalDescription) {
        self.sections = sections
        self.local = local
        var description = SessionDescription(origin: SDPOrigin(sessionID: String(local.sessionID)))
        description.attributes.append(
            "group",
            MediaGroup(semantics: "BUNDLE", mids: sections.map(\.mid)).value
        )
        for (index, section) in sections.enumerated() {
            var media = section.description(local: local)
            if index == 0 {
                for candidate in local.candidateValues { media.attributes.append("candidate", candidate) }
                media.attributes.append("end-of-candidates")
            }
            description.media.append(media)
        }
        sdp = description.text
    }
}

/// A media section of our own offer.
struct ClientSection: Sendable {
    var mid: String
    var kind: MediaKind
    /// Index into the tracks to publish; the section's own index when watching.
    var trackIndex: Int
    var direction: MediaDirection
    var formats: [ClientFormat]
    var ssrc: UInt32?
    var rtxSSRC: UInt32?

    func description(local: LocalDescription) -> MediaDescription {
        let payloadTypes = formats.flatMap { [$0.payloadType] + ($0.rtxPayloadType.map { [$0] } ?? []) }
        var media = MediaDescription(
            media: kind.rawValue,
            port: 9,
            transport: "UDP/TLS/RTP/SAVPF",
            formats: payloadTypes.map { String($0) },
            connection: "IN IP4 0.0.0.0"
        )
        media.attributes.append("ice-ufrag", local.credentials.usernameFragment)
        media.attributes.append("ice-pwd", local.credentials.password.revealed)
        media.attributes.append("fingerprint", local.fingerprint.sdp)
        media.attributes.append("setup", SetupRole.actpass.rawValue)
        media.attributes.append("mid", mid)
        media.attributes.append(direction.rawValue)
        media.attributes.append("rtcp-mux")
        media.attributes.append("rtcp-rsize")
        for format in formats { format.append(to: &media.attributes) }
        if let ssrc {
            media.attributes.appendStream(
                ssrc: ssrc,
                rtxSSRC: rtxSSRC,
                canonicalName: local.canonicalName,
                msid: "\(SessionOffer.streamID) \(kind.rawValue)\(trackIndex)"
            )
        }
        return media
    }
}

import DTLS
import ICE
package import Media
import Primitives
import RTP
import SDP

/// What the gateway offers itself to somebody whose own offer cannot be answered as it stands (WHEP, "Server Sends
/// Counter-offer").
package struct CounterOffer: Sendable {
    /// The offer, with CRLF line ends.
    package let sdp: String
    let sections: [Section]

    /// A track as it is offered.
    struct Section: Sendable {
        var mid: String
        /// Index into the tracks that the offer was made for.
        var trackIndex: Int
        var format: ClientFormat
        var ssrc: UInt32
        var rtxSSRC: UInt32?

        /// Whether the other end is a gateway too, which takes both forms of header extensions.
        var isLinked = false

        var description: TrackDescription { format.description }
    }

    /// Ids of header extensions, the same in all sections as in a bundle they have to be (RFC 9143 §7).
    static let transportCCExtension: UInt8 = 1
    static let playoutDelayExtension: UInt8 = 2
    static let captureTimeExtension: UInt8 = 3
    static let dependencyDescriptorExtension: UInt8 = 4

    /// Offers the first track of each kind, but for those that the client has said it cannot play.
    ///
    /// A kind that the client's offer does not speak of is offered: the answer can reject it.
    ///
    /// - Parameters:
    ///   - offer: What cannot be answered.
    ///   - tracks: What the stream has.
    ///   - local: The gateway's half of the negotiation.
    /// - Throws: ``OfferError/noCommonCodec(offered:needed:)`` when the client speaks of video and can play none of the
    ///   stream's, or cannot play the only kind that there is; ``OfferError/iceLite`` and ``OfferError/malformed(_:)``
    ///   for clients that no offer would help.
    package init(
        insteadOf offer: [UInt8],
        tracks: [TrackDescription],
        local: LocalDescription
    ) throws(OfferError) {
        let description: SessionDescription
        do {
            description = try SessionDescription(parsing: offer)
        } catch {
            throw .malformed(error.detail)
        }
        guard !description.attributes.contains("ice-lite") else { throw .iceLite }
        let wishes = try Self.sections(of: description)
        var payloadTypes = PayloadTypeSequence()
        var numbers = SSRCSequence(first: local.firstSSRC)
        var sections: [Section] = []
        var refused: (offered: [String], needed: [String])?
        for kind in [MediaKind.video, .audio] {
            guard let index = tracks.firstIndex(where: { $0.kind == kind }) else { continue }
            let wished = wishes.filter { $0.kind == kind }
            let match = Self.match(wished.flatMap(\.formats), with: tracks[index])
            guard wished.isEmpty || match != nil,
                let format = payloadTypes.format(for: Self.description(of: tracks[index], as: match))
            else {
                let lack = (wished.flatMap(\.codecNames), [tracks[index].codecName])
                // Sound without its picture is not what a viewer came for; a picture without its sound may be.
                guard kind == .audio else { throw .noCommonCodec(offered: lack.0, needed: lack.1) }
                refused = lack
                continue
            }
            sections.append(
                Section(
                    mid: String(sections.count),
                    trackIndex: index,
                    format: payloadTypes.withRedundancy(format),
                    ssrc: numbers.next(),
                    rtxSSRC: format.rtxPayloadType == nil ? nil : numbers.next()
                )
            )
        }
        guard !sections.isEmpty else {
            if let refused { throw .noCommonCodec(offered: refused.offered, needed: refused.needed) }
            throw .noMedia
        }
        self.sections = sections
        sdp =
            Self.description(sections.map { $0.media(local: local, name: $0.plainName) }, of: sections, local: local)
            .text
    }

    private static func sections(of description: SessionDescription) throws(OfferError) -> [OfferedSection] {
        var sections: [OfferedSection] = []
        for media in description.media { sections.append(try OfferedSection(media, session: description)) }
        return sections
    }

    private static func match(_ formats: [OfferedFormat], with track: TrackDescription) -> OfferedFormat? {
        let ranked = formats.compactMap { format in format.rank(for: track).map { ($0, format) } }
        return ranked.min { $0.0 < $1.0 }?.1
    }

    /// The track by the name of the profile under which the client knows it: browsers decode more than they list, and
    /// reject an offer of what they do not list.
    private static func description(of track: TrackDescription, as match: OfferedFormat?) -> TrackDescription {
        guard track.codec == .h264, let profile = match?["profile-level-id"] else { return track }
        var description = track
        description.formatParameters["profile-level-id"] = profile
        return description
    }

    /// The whole of an offer, with candidates where they belong.
    static func description(
        _ media: [MediaDescription], of sections: [Section], local: LocalDescription
    ) -> SessionDescription {
        var description = SessionDescription(origin: SDPOrigin(sessionID: String(local.sessionID)))
        description.attributes.append("ice-lite")
        description.attributes.append("group", MediaGroup(semantics: "BUNDLE", mids: sections.map(\.mid)).value)
        for var media in media {
            // RFC 9143 §7.1.3: the first section speaks for the bundle.
            if description.media.isEmpty {
                for candidate in local.candidateValues { media.attributes.append("candidate", candidate) }
                media.attributes.append("end-of-candidates")
            }
            description.media.append(media)
        }
        return description
    }
}

extension CounterOffer.Section {
    /// The section for a browser; `name` is the stream's and the track's (RFC 8830), `nil` while it carries nothing.
    func media(local: LocalDescription, name: String?) -> MediaDescription {
        let extensions: [(id: UInt8?, uri: HeaderExtensionURI)] = [
            (CounterOffer.transportCCExtension, .transportSequenceNumber),
            (description.kind == .video ? CounterOffer.playoutDelayExtension : nil, .playoutDelay),
            (CounterOffer.captureTimeExtension, .absoluteCaptureTime),
        ]
        return media(local: local, setup: .actpass, extensions: extensions, feedback: feedback, name: name)
    }

    /// The names under which a stream's only tracks are known.
    var plainName: String { "\(SessionOffer.streamID) \(description.kind.rawValue)\(trackIndex)" }

    /// The section as it is offered, with what depends on the other end.
    func media(
        local: LocalDescription,
        setup: SetupRole,
        extensions: [(id: UInt8?, uri: HeaderExtensionURI)],
        feedback: [String],
        name: String?
    ) -> MediaDescription {
        var media = MediaDescription(
            media: description.kind.rawValue,
            port: 9,
            transport: "UDP/TLS/RTP/SAVPF",
            formats: format.payloadTypes.map { String($0) },
            connection: "IN IP4 0.0.0.0"
        )
        media.attributes.append("ice-ufrag", local.credentials.usernameFragment)
        media.attributes.append("ice-pwd", local.credentials.password.revealed)
        media.attributes.append("fingerprint", local.fingerprint.sdp)
        media.attributes.append("setup", setup.rawValue)
        media.attributes.append("mid", mid)
        media.attributes.append((name == nil ? MediaDirection.inactive : .sendonly).rawValue)
        media.attributes.append("rtcp-mux")
        // RFC 8858 §3 has it in offers alone.
        media.attributes.append("rtcp-mux-only")
        media.attributes.append("rtcp-rsize")
        media.attributes.appendExtensions(extensions)
        format.append(to: &media.attributes, feedback: feedback)
        if let name {
            media.attributes.appendStream(
                ssrc: ssrc, rtxSSRC: rtxSSRC, canonicalName: local.canonicalName, msid: name)
        }
        return media
    }

    private var feedback: [String] {
        description.kind == .video
            ? ["nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"] : ["transport-cc"]
    }
}

extension OfferError {
    /// Whether a client whose offer fails like this may well be able to answer an offer of ours.
    package var invitesCounterOffer: Bool {
        switch self {
        case .noBundle, .noRTCPMultiplexing, .noMedia: true
        case .malformed, .mismatched, .noICE, .iceLite, .noFingerprint, .weakFingerprint, .noCommonCodec, .rejected:
            false
        }
    }
}

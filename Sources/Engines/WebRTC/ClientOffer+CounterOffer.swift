import DTLS
import ICE
import Media
import Primitives
import SDP

extension ClientOffer {
    /// Answers the offer that a WHEP server makes instead of answering ours.
    ///
    /// Takes one section of each kind that we asked for, with the first of its codecs that we know.
    ///
    /// - Parameter text: The server's offer, with LF or CRLF line ends.
    /// - Returns: Our answer, with CRLF line ends, and what was agreed.
    /// - Throws: ``OfferError``, whose texts fit offers of servers too; ``OfferError/noMedia`` when it holds nothing for
    ///   us.
    package func answer(counterOffer text: [UInt8]) throws(OfferError) -> (sdp: String, agreed: ClientAnswer) {
        let description: SessionDescription
        do {
            description = try SessionDescription(parsing: text)
        } catch {
            throw .malformed(error.detail)
        }
        var tracks: [ClientTrack] = []
        var accepted: [Int: ClientTrack] = [:]
        for (index, media) in description.media.enumerated() {
            let section = try OfferedSection(media, session: description)
            guard section.isActive, section.direction.sends, let track = take(section, at: index, besides: tracks)
            else { continue }
            tracks.append(track)
            accepted[index] = track
        }
        guard let tag = accepted.keys.min() else { throw .noMedia }
        let group = Set(description.group("BUNDLE")?.mids ?? [])
        guard tracks.count == 1 || tracks.allSatisfy({ group.contains($0.mid) }) else { throw .noBundle }
        let transport = try RemoteTransport(description, mediaSection: tag)
        // RFC 8842 §5.2 has actpass in offers; a server that decides all the same is followed.
        let role: DTLSRole = transport.setup == .active ? .server : .client
        let agreed = ClientAnswer(
            credentials: transport.credentials,
            fingerprints: transport.fingerprints,
            candidates: transport.candidates,
            role: role,
            isLite: description.attributes.contains("ice-lite"),
            isCounterOffer: true,
            tracks: tracks
        )
        return (answer(to: description, accepting: accepted, role: role).text, agreed)
    }

    /// - Returns: `nil` for a section of a kind that we did not ask for or have already, or whose codecs we do not know.
    private func take(_ section: OfferedSection, at index: Int, besides tracks: [ClientTrack]) -> ClientTrack? {
        guard let own = sections.first(where: { $0.kind == section.kind && $0.direction == .recvonly }),
            !tracks.contains(where: { $0.description.kind == own.kind })
        else { return nil }
        for format in section.formats {
            guard let wanted = own.formats.first(where: { $0.description.codec == format.codec }) else { continue }
            let (media, rtx) = IngestTrack.ssrcs(in: section.media.attributes)
            return ClientTrack(
                mid: section.mid ?? "",
                trackIndex: index,
                description: wanted.description,
                payloadType: format.payloadType,
                rtxPayloadType: format.rtxPayloadType,
                ssrc: media.first,
                rtxSSRC: rtx.first,
                supportsNACK: format.feedback.contains("nack"),
                supportsPLI: format.feedback.contains("nack pli"),
                supportsFIR: format.feedback.contains("ccm fir")
            )
        }
        return nil
    }

    private func answer(
        to offer: SessionDescription,
        accepting accepted: [Int: ClientTrack],
        role: DTLSRole
    ) -> SessionDescription {
        var answer = SessionDescription(origin: SDPOrigin(sessionID: String(local.sessionID)))
        let mids = accepted.sorted { $0.key < $1.key }.map(\.value.mid).filter { !$0.isEmpty }
        if offer.group("BUNDLE") != nil, !mids.isEmpty {
            answer.attributes.append("group", MediaGroup(semantics: "BUNDLE", mids: mids).value)
        }
        let tag = accepted.keys.min()
        for (index, offered) in offer.media.enumerated() {
            let track = accepted[index]
            let payloadTypes = [track?.payloadType, track?.rtxPayloadType].compactMap(\.self).map { String($0) }
            var media = MediaDescription(
                media: offered.media,
                port: track == nil ? 0 : 9,
                transport: offered.transport,
                formats: track == nil ? [offered.formats.first ?? "0"] : payloadTypes,
                connection: "IN IP4 0.0.0.0"
            )
            media.attributes.append("ice-ufrag", local.credentials.usernameFragment)
            media.attributes.append("ice-pwd", local.credentials.password.revealed)
            media.attributes.append("fingerprint", local.fingerprint.sdp)
            media.attributes.append("setup", (role == .server ? SetupRole.passive : .active).rawValue)
            if let mid = offered.mid { media.attributes.append("mid", mid) }
            media.attributes.append((track == nil ? MediaDirection.inactive : .recvonly).rawValue)
            media.attributes.append("rtcp-mux")
            media.attributes.append("rtcp-rsize")
            if index == tag {
                for candidate in local.candidateValues { media.attributes.append("candidate", candidate) }
                media.attributes.append("end-of-candidates")
            }
            if let track { append(track, offered: offered, to: &media.attributes) }
            answer.media.append(media)
        }
        return answer
    }

    private func append(_ track: ClientTrack, offered: MediaDescription, to attributes: inout SDPAttributes) {
        guard let format = OfferedFormat.all(in: offered).first(where: { $0.payloadType == track.payloadType }) else {
            return
        }
        let feedback = [
            (track.supportsNACK, "nack"), (track.supportsPLI, "nack pli"), (track.supportsFIR, "ccm fir"),
        ]
        attributes.appendFormat(
            format.map,
            feedback: feedback.filter(\.0).map(\.1),
            parameters: (format.parameters?.parameters ?? []).filter { !$0.name.hasPrefix("sprop-") },
            rtxPayloadType: track.rtxPayloadType
        )
    }
}

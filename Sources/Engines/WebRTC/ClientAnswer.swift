package import DTLS
package import ICE
package import Media
import SDP

/// A server's answer to a ``ClientOffer``.
package struct ClientAnswer: Sendable {
    package var credentials: ICECredentials
    package var fingerprints: [Fingerprint]
    package var candidates: [ICECandidate]
    /// The DTLS role that the answer leaves to us.
    package var role: DTLSRole
    /// Whether the server is ICE-lite; then it never sends checks of its own.
    package var isLite: Bool
    /// Whether the server has made the offer; then it decides on the path, unless it is ICE-lite (RFC 8445 §6.1.1).
    package var isCounterOffer = false
    /// What was accepted, in the order of the offer; never empty.
    package var tracks: [ClientTrack]
}

/// A track that one of our own clients sends or receives.
package struct ClientTrack: Sendable {
    package var mid: String
    /// Index into the tracks to publish; the index of the media section when watching.
    package var trackIndex: Int
    package var description: TrackDescription
    package var payloadType: UInt8
    package var rtxPayloadType: UInt8?
    /// Ours when publishing.
    ///
    /// The server's when watching, and then `nil` if the answer does not tell.
    package var ssrc: UInt32?
    package var rtxSSRC: UInt32?
    package var supportsNACK: Bool
    package var supportsPLI: Bool
    package var supportsFIR: Bool
}

extension ClientOffer {
    /// Reads the server's answer.
    ///
    /// - Throws: ``OfferError``, whose texts fit answers too; ``OfferError/rejected`` when nothing was accepted.
    package func read(answer text: [UInt8]) throws(OfferError) -> ClientAnswer {
        let description: SessionDescription
        do {
            description = try SessionDescription(parsing: text)
        } catch {
            throw .malformed(error.detail)
        }
        guard description.media.count == sections.count else {
            throw .malformed("the answer has another number of media sections than the offer")
        }
        var tracks: [ClientTrack] = []
        var tag: Int?
        for (index, section) in sections.enumerated() {
            let media = description.media[index]
            guard media.media == section.kind.rawValue else {
                throw .malformed("the answer has its media sections in another order than the offer")
            }
            let direction = media.direction ?? description.attributes.direction ?? .sendrecv
            let agrees = section.direction == .sendonly ? direction.receives : direction.sends
            guard media.port != 0, agrees, let track = ClientTrack(section, answer: media) else { continue }
            tracks.append(track)
            tag = tag ?? index
        }
        guard let tag else { throw .rejected }
        let transport = try RemoteTransport(description, mediaSection: tag)
        // RFC 4145 §4: an answer without a=setup comes from an active end.
        let setup = transport.setup ?? .active
        guard setup != .actpass else {
            throw .malformed("the answer does not decide a=setup")
        }
        return ClientAnswer(
            credentials: transport.credentials,
            fingerprints: transport.fingerprints,
            candidates: transport.candidates,
            role: setup == .active ? .server : .client,
            isLite: description.attributes.contains("ice-lite"),
            tracks: tracks
        )
    }
}

extension ClientTrack {
    /// - Returns: `nil` when the answer keeps none of the codecs that we offered.
    fileprivate init?(_ section: ClientSection, answer: MediaDescription) {
        for format in OfferedFormat.all(in: answer) {
            guard let offered = section.formats.first(where: { $0.payloadType == format.payloadType }),
                format.codec == offered.description.codec
            else { continue }
            mid = section.mid
            trackIndex = section.trackIndex
            description = offered.description
            payloadType = format.payloadType
            rtxPayloadType = format.rtxPayloadType
            if section.direction == .sendonly {
                ssrc = section.ssrc
                rtxSSRC = rtxPayloadType == nil ? nil : section.rtxSSRC
            } else {
                let (media, rtx) = IngestTrack.ssrcs(in: answer.attributes)
                ssrc = media.first
                rtxSSRC = rtx.first
            }
            supportsNACK = format.feedback.contains("nack")
            supportsPLI = format.feedback.contains("nack pli")
            supportsFIR = format.feedback.contains("ccm fir")
            return
        }
        return nil
    }
}

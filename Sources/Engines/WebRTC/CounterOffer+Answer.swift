package import DTLS
package import ICE
import Media
import RTP
import SDP

/// What a viewer answers to our own offer.
package struct CounterAnswer: Sendable {
    /// The client's ICE name and password.
    package var credentials: ICECredentials
    package var fingerprints: [Fingerprint]
    /// The DTLS role that the answer leaves to the gateway.
    package var role: DTLSRole
    /// What the gateway will send, in the order of the offer; never empty.
    package var senders: [PlaybackSender]
}

extension CounterOffer {
    /// Reads a viewer's answer.
    ///
    /// - Parameter text: SDP with LF or CRLF line ends.
    /// - Returns: How to reach the client, and what to send to it.
    /// - Throws: ``OfferError/malformed(_:)`` for what is not SDP, ``OfferError/mismatched(_:)`` for what answers another
    ///   offer than this or takes nothing of it, and what is wrong with a transport.
    package func read(answer text: [UInt8]) throws(OfferError) -> CounterAnswer {
        let description: SessionDescription
        do {
            description = try SessionDescription(parsing: text)
        } catch {
            throw .malformed(error.detail)
        }
        guard description.media.count == sections.count else {
            throw .mismatched("it has another number of media sections")
        }
        var senders: [PlaybackSender] = []
        for (index, section) in sections.enumerated() {
            let answered = try OfferedSection(description.media[index], session: description)
            guard answered.kind == section.description.kind, answered.mid ?? section.mid == section.mid else {
                throw .mismatched("its media sections have another order")
            }
            guard let sender = section.sender(answered, at: index) else { continue }
            senders.append(sender)
        }
        guard let tag = senders.first?.section else { throw .mismatched("it takes none of what is offered") }
        let group = Set(description.group("BUNDLE")?.mids ?? [])
        guard senders.count == 1 || senders.allSatisfy({ group.contains($0.mid) }) else { throw .noBundle }
        guard description.media[tag].attributes.contains("rtcp-mux") else { throw .noRTCPMultiplexing }
        guard !description.attributes.contains("ice-lite") else { throw .iceLite }
        let transport = try RemoteTransport(description, mediaSection: tag)
        // RFC 4145 §4: an answer without a=setup comes from an active end.
        let setup = transport.setup ?? .active
        guard setup != .actpass else { throw .mismatched("it does not decide a=setup") }
        SessionOffer.settleTransportCC(&senders, kinds: senders.map { sections[$0.section].description.kind })
        return CounterAnswer(
            credentials: transport.credentials,
            fingerprints: transport.fingerprints,
            role: setup == .active ? .server : .client,
            senders: senders
        )
    }
}

extension CounterOffer.Section {
    /// - Returns: `nil` when the answer rejects the section, or keeps no format of it that carries the track.
    func sender(_ answered: OfferedSection, at index: Int) -> PlaybackSender? {
        guard answered.isActive, answered.direction.receives else { return nil }
        for format in answered.formats where format.codec == description.codec {
            // An answer may leave out parameters that were settled by the offer, such as packetization-mode.
            guard format.payloadType == self.format.payloadType || format.rank(for: description) != nil else {
                continue
            }
            var numbers = SSRCSequence(first: ssrc)
            var sender = PlaybackSender(
                SessionOffer.Match(trackIndex: trackIndex, format: format),
                section: answered,
                at: index,
                numbers: &numbers
            )
            sender.mid = mid
            if isLinked, description.codec == .av1 {
                sender.dependencyDescriptorExtension = answered.receivedExtensionID(.dependencyDescriptor)
            }
            return sender
        }
        return nil
    }
}

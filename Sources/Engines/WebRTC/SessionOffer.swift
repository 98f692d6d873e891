package import DTLS
package import ICE
package import SDP

/// A client's offer, checked for all that an answer needs: one bundled transport with ICE and a fingerprint.
package struct SessionOffer: Sendable {
    /// The client's ICE name and password.
    package var credentials: ICECredentials { transport.credentials }
    /// The certificates that the client may show, by SHA-256 or stronger; never empty.
    package var fingerprints: [Fingerprint] { transport.fingerprints }
    /// The DTLS roles that the client can take.
    package var setup: SetupRole { transport.setup ?? .actpass }
    /// What the client has found so far; may well be empty (trickle ICE) or hold names that we do not resolve.
    package var candidates: [ICECandidate] { transport.candidates }

    /// The role that we take.
    ///
    /// Server whenever the client lets us choose: the server picks the SRTP profile, and so we get AES-GCM.
    package var role: DTLSRole { setup == .passive ? .client : .server }

    let transport: RemoteTransport
    let sections: [OfferedSection]
    /// Indices into ``sections`` of those that may be accepted, in the order of the BUNDLE group.
    let bundle: [Int]
    /// Whether the offer has a BUNDLE group, so that the answer must have one too.
    let hasBundleGroup: Bool
    let allowsMixedExtensions: Bool
    /// What the offer names for all its sections together.
    let bandwidth: SDPBandwidth?

    /// Reads an offer with LF or CRLF line ends.
    ///
    /// - Parameters:
    ///   - text: The offer.
    ///   - acceptsLite: Whether we make the connectivity checks, so that the offerer need not (RFC 8445 §6.1.1).
    /// - Throws: ``OfferError`` for anything that cannot lead to a session; codecs and directions are looked at
    ///   when the answer is made.
    package init(parsing text: [UInt8], acceptsLite: Bool = false) throws(OfferError) {
        let description: SessionDescription
        do {
            description = try SessionDescription(parsing: text)
        } catch {
            throw .malformed(error.detail)
        }
        var sections: [OfferedSection] = []
        var mids: Set<String> = []
        for media in description.media {
            let section = try OfferedSection(media, session: description)
            if let mid = section.mid, !mids.insert(mid).inserted {
                throw .malformed("two media sections have the same a=mid")
            }
            sections.append(section)
        }
        guard sections.contains(where: \.isActive) else { throw .noMedia }

        let group = description.group("BUNDLE")
        bundle = try Self.bundle(group, sections: sections)
        hasBundleGroup = group != nil
        guard let tag = bundle.first else { throw .noBundle }
        guard sections[tag].media.attributes.contains("rtcp-mux") else { throw .noRTCPMultiplexing }
        guard acceptsLite || !description.attributes.contains("ice-lite") else { throw .iceLite }
        transport = try RemoteTransport(description, mediaSection: tag)
        allowsMixedExtensions = description.attributes.contains("extmap-allow-mixed")
        bandwidth = description.bandwidth
        self.sections = sections
    }

    /// A single section needs no group; several must be in one (RFC 9725 §4.2).
    private static func bundle(_ group: MediaGroup?, sections: [OfferedSection]) throws(OfferError) -> [Int] {
        let active = sections.indices.filter { sections[$0].isActive }
        guard let group else {
            guard active.count == 1 else { throw .noBundle }
            return active
        }
        var byMid: [String: Int] = [:]
        for index in active {
            if let mid = sections[index].mid { byMid[mid] = index }
        }
        var bundle: [Int] = []
        for mid in group.mids {
            if let index = byMid.removeValue(forKey: mid) { bundle.append(index) }
        }
        guard !bundle.isEmpty else { throw .noBundle }
        return bundle
    }
}

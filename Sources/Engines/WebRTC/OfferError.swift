/// Why an offer (or, for our own clients, an answer) cannot be used.
package enum OfferError: Error, Equatable, Sendable {
    /// Not SDP, or SDP that contradicts itself. Says what is wrong; never holds text from the input.
    case malformed(String)
    /// An answer that belongs to another offer, or takes nothing of it. Says why; never holds text from the input.
    case mismatched(String)
    /// No `ice-ufrag` and `ice-pwd`.
    case noICE
    /// The peer is ICE-lite: as we are too, nobody would begin.
    case iceLite
    /// No certificate fingerprint, so that DTLS could not tell the peer from a stranger.
    case noFingerprint
    /// Only fingerprints by hashes weaker than SHA-256.
    case weakFingerprint
    /// Several media sections that do not share one transport.
    case noBundle
    /// RTP and RTCP on different ports.
    case noRTCPMultiplexing
    /// No audio or video over DTLS-SRTP that goes in the needed direction.
    case noMedia
    /// No codec fits. Both lists hold encoding names, such as `VP8`.
    case noCommonCodec(offered: [String], needed: [String])
    /// The answer to our own offer rejects every media section.
    case rejected

    /// What is wrong and what to do about it, in plain words.
    ///
    /// Never holds SDP.
    package var detail: String {
        switch self {
        case .malformed(let what):
            "The session description cannot be used: \(what)."
        case .mismatched(let what):
            "The answer does not fit the offer: \(what)."
        case .noICE:
            "The session description has no ICE credentials (a=ice-ufrag and a=ice-pwd). "
                + "Send the offer of a WebRTC peer connection."
        case .iceLite:
            "The offer says a=ice-lite. The gateway is ICE-lite itself, so the client must be a full ICE agent."
        case .noFingerprint:
            "The session description has no certificate fingerprint (a=fingerprint), so media cannot be encrypted."
        case .weakFingerprint:
            "The only certificate fingerprint uses a hash weaker than SHA-256. Offer a sha-256 fingerprint."
        case .noBundle:
            "The tracks are offered on separate transports. Offer them in one BUNDLE group "
                + "(in GStreamer bundle-policy=max-bundle)."
        case .noRTCPMultiplexing:
            "RTP and RTCP are offered on separate ports. Offer a=rtcp-mux."
        case .noMedia:
            "The session description has no audio or video (over UDP/TLS/RTP/SAVPF) in the direction needed here."
        case .noCommonCodec(let offered, let needed):
            "No codec fits: needed is \(Self.list(needed, or: "another stream")), "
                + "offered is \(Self.list(offered, or: "none that could be used"))."
        case .rejected:
            "The server rejected every track of our offer."
        }
    }

    private static func list(_ names: [String], or nothing: String) -> String {
        names.isEmpty ? nothing : names.joined(separator: ", ")
    }
}

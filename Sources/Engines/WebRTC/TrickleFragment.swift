package import ICE
import SDP

/// What a client sends after its offer: more ICE candidates (RFC 8840 §9), or new credentials for an ICE restart.
package struct TrickleFragment: Sendable {
    /// The client's credentials: those of the offer in a trickle, others in a restart; `nil` when left out.
    package var credentials: ICECredentials?
    /// At most 64; candidates that we cannot read are left out.
    package var candidates: [ICECandidate]
    package var endOfCandidates: Bool

    /// Reads the body of a PATCH with LF or CRLF line ends.
    ///
    /// - Throws: ``OfferError/malformed(_:)`` for what is not SDP, or has one of `ice-ufrag` and `ice-pwd` alone.
    package init(parsing text: [UInt8]) throws(OfferError) {
        let fragment: SDPFragment
        do {
            fragment = try SDPFragment(parsing: text)
        } catch {
            throw .malformed(error.detail)
        }
        switch (fragment.first("ice-ufrag"), fragment.first("ice-pwd")) {
        case (let name?, let password?):
            credentials = try RemoteTransport.credentials(name: name, password: password)
        case (nil, nil):
            credentials = nil
        default:
            throw .malformed("a=ice-ufrag and a=ice-pwd go together")
        }
        candidates = fragment.candidates.prefix(RemoteTransport.maximumCandidates)
            .compactMap { try? ICECandidate(parsing: $0) }
        endOfCandidates = fragment.endsCandidates
    }
}

package import ICE
package import Primitives
import SDP

/// What a client sends after its offer: more ICE candidates (RFC 8840 §9), or new credentials for an ICE restart.
package struct TrickleFragment: Sendable {
    /// The client's credentials: those of the offer in a trickle, others in a restart; `nil` when left out.
    package var credentials: ICECredentials?
    /// At most 64; candidates that we cannot read are left out.
    package var candidates: [ICECandidate]
    package var endOfCandidates: Bool
    /// The value of the first `a=group`, and the mid of the first section: what an answer to a restart repeats.
    private var group: String?
    private var mid: String?

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
        group = fragment.attributes.first("group")
        mid = fragment.sections.first?.mid
    }

    /// Writes our side of the ICE restart that this fragment asks for (RFC 9725 §4.3.3).
    ///
    /// - Parameters:
    ///   - local: Our new credentials.
    ///   - candidates: Where we can be reached over UDP, the best first.
    ///   - acceptsTCP: Whether the same addresses take TCP connections as well.
    /// - Returns: A fragment of SDP with CRLF line ends.
    package func restartAnswer(
        local: ICECredentials,
        candidates: [TransportAddress],
        acceptsTCP: Bool
    ) -> String {
        var section = SDPFragment.Section(mid: mid)
        section.attributes.append("ice-ufrag", local.usernameFragment)
        section.attributes.append("ice-pwd", local.password.revealed)
        for value in LocalDescription.candidateValues(candidates, acceptsTCP: acceptsTCP) {
            section.attributes.append("candidate", value)
        }
        section.attributes.append("end-of-candidates")
        var answer = SDPFragment(sections: [section])
        answer.attributes.append("ice-lite")
        if let group { answer.attributes.append("group", group) }
        return answer.text
    }
}

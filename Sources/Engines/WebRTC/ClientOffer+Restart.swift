package import ICE
import Primitives
import SDP

extension ClientOffer {
    /// Asks the server for an ICE restart (RFC 9725 §4.3.3), with the addresses of our offer.
    ///
    /// - Parameter credentials: Our new ones.
    /// - Returns: The body of a PATCH, `application/trickle-ice-sdpfrag`, with CRLF line ends.
    package func restartFragment(_ credentials: ICECredentials) -> String {
        var section = SDPFragment.Section(mid: sections.first?.mid)
        section.attributes.append("ice-ufrag", credentials.usernameFragment)
        section.attributes.append("ice-pwd", credentials.password.revealed)
        for value in local.candidateValues { section.attributes.append("candidate", value) }
        section.attributes.append("end-of-candidates")
        var fragment = SDPFragment(sections: [section])
        fragment.attributes.append("group", MediaGroup(semantics: "BUNDLE", mids: sections.map(\.mid)).value)
        return fragment.text
    }
}

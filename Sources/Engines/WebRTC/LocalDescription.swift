package import DTLS
package import ICE
package import Primitives

/// What the gateway (or one of our clients) puts into its own half of a negotiation.
package struct LocalDescription: Sendable {
    package var credentials: ICECredentials
    package var fingerprint: Fingerprint
    /// Where we can be reached over UDP, the best first.
    package var candidates: [TransportAddress]
    /// The number of the session in the `o=` line.
    package var sessionID: UInt64
    /// The RTCP CNAME of all our streams (RFC 7022): letters and digits, without spaces.
    package var canonicalName: String
    /// The first SSRC to use; the negotiator takes consecutive ones: media, its retransmissions, the next media...
    package var firstSSRC: UInt32

    package init(
        credentials: ICECredentials, fingerprint: Fingerprint, candidates: [TransportAddress], sessionID: UInt64,
        canonicalName: String, firstSSRC: UInt32
    ) {
        self.credentials = credentials
        self.fingerprint = fingerprint
        self.candidates = candidates
        self.sessionID = sessionID
        self.canonicalName = canonicalName
        self.firstSSRC = firstSSRC
    }

    /// The `a=candidate` values for our addresses (RFC 8839 §5.1), with the priorities of RFC 8445 §5.1.2.1.
    ///
    /// IPv4 comes first in the text, whatever the priorities: ffmpeg's WHIP publisher reads one candidate only and
    /// cannot connect to an IPv6 address.
    var candidateValues: [String] {
        let ranked = candidates.enumerated().map { index, address in
            let localPreference = UInt32(max(0, 65_535 - index))
            let priority = UInt32(126) << 24 | localPreference << 8 | 255
            return (address, "\(index + 1) 1 udp \(priority) \(address.host) \(address.port) typ host")
        }
        return (ranked.filter { $0.0.isIPv4 } + ranked.filter { !$0.0.isIPv4 }).map(\.1)
    }
}

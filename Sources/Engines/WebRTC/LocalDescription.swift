package import DTLS
package import ICE
package import Primitives

/// What the gateway (or one of our clients) puts into its own half of a negotiation.
package struct LocalDescription: Sendable {
    package var credentials: ICECredentials
    package var fingerprint: Fingerprint
    /// Where we can be reached over UDP, the best first.
    package var candidates: [TransportAddress]
    /// Whether the same addresses take TCP connections as well (RFC 6544).
    package var acceptsTCP: Bool
    /// Whether we only answer connectivity checks, as the gateway does to everybody but other gateways.
    package var isLite: Bool
    /// The number of the session in the `o=` line.
    package var sessionID: UInt64
    /// The RTCP CNAME of all our streams (RFC 7022): letters and digits, without spaces.
    package var canonicalName: String
    /// The first SSRC to use; the negotiator takes consecutive ones: media, its retransmissions, the next media...
    package var firstSSRC: UInt32

    package init(
        credentials: ICECredentials,
        fingerprint: Fingerprint,
        candidates: [TransportAddress],
        acceptsTCP: Bool = false,
        isLite: Bool = true,
        sessionID: UInt64,
        canonicalName: String,
        firstSSRC: UInt32
    ) {
        self.credentials = credentials
        self.fingerprint = fingerprint
        self.candidates = candidates
        self.acceptsTCP = acceptsTCP
        self.isLite = isLite
        self.sessionID = sessionID
        self.canonicalName = canonicalName
        self.firstSSRC = firstSSRC
    }

    /// The `a=candidate` values for our addresses, with falling priorities (RFC 8839 §5.1, RFC 8445 §5.1.2.1).
    var candidateValues: [String] { Self.candidateValues(candidates, acceptsTCP: acceptsTCP) }

    /// The `a=candidate` values of a host at `addresses`, the best first.
    ///
    /// IPv4 comes first in the text, whatever the priorities: ffmpeg's WHIP publisher reads one candidate only and
    /// cannot connect to an IPv6 address. TCP comes last, in the text as in priority: it is for networks without UDP.
    static func candidateValues(_ addresses: [TransportAddress], acceptsTCP: Bool) -> [String] {
        let ranked = addresses.enumerated().map { index, address in
            (address, ICECandidate(address: address, localPreference: UInt16(clamping: 65_535 - index)))
        }
        var candidates = (ranked.filter { $0.0.isIPv4 } + ranked.filter { !$0.0.isIPv4 }).map(\.1)
        if acceptsTCP {
            candidates += addresses.enumerated().map { index, address in
                ICECandidate(passiveTCP: address, otherPreference: UInt16(clamping: 8191 - index))
            }
        }
        return candidates.map(\.value)
    }
}

extension ICECandidate {
    /// The attribute's value, behind `a=candidate:`.
    var value: String {
        let name = "candidate:"
        return sdp.hasPrefix(name) ? String(sdp.dropFirst(name.count)) : sdp
    }
}

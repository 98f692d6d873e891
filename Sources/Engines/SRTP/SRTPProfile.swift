/// A protection profile: which ciphers with which lengths (RFC 3711 §8.2, RFC 7714 §14.2).
package enum SRTPProfile: Sendable, CaseIterable {
    case aeadAES128GCM
    /// AES-128 in counter mode, HMAC-SHA1 cut to 80 bits for both RTP and RTCP.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case aes128CMSHA1_80

    /// The length of a master key in bytes, and of the session keys made from it.
    package var keyLength: Int { 16 }

    /// The length of a master salt in bytes, and of the session salts made from it.
    package var saltLength: Int {
        switch self {
        case .aeadAES128GCM: 12
        case .aes128CMSHA1_80: 14
        }
    }

    /// Bytes that protection adds to an RTP packet.
    package var rtpTagLength: Int {
        switch self {
        case .aeadAES128GCM: 16
        case .aes128CMSHA1_80: 10
        }
    }

    /// Bytes that protection adds to an RTCP packet: the tag and the word with the index.
    package var rtcpOverhead: Int { rtpTagLength + SRTCPIndex.length }

    /// The length of a session key for HMAC-SHA1; 0 where the cipher itself authenticates.
    var authenticationKeyLength: Int {
        switch self {
        case .aeadAES128GCM: 0
        case .aes128CMSHA1_80: 20
        }
    }
}

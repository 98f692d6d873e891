/// Why there is no DTLS association with a peer.
package enum DTLSError: Error, Equatable, Sendable {
    /// The peer's certificate has none of the fingerprints that its description promised (RFC 8827 §6.5).
    case fingerprintMismatch
    /// The peer offered neither AEAD_AES_128_GCM nor AES_CM_128_HMAC_SHA1_80, or no `use_srtp` at all.
    case noCommonSRTPProfile
    /// The peer stayed silent through every retransmission of a flight.
    case timeout
    /// The peer ended the handshake with an alert; the number of RFC 5246 §7.2.
    case peerAlert(UInt8)
    /// The peer broke the protocol; what OpenSSL says about it, without anything from the wire.
    case handshake(String)
    /// OpenSSL refused to set something up, which is our own fault or a lack of memory.
    case setup(String)
}

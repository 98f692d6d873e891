/// Why a packet was not protected or not accepted.
package enum SRTPError: Error, Equatable, Sendable {
    /// Too short for its own header, or not RTP or RTCP version 2.
    case truncated
    /// The tag does not fit: forged, damaged, or of another session.
    case authenticationFailed
    /// Seen before, or too old to tell (RFC 3711 §3.3.2).
    case replayed
    /// More sources under one key than we keep a replay list for.
    case tooManySSRCs
    /// A key or salt of the wrong length.
    case invalidKey
    /// The crypto library failed, which no input should make it do.
    case cipher
}

/// Why an agent answered a datagram with silence.
///
/// Whoever cannot prove to know the password gets no answer at all, not even an error: nothing to amplify, nothing
/// to probe with. (RFC 8489 §9.1.3 would answer 400 or 401; a peer that hears nothing tries again, as for a loss.)
package enum ICEDropReason: Error, Equatable, Sendable {
    /// Not a STUN message, or one with a malformed attribute or a wrong FINGERPRINT.
    case malformed
    /// An indication, a response that nothing waits for, or another method than Binding.
    case unexpected
    /// A request without USERNAME or MESSAGE-INTEGRITY, or a response without the latter.
    case unauthenticated
    /// A request whose USERNAME does not begin with our fragment.
    case unknownUsername
    /// MESSAGE-INTEGRITY made with another password.
    case badIntegrity
    /// Consent to send had expired; only new credentials bring the session back (RFC 7675 §5.1).
    case consentExpired
}

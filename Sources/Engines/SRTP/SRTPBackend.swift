internal import CMultiBuffer

/// Which library does the work.
package enum SRTPBackend: String, Sendable, CaseIterable {
    /// Our own framing over the ciphers of OpenSSL, which are there always.
    case openssl
    /// Our own framing over AES-GCM of Intel's multi-buffer library, the fastest where it is there; counter mode with
    /// HMAC-SHA1 stays with OpenSSL.
    case multiBuffer = "ipsec-mb"
    /// All of it by libsrtp2. It derives the rollover counter from sequence numbers alone, so for a sender each SSRC
    /// must start with an index below 65,536 and nothing older than 32,767 packets can be sent again.
    case libsrtp2

    /// Why this machine or this build cannot use it, in words for the operator; `nil` when it can.
    package var problem: String? {
        guard self == .multiBuffer, let problem = martlet_mb_problem() else { return nil }
        return String(cString: problem)
    }
}

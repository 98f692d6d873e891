internal import COpenSSL

/// What all DTLS endpoints of the process share: our certificate and the choice of algorithms.
///
/// The certificate is made at start and lives as long as the process: peers know it by its fingerprint alone, so
/// nothing is gained by keeping it on disk.
package final class DTLSContext: Sendable {
    // An SSL_CTX counts its references atomically, and nothing changes it after `init`.
    nonisolated(unsafe) let pointer: OpaquePointer
    /// Of our certificate, for `a=fingerprint`; always SHA-256.
    package let fingerprint: Fingerprint

    /// The cipher suites, best first.
    ///
    /// RFC 8827 §6.5 asks for ECDHE-ECDSA-AES128-GCM-SHA256. ECDHE-RSA serves peers with RSA certificates when we
    /// are the client; nothing without forward secrecy and authenticated encryption is spoken.
    private static let ciphers =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
        + "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

    /// The protection profiles, best first, because a server's order wins.
    ///
    /// GCM costs a third of what AES-CM with SHA-1 does.
    package static let defaultProfiles: [DTLSSRTPProfile] = [.aeadAES128GCM, .aes128CMSHA1_80]

    /// Makes a key pair on P-256 and a certificate signed with it.
    ///
    /// - Throws: ``DTLSError/setup(_:)``.
    package convenience init() throws(DTLSError) {
        try self.init(profiles: Self.defaultProfiles)
    }

    /// Makes a context that offers and accepts only some profiles.
    ///
    /// - Parameter profiles: Best first; none for an association without `use_srtp`.
    /// - Throws: ``DTLSError/setup(_:)``.
    package init(profiles: [DTLSSRTPProfile]) throws(DTLSError) {
        let certificate = try Certificate()
        guard let context = SSL_CTX_new(DTLS_method()) else { throw .setup("SSL_CTX_new") }
        do throws(DTLSError) {
            try Self.configure(context, certificate: certificate, profiles: profiles)
            fingerprint = try certificate.fingerprint()
        } catch {
            SSL_CTX_free(context)
            throw error
        }
        pointer = context
    }

    deinit {
        SSL_CTX_free(pointer)
    }

    private static func configure(
        _ context: OpaquePointer,
        certificate: borrowing Certificate,
        profiles: [DTLSSRTPProfile]
    ) throws(DTLSError) {
        guard martlet_ssl_ctx_set_versions(context, DTLS1_2_VERSION, DTLS1_2_VERSION) == 1 else {
            throw .setup("DTLS 1.2")
        }
        guard SSL_CTX_use_certificate(context, certificate.x509) == 1,
            SSL_CTX_use_PrivateKey(context, certificate.key) == 1
        else { throw .setup("certificate") }
        guard SSL_CTX_set_cipher_list(context, ciphers) == 1 else { throw .setup("ciphers") }
        guard martlet_ssl_ctx_set_groups(context, "X25519:P-256:P-384") == 1 else { throw .setup("groups") }
        let names = profiles.map { $0 == .aeadAES128GCM ? "SRTP_AEAD_AES_128_GCM" : "SRTP_AES128_CM_SHA1_80" }
        // Unlike nearly all of OpenSSL, this function answers 0 for success.
        guard profiles.isEmpty || SSL_CTX_set_tlsext_use_srtp(context, names.joined(separator: ":")) == 0 else {
            throw .setup("use_srtp")
        }
        martlet_ssl_ctx_set_options(context)
        martlet_ssl_ctx_set_lean(context)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        // Replaces the check of a chain: peers sign their own certificates, and the fingerprint is all that counts.
        SSL_CTX_set_cert_verify_callback(
            context,
            { store, _ in PeerVerification.isExpected(certificateOf: store) ? 1 : 0 },
            nil
        )
    }
}

internal import COpenSSL

/// A key pair on P-256 with the certificate that it signed for itself.
struct Certificate: ~Copyable {
    let key: OpaquePointer
    let x509: OpaquePointer

    /// Made a day ago, for peers whose clock is behind; valid for a year, after which a process should have restarted.
    private static let notBefore = -86_400
    private static let notAfter = 365 * 86_400

    init() throws(DTLSError) {
        let key = martlet_p256_generate()
        let x509 = X509_new()
        guard let key, let x509, Self.fill(x509, key: key) else {
            X509_free(x509)
            EVP_PKEY_free(key)
            throw .setup("certificate")
        }
        self.key = key
        self.x509 = x509
    }

    private static func fill(_ x509: OpaquePointer, key: OpaquePointer) -> Bool {
        var serial: UInt64 = 0
        let name = X509_get_subject_name(x509)
        return withUnsafeMutableBytes(of: &serial, { RAND_bytes($0.baseAddress, Int32($0.count)) }) == 1
            && X509_set_version(x509, 2) == 1
            // A positive number, as RFC 5280 §4.1.2.2 wants it.
            && ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1 | 1) == 1
            && X509_gmtime_adj(X509_getm_notBefore(x509), Self.notBefore) != nil
            && X509_gmtime_adj(X509_getm_notAfter(x509), Self.notAfter) != nil
            && X509_set_pubkey(x509, key) == 1
            && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, "martlet", -1, -1, 0) == 1
            && X509_set_issuer_name(x509, name) == 1
            && X509_sign(x509, key, EVP_sha256()) > 0
    }

    deinit {
        X509_free(x509)
        EVP_PKEY_free(key)
    }

    func fingerprint() throws(DTLSError) -> Fingerprint {
        guard let fingerprint = Fingerprint(.sha256, ofCertificate: x509) else { throw .setup("fingerprint") }
        return fingerprint
    }
}

extension Fingerprint {
    /// Hashes the DER form of an X.509 certificate; `nil` when OpenSSL cannot.
    init?(_ algorithm: HashAlgorithm, ofCertificate x509: OpaquePointer) {
        let function =
            switch algorithm {
            case .sha1: EVP_sha1()
            case .sha256: EVP_sha256()
            case .sha384: EVP_sha384()
            case .sha512: EVP_sha512()
            }
        var bytes = [UInt8](repeating: 0, count: algorithm.length)
        var count: UInt32 = 0
        guard X509_digest(x509, function, &bytes, &count) == 1, Int(count) == bytes.count else { return nil }
        self.init(algorithm: algorithm, bytes: bytes)
    }
}

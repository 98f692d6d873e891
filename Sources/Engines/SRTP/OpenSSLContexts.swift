internal import COpenSSL

/// A cipher context of OpenSSL that is freed with its owner.
struct CipherContext: ~Copyable {
    let pointer: OpaquePointer

    init() throws(SRTPError) {
        guard let pointer = EVP_CIPHER_CTX_new() else { throw .cipher }
        self.pointer = pointer
    }

    deinit {
        EVP_CIPHER_CTX_free(pointer)
    }
}

/// HMAC-SHA1 with its key set, freed with its owner; empty for profiles whose cipher authenticates.
struct MACContext: ~Copyable {
    let pointer: OpaquePointer?

    /// Takes an empty key for no HMAC at all.
    init(key: [UInt8]) throws(SRTPError) {
        guard !key.isEmpty else {
            pointer = nil
            return
        }
        guard let pointer = EVP_MAC_CTX_new(OpenSSLAlgorithms.hmac) else { throw .cipher }
        guard martlet_hmac_sha1_set_key(pointer, key, key.count) == 1 else {
            EVP_MAC_CTX_free(pointer)
            throw .cipher
        }
        self.pointer = pointer
    }

    deinit {
        EVP_MAC_CTX_free(pointer)
    }
}

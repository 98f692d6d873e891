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
        guard Self.setKey(key, of: pointer) else {
            EVP_MAC_CTX_free(pointer)
            throw .cipher
        }
        self.pointer = pointer
    }

    deinit {
        EVP_MAC_CTX_free(pointer)
    }

    private static func setKey(_ key: [UInt8], of context: OpaquePointer) -> Bool {
        var digest = Array("SHA1".utf8CString)
        return digest.withUnsafeMutableBufferPointer { name in
            let parameters = [
                OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.baseAddress, 0),
                OSSL_PARAM_construct_end(),
            ]
            return EVP_MAC_init(context, key, key.count, parameters) == 1
        }
    }
}

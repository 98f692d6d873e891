internal import COpenSSL

/// The algorithms, fetched from OpenSSL once: a fetch takes locks and compares names, which no packet should pay for.
enum OpenSSLAlgorithms {
    // Fetched algorithms are immutable and counted atomically. These are never freed.
    nonisolated(unsafe) static let aes128GCM: OpaquePointer? = EVP_CIPHER_fetch(nil, "AES-128-GCM", nil)
    nonisolated(unsafe) static let aes128CTR: OpaquePointer? = EVP_CIPHER_fetch(nil, "AES-128-CTR", nil)
    nonisolated(unsafe) static let hmac: OpaquePointer? = EVP_MAC_fetch(nil, "HMAC", nil)
}

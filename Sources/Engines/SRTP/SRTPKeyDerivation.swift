internal import COpenSSL

/// Makes session keys from a master key and salt (RFC 3711 §4.3), with a key derivation rate of 0.
struct SRTPKeyDerivation: ~Copyable {
    /// What a session key is for (RFC 3711 §4.3.1 and §4.3.2).
    enum Label: UInt8 {
        case rtpEncryption = 0
        case rtpAuthentication = 1
        case rtpSalt = 2
        case rtcpEncryption = 3
        case rtcpAuthentication = 4
        case rtcpSalt = 5
    }

    private let context: CipherContext
    private let salt: [UInt8]

    /// Takes a key of 16 bytes and a salt of 14, or of 12, which are followed by zeros (RFC 7714 §11).
    init(key: [UInt8], salt: [UInt8]) throws(SRTPError) {
        guard key.count == 16, salt.count == 12 || salt.count == 14 else { throw .invalidKey }
        let context = try CipherContext()
        guard EVP_EncryptInit_ex(context.pointer, OpenSSLAlgorithms.aes128CTR, nil, key, nil) == 1 else {
            throw .cipher
        }
        self.context = context
        self.salt = salt
    }

    /// The first `length` bytes of the key stream for `label`.
    func derive(_ label: Label, length: Int) throws(SRTPError) -> [UInt8] {
        // x = (label << 48) XOR salt, and the counter block is x with 16 bits of zero behind it.
        var block = salt + [UInt8](repeating: 0, count: 16 - salt.count)
        block[7] ^= label.rawValue
        let zeros = [UInt8](repeating: 0, count: length)
        var output = zeros
        var written: Int32 = 0
        guard EVP_EncryptInit_ex(context.pointer, nil, nil, nil, block) == 1,
            EVP_EncryptUpdate(context.pointer, &output, &written, zeros, Int32(length)) == 1, Int(written) == length
        else { throw .cipher }
        return output
    }
}

/// The keys of one direction for either RTP or RTCP.
struct SRTPSessionKeys {
    var encryption: [UInt8]
    /// Empty where the cipher itself authenticates.
    var authentication: [UInt8]
    var salt: [UInt8]

    enum Stream {
        case rtp, rtcp
    }

    init(_ stream: Stream, profile: SRTPProfile, from derivation: borrowing SRTPKeyDerivation) throws(SRTPError) {
        encryption = try derivation.derive(
            stream == .rtp ? .rtpEncryption : .rtcpEncryption,
            length: profile.keyLength
        )
        authentication = try derivation.derive(
            stream == .rtp ? .rtpAuthentication : .rtcpAuthentication,
            length: profile.authenticationKeyLength
        )
        salt = try derivation.derive(stream == .rtp ? .rtpSalt : .rtcpSalt, length: profile.saltLength)
    }

    /// Overwrites the key bytes; the cipher contexts have their own copies.
    mutating func erase() {
        encryption.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
        authentication.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
        salt.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
    }
}

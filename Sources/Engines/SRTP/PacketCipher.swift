internal import COpenSSL

/// The cipher of one direction of RTP or RTCP on OpenSSL, with its key schedule computed once.
///
/// A packet pays only for a new initialisation vector. Nothing is allocated here, nor inside OpenSSL with GCM; the HMAC
/// of OpenSSL 3.0 copies its digest state on the heap twice a packet. The methods do not mutate the value but
/// the OpenSSL contexts behind it, so they belong to one thread at a time, which the owner's `~Copyable` type ensures.
///
/// **A nonce is used once.** The initialisation vector is a function of key, SSRC and packet index. Counter mode with
/// a repeated vector gives away the XOR of two packets; GCM in addition gives away the key of its authenticator
/// (RFC 7714 §8.4, RFC 3711 §9.1). What may be repeated is a packet byte for byte, header included: the result is
/// the datagram that was sent before. A retransmission with another header extension is a new packet and needs a
/// new index (RFC 4588 gives it one).
struct PacketCipher: ~Copyable {
    enum Direction {
        case seal, open
    }

    let profile: SRTPProfile
    private let cipherContext: CipherContext
    private let macContext: MACContext
    /// The session salt as two words, zeros behind it: bytes 0...7 and 8...15 of the initialisation vector.
    private let saltHigh: UInt64
    private let saltLow: UInt64

    init(_ direction: Direction, profile: SRTPProfile, keys: SRTPSessionKeys) throws(SRTPError) {
        guard keys.encryption.count == profile.keyLength, keys.salt.count == profile.saltLength,
            keys.authentication.count == profile.authenticationKeyLength
        else { throw .invalidKey }
        var salt = (high: UInt64(0), low: UInt64(0))
        for index in 0..<16 {
            let byte = index < keys.salt.count ? UInt64(keys.salt[index]) : 0
            if index < 8 { salt.high = salt.high << 8 | byte } else { salt.low = salt.low << 8 | byte }
        }
        let algorithm = profile == .aeadAES128GCM ? OpenSSLAlgorithms.aes128GCM : OpenSSLAlgorithms.aes128CTR
        // Counter mode is its own inverse, so that both directions encrypt.
        let encrypts: Int32 = direction == .seal || profile == .aes128CMSHA1_80 ? 1 : 0
        let cipherContext = try CipherContext()
        guard EVP_CipherInit_ex(cipherContext.pointer, algorithm, nil, keys.encryption, nil, encrypts) == 1 else {
            throw .cipher
        }
        macContext = try MACContext(key: keys.authentication)
        self.profile = profile
        self.cipherContext = cipherContext
        saltHigh = salt.high
        saltLow = salt.low
    }

    @inline(__always)
    private var cipher: OpaquePointer { cipherContext.pointer }

    // MARK: Initialisation vectors

    /// Sets the vector for a packet: salt XOR SSRC and index at the places that the profile gives them.
    ///
    /// GCM has 12 bytes, the SSRC at 2 and the 48-bit index at 6 (RFC 7714 §8.1, and §9.1 for RTCP, whose 31-bit
    /// index ends at the same byte). Counter mode has 16, the SSRC at 4 and the index at 8 (RFC 3711 §4.1.1).
    @inline(__always)
    private func setVector(ssrc: UInt32, index: UInt64) -> Bool {
        let index = index & 0xFFFF_FFFF_FFFF
        let high: UInt64
        let low: UInt64
        switch profile {
        case .aeadAES128GCM:
            high = saltHigh ^ (UInt64(ssrc) << 16 | index >> 32)
            low = saltLow ^ (index << 32)
        case .aes128CMSHA1_80:
            high = saltHigh ^ UInt64(ssrc)
            low = saltLow ^ (index << 16)
        }
        var vector = (high.bigEndian, low.bigEndian)
        return withUnsafeBytes(of: &vector) { bytes in
            EVP_CipherInit_ex(cipher, nil, nil, nil, bytes.bindMemory(to: UInt8.self).baseAddress, -1) == 1
        }
    }

    // MARK: AEAD

    /// Encrypts `count` bytes from `input` to `output` and writes the tag of 16 bytes.
    ///
    /// What is `associated` and then `trailer`, in wire order, is authenticated but left as it is. The answer `false`
    /// says that OpenSSL failed, which leaves nothing that may be sent.
    @inline(__always)
    func sealAEAD(
        associated: UnsafeRawPointer,
        associatedCount: Int,
        trailer: UInt32?,
        input: UnsafeRawPointer?,
        output: UnsafeMutableRawPointer,
        count: Int,
        tag: UnsafeMutableRawPointer,
        ssrc: UInt32,
        index: UInt64
    ) -> Bool {
        guard setVector(ssrc: ssrc, index: index), associate(associated, count: associatedCount, trailer: trailer),
            transform(input, output, count: count)
        else { return false }
        var written: Int32 = 0
        return EVP_EncryptFinal_ex(cipher, tag.assumingMemoryBound(to: UInt8.self), &written) == 1
            && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, Int32(profile.rtpTagLength), tag) == 1
    }

    /// Decrypts `count` bytes in place and checks the tag.
    ///
    /// What was decrypted is garbage when the answer is `false`.
    func openAEAD(
        associated: UnsafeRawPointer,
        associatedCount: Int,
        trailer: UInt32?,
        data: UnsafeMutableRawPointer,
        count: Int,
        tag: UnsafeMutableRawPointer,
        ssrc: UInt32,
        index: UInt64
    ) -> Bool {
        guard setVector(ssrc: ssrc, index: index),
            EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, Int32(profile.rtpTagLength), tag) == 1,
            associate(associated, count: associatedCount, trailer: trailer), transform(data, data, count: count)
        else { return false }
        var written: Int32 = 0
        var end: UInt8 = 0
        return EVP_DecryptFinal_ex(cipher, &end, &written) == 1
    }

    @inline(__always)
    private func associate(_ bytes: UnsafeRawPointer, count: Int, trailer: UInt32?) -> Bool {
        var written: Int32 = 0
        guard
            EVP_CipherUpdate(cipher, nil, &written, bytes.assumingMemoryBound(to: UInt8.self), Int32(count)) == 1
        else { return false }
        guard let trailer else { return true }
        var word = trailer.bigEndian
        return withUnsafeBytes(of: &word) { bytes in
            EVP_CipherUpdate(cipher, nil, &written, bytes.bindMemory(to: UInt8.self).baseAddress, 4) == 1
        }
    }

    @inline(__always)
    private func transform(_ input: UnsafeRawPointer?, _ output: UnsafeMutableRawPointer, count: Int) -> Bool {
        guard count > 0, let input else { return count == 0 }
        var written: Int32 = 0
        return EVP_CipherUpdate(
            cipher,
            output.assumingMemoryBound(to: UInt8.self),
            &written,
            input.assumingMemoryBound(to: UInt8.self),
            Int32(count)
        ) == 1
    }

    // MARK: Counter mode and HMAC

    /// Encrypts or decrypts `count` bytes in counter mode; `input` and `output` may be the same.
    @inline(__always)
    func applyKeyStream(
        _ input: UnsafeRawPointer?,
        _ output: UnsafeMutableRawPointer,
        count: Int,
        ssrc: UInt32,
        index: UInt64
    ) -> Bool {
        setVector(ssrc: ssrc, index: index) && transform(input, output, count: count)
    }

    /// HMAC-SHA1 over `count` bytes and then `trailer` in wire order.
    ///
    /// As many bytes of it as the profile keeps go to `tag`.
    @inline(__always)
    func authenticate(
        _ bytes: UnsafeRawPointer,
        count: Int,
        trailer: UInt32?,
        tag: UnsafeMutableRawPointer
    ) -> Bool {
        guard let mac = macContext.pointer else { return false }
        // Without a key the context takes the one it has.
        guard EVP_MAC_init(mac, nil, 0, nil) == 1,
            EVP_MAC_update(mac, bytes.assumingMemoryBound(to: UInt8.self), count) == 1
        else { return false }
        if let trailer {
            var word = trailer.bigEndian
            let isUpdated = withUnsafeBytes(of: &word) { bytes in
                EVP_MAC_update(mac, bytes.bindMemory(to: UInt8.self).baseAddress, 4) == 1
            }
            guard isUpdated else { return false }
        }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { full in
            var written = 0
            guard EVP_MAC_final(mac, full.baseAddress, &written, 20) == 1, written == 20 else { return false }
            tag.copyMemory(from: UnsafeRawPointer(full.baseAddress!), byteCount: profile.rtpTagLength)
            return true
        }
    }

    /// Whether `tag` is that of the bytes, in a time that does not depend on where it differs.
    func verify(_ bytes: UnsafeRawPointer, count: Int, trailer: UInt32?, tag: UnsafeRawPointer) -> Bool {
        var computed: (UInt64, UInt64) = (0, 0)
        return withUnsafeMutableBytes(of: &computed) { buffer in
            guard let base = buffer.baseAddress,
                authenticate(bytes, count: count, trailer: trailer, tag: base)
            else { return false }
            return CRYPTO_memcmp(base, tag, profile.rtpTagLength) == 0
        }
    }
}

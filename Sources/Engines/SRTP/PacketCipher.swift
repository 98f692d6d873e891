internal import COpenSSL

/// The cipher of one direction of RTP or RTCP, with its key schedule computed once.
///
/// A packet pays only for a new initialisation vector. Nothing is allocated here, nor inside the libraries with GCM; the
/// HMAC of OpenSSL 3.0 copies its digest state on the heap twice a packet. The methods do not mutate the value but
/// the contexts behind it, so they belong to one thread at a time, which the owner's `~Copyable` type ensures.
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

    /// Whose code does the work.
    private enum Engine: ~Copyable {
        case openssl(OpenSSLCipher)
        /// Only for ``SRTPProfile/aeadAES128GCM``.
        case multiBuffer(MultiBufferKey)
    }

    let profile: SRTPProfile
    private let engine: Engine
    /// The session salt as two words, zeros behind it: bytes 0...7 and 8...15 of the initialisation vector.
    private let saltHigh: UInt64
    private let saltLow: UInt64

    /// Makes the key schedule; `usesMultiBuffer` matters to GCM alone, for which the library has to be there.
    init(
        _ direction: Direction,
        profile: SRTPProfile,
        keys: SRTPSessionKeys,
        usesMultiBuffer: Bool
    ) throws(SRTPError) {
        guard keys.encryption.count == profile.keyLength, keys.salt.count == profile.saltLength,
            keys.authentication.count == profile.authenticationKeyLength
        else { throw .invalidKey }
        var salt = (high: UInt64(0), low: UInt64(0))
        for index in 0..<16 {
            let byte = index < keys.salt.count ? UInt64(keys.salt[index]) : 0
            if index < 8 { salt.high = salt.high << 8 | byte } else { salt.low = salt.low << 8 | byte }
        }
        let engine: Engine =
            if usesMultiBuffer, profile == .aeadAES128GCM {
                .multiBuffer(try MultiBufferKey(keys.encryption))
            } else {
                .openssl(try OpenSSLCipher(direction, profile: profile, keys: keys))
            }
        self.profile = profile
        self.engine = engine
        saltHigh = salt.high
        saltLow = salt.low
    }

    /// Hands out the vector for a packet: salt XOR SSRC and index at the places that the profile gives them.
    ///
    /// GCM has 12 bytes, the SSRC at 2 and the 48-bit index at 6 (RFC 7714 §8.1, and §9.1 for RTCP, whose 31-bit
    /// index ends at the same byte). Counter mode has 16, the SSRC at 4 and the index at 8 (RFC 3711 §4.1.1).
    @inline(__always)
    private func withVector(ssrc: UInt32, index: UInt64, _ body: (UnsafePointer<UInt8>) -> Bool) -> Bool {
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
            guard let base = bytes.bindMemory(to: UInt8.self).baseAddress else { return false }
            return body(base)
        }
    }

    // MARK: AEAD

    /// Encrypts `count` bytes from `input` to `output` and writes the tag of 16 bytes.
    ///
    /// What is `associated` and then `trailer`, in wire order, is authenticated but left as it is. The answer `false`
    /// says that the library failed, which leaves nothing that may be sent.
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
        withVector(ssrc: ssrc, index: index) { vector in
            switch engine {
            case .openssl(let cipher):
                cipher.setVector(vector)
                    && cipher.associate(associated, count: associatedCount, trailer: trailer)
                    && cipher.transform(input, output, count: count) && cipher.finishSealing(tag: tag)
            case .multiBuffer(let key):
                key.seal(
                    vector: vector, associated: associated, associatedCount: associatedCount, trailer: trailer,
                    input: input ?? UnsafeRawPointer(output), output: output, count: count, tag: tag)
            }
        }
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
        withVector(ssrc: ssrc, index: index) { vector in
            switch engine {
            case .openssl(let cipher):
                cipher.setVector(vector) && cipher.expect(tag: tag)
                    && cipher.associate(associated, count: associatedCount, trailer: trailer)
                    && cipher.transform(data, data, count: count) && cipher.finishOpening()
            case .multiBuffer(let key):
                key.open(
                    vector: vector, associated: associated, associatedCount: associatedCount, trailer: trailer,
                    data: data, count: count, tag: tag)
            }
        }
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
        withVector(ssrc: ssrc, index: index) { vector in
            switch engine {
            case .openssl(let cipher): cipher.setVector(vector) && cipher.transform(input, output, count: count)
            case .multiBuffer: false
            }
        }
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
        switch engine {
        case .openssl(let cipher):
            cipher.authenticate(bytes, count: count, trailer: trailer, tag: tag, tagLength: profile.rtpTagLength)
        case .multiBuffer: false
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

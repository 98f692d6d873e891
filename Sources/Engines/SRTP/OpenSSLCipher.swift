internal import COpenSSL

/// AES-128 in either mode on OpenSSL, and HMAC-SHA1 beside counter mode.
struct OpenSSLCipher: ~Copyable {
    private let context: CipherContext
    private let macContext: MACContext

    /// Takes keys whose lengths are those of the profile.
    init(_ direction: PacketCipher.Direction, profile: SRTPProfile, keys: SRTPSessionKeys) throws(SRTPError) {
        let algorithm = profile == .aeadAES128GCM ? OpenSSLAlgorithms.aes128GCM : OpenSSLAlgorithms.aes128CTR
        // Counter mode is its own inverse, so that both directions encrypt.
        let encrypts: Int32 = direction == .seal || profile == .aes128CMSHA1_80 ? 1 : 0
        let context = try CipherContext()
        guard EVP_CipherInit_ex(context.pointer, algorithm, nil, keys.encryption, nil, encrypts) == 1 else {
            throw .cipher
        }
        macContext = try MACContext(key: keys.authentication)
        self.context = context
    }

    /// Begins a packet; `vector` has 12 bytes with GCM and 16 in counter mode.
    @inline(__always)
    func setVector(_ vector: UnsafePointer<UInt8>) -> Bool {
        EVP_CipherInit_ex(context.pointer, nil, nil, nil, vector, -1) == 1
    }

    @inline(__always)
    func associate(_ bytes: UnsafeRawPointer, count: Int, trailer: UInt32?) -> Bool {
        var written: Int32 = 0
        guard
            EVP_CipherUpdate(context.pointer, nil, &written, bytes.assumingMemoryBound(to: UInt8.self), Int32(count))
                == 1
        else { return false }
        guard let trailer else { return true }
        var word = trailer.bigEndian
        return withUnsafeBytes(of: &word) { bytes in
            EVP_CipherUpdate(context.pointer, nil, &written, bytes.bindMemory(to: UInt8.self).baseAddress, 4) == 1
        }
    }

    @inline(__always)
    func transform(_ input: UnsafeRawPointer?, _ output: UnsafeMutableRawPointer, count: Int) -> Bool {
        guard count > 0, let input else { return count == 0 }
        var written: Int32 = 0
        return EVP_CipherUpdate(
            context.pointer,
            output.assumingMemoryBound(to: UInt8.self),
            &written,
            input.assumingMemoryBound(to: UInt8.self),
            Int32(count)
        ) == 1
    }

    @inline(__always)
    func finishSealing(tag: UnsafeMutableRawPointer) -> Bool {
        var written: Int32 = 0
        return EVP_EncryptFinal_ex(context.pointer, tag.assumingMemoryBound(to: UInt8.self), &written) == 1
            && EVP_CIPHER_CTX_ctrl(context.pointer, EVP_CTRL_AEAD_GET_TAG, Self.tagLength, tag) == 1
    }

    func expect(tag: UnsafeMutableRawPointer) -> Bool {
        EVP_CIPHER_CTX_ctrl(context.pointer, EVP_CTRL_AEAD_SET_TAG, Self.tagLength, tag) == 1
    }

    func finishOpening() -> Bool {
        var written: Int32 = 0
        var end: UInt8 = 0
        return EVP_DecryptFinal_ex(context.pointer, &end, &written) == 1
    }

    private static let tagLength = Int32(SRTPProfile.aeadAES128GCM.rtpTagLength)

    /// HMAC-SHA1 over `count` bytes and then `trailer` in wire order.
    ///
    /// `tagLength` bytes of it, 20 at most, go to `tag`.
    @inline(__always)
    func authenticate(
        _ bytes: UnsafeRawPointer,
        count: Int,
        trailer: UInt32?,
        tag: UnsafeMutableRawPointer,
        tagLength: Int
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
            tag.copyMemory(from: UnsafeRawPointer(full.baseAddress!), byteCount: tagLength)
            return true
        }
    }
}

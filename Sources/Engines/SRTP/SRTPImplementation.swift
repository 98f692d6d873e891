/// What does the work for one direction of a session.
enum SRTPImplementation: ~Copyable {
    case openssl(OpenSSLCiphers)
    case libsrtp2(LibSRTPSession)

    init(
        _ direction: PacketCipher.Direction,
        profile: SRTPProfile,
        key: [UInt8],
        salt: [UInt8],
        backend: SRTPBackend
    ) throws(SRTPError) {
        guard key.count == profile.keyLength, salt.count == profile.saltLength else { throw .invalidKey }
        switch backend {
        case .openssl:
            self = .openssl(try OpenSSLCiphers(direction, profile: profile, key: key, salt: salt))
        case .libsrtp2:
            self = .libsrtp2(try LibSRTPSession(direction, profile: profile, key: key, salt: salt))
        }
    }
}

/// The ciphers of one direction on OpenSSL.
struct OpenSSLCiphers: ~Copyable {
    let rtp: PacketCipher
    let rtcp: PacketCipher

    init(
        _ direction: PacketCipher.Direction,
        profile: SRTPProfile,
        key: [UInt8],
        salt: [UInt8]
    ) throws(SRTPError) {
        let derivation = try SRTPKeyDerivation(key: key, salt: salt)
        var rtpKeys = try SRTPSessionKeys(.rtp, profile: profile, from: derivation)
        var rtcpKeys = try SRTPSessionKeys(.rtcp, profile: profile, from: derivation)
        defer {
            rtpKeys.erase()
            rtcpKeys.erase()
        }
        let rtp = try PacketCipher(direction, profile: profile, keys: rtpKeys)
        let rtcp = try PacketCipher(direction, profile: profile, keys: rtcpKeys)
        self.rtp = rtp
        self.rtcp = rtcp
    }
}

/// What does the work for one direction of a session.
enum SRTPImplementation: ~Copyable {
    /// Our own framing over ciphers of one library or another.
    case ciphers(SessionCiphers)
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
        case .openssl, .multiBuffer:
            let usesMultiBuffer = backend == .multiBuffer
            self = .ciphers(
                try SessionCiphers(
                    direction, profile: profile, key: key, salt: salt, usesMultiBuffer: usesMultiBuffer))
        case .libsrtp2:
            self = .libsrtp2(try LibSRTPSession(direction, profile: profile, key: key, salt: salt))
        }
    }
}

/// The ciphers of one direction.
struct SessionCiphers: ~Copyable {
    let rtp: PacketCipher
    let rtcp: PacketCipher

    init(
        _ direction: PacketCipher.Direction,
        profile: SRTPProfile,
        key: [UInt8],
        salt: [UInt8],
        usesMultiBuffer: Bool
    ) throws(SRTPError) {
        let derivation = try SRTPKeyDerivation(key: key, salt: salt)
        var rtpKeys = try SRTPSessionKeys(.rtp, profile: profile, from: derivation)
        var rtcpKeys = try SRTPSessionKeys(.rtcp, profile: profile, from: derivation)
        defer {
            rtpKeys.erase()
            rtcpKeys.erase()
        }
        let rtp = try PacketCipher(direction, profile: profile, keys: rtpKeys, usesMultiBuffer: usesMultiBuffer)
        let rtcp = try PacketCipher(direction, profile: profile, keys: rtcpKeys, usesMultiBuffer: usesMultiBuffer)
        self.rtp = rtp
        self.rtcp = rtcp
    }
}

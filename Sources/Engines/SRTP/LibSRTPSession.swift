internal import CSRTP

/// One direction of a session done by libsrtp2.
///
/// On Debian the library sits on NSS and is several times slower than OpenSSL; it is here to check against, and for
/// whoever wants its record more than its speed.
struct LibSRTPSession: ~Copyable {
    private static let isInitialised = srtp_init() == srtp_err_status_ok

    private let session: OpaquePointer

    init(_ direction: PacketCipher.Direction, profile: SRTPProfile, key: [UInt8], salt: [UInt8]) throws(SRTPError) {
        guard key.count == profile.keyLength, salt.count == profile.saltLength else { throw .invalidKey }
        guard Self.isInitialised else { throw .cipher }
        var policy = srtp_policy_t()
        switch profile {
        case .aeadAES128GCM:
            srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp)
            srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp)
        case .aes128CMSHA1_80:
            srtp_crypto_policy_set_rtp_default(&policy.rtp)
            srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
        }
        policy.ssrc.type = direction == .seal ? ssrc_any_outbound : ssrc_any_inbound
        // The widest window that the library has decides how old a packet we can send again.
        policy.window_size = direction == .seal ? 0x7FFF : UInt(ReplayWindow.width)
        policy.allow_repeat_tx = 1
        var master = key + salt
        var session: OpaquePointer?
        let status = master.withUnsafeMutableBufferPointer { bytes in
            policy.key = bytes.baseAddress
            return srtp_create(&session, &policy)
        }
        guard status == srtp_err_status_ok, let session else { throw .cipher }
        self.session = session
    }

    deinit {
        srtp_dealloc(session)
    }

    /// Returns the new length, or 0.
    func protect(_ packet: UnsafeMutableRawPointer, length: Int) -> Int {
        var length = Int32(clamping: length)
        return srtp_protect(session, packet, &length) == srtp_err_status_ok ? Int(length) : 0
    }

    /// Returns the new length, or 0.
    func protectRTCP(_ packet: UnsafeMutableRawPointer, length: Int) -> Int {
        var length = Int32(clamping: length)
        return srtp_protect_rtcp(session, packet, &length) == srtp_err_status_ok ? Int(length) : 0
    }

    func unprotect(_ packet: UnsafeMutableRawBufferPointer) throws(SRTPError) -> Int {
        var length = Int32(clamping: packet.count)
        try Self.check(srtp_unprotect(session, packet.baseAddress, &length))
        return Int(length)
    }

    func unprotectRTCP(_ packet: UnsafeMutableRawBufferPointer) throws(SRTPError) -> Int {
        var length = Int32(clamping: packet.count)
        try Self.check(srtp_unprotect_rtcp(session, packet.baseAddress, &length))
        return Int(length)
    }

    private static func check(_ status: srtp_err_status_t) throws(SRTPError) {
        switch status {
        case srtp_err_status_ok: return
        case srtp_err_status_replay_fail, srtp_err_status_replay_old, srtp_err_status_pkt_idx_old: throw .replayed
        case srtp_err_status_auth_fail, srtp_err_status_cipher_fail: throw .authenticationFailed
        case srtp_err_status_bad_param, srtp_err_status_parse_err: throw .truncated
        default: throw .cipher
        }
    }
}

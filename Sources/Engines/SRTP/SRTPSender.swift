/// Protects what we send to one peer (RFC 3711, RFC 7714).
///
/// It is `Sendable` although the contexts inside are not thread safe, because it cannot be copied: whoever holds it
/// is alone.
package struct SRTPSender: ~Copyable, @unchecked Sendable {
    package let profile: SRTPProfile
    private let implementation: SRTPImplementation
    /// The index of the last SRTCP packet.
    ///
    /// One counter for all SSRCs: RFC 3711 §3.4 counts each for itself, but only asks that indices grow, and one
    /// counter can never use a nonce twice.
    private var rtcpIndex: UInt32 = 0
    #if DEBUG
        private var nonceGuard = NonceGuard()
    #endif

    /// Takes the master key and salt, as many bytes as `profile` says; others are ``SRTPError/invalidKey``.
    package init(
        profile: SRTPProfile,
        key: [UInt8],
        salt: [UInt8],
        backend: SRTPBackend = .openssl
    ) throws(SRTPError) {
        let implementation = try SRTPImplementation(
            .seal,
            profile: profile,
            key: key,
            salt: salt,
            backend: backend
        )
        self.profile = profile
        self.implementation = implementation
    }

    /// Protects one RTP packet: writes the encrypted payload behind its header and the tag behind that.
    ///
    /// A packet sent again must be the same byte for byte, header included, or come with a new index; see
    /// ``PacketCipher`` for what is lost otherwise. Debug builds assert it.
    ///
    /// - Parameters:
    ///   - output: Holds the header already, with room for `payload` and ``SRTPProfile/rtpTagLength`` more bytes.
    ///   - headerLength: With CSRCs and extension.
    ///   - payload: Padding included; may lie where it will be written.
    ///   - ssrc: That of the header.
    ///   - index: Rollover counter << 16 | sequence number, as the caller counts it for `ssrc`.
    /// - Returns: The length of the datagram; 0 when the library failed, and then nothing may be sent.
    /// - Complexity: One pass over the payload; allocates nothing with GCM, see ``PacketCipher``.
    package mutating func protect(
        _ output: UnsafeMutableRawPointer,
        headerLength: Int,
        payload: UnsafeRawBufferPointer,
        ssrc: UInt32,
        index: UInt64
    ) -> Int {
        #if DEBUG
            nonceGuard.check(
                header: UnsafeRawBufferPointer(start: output, count: headerLength),
                payload: payload,
                ssrc: ssrc,
                index: index
            )
        #endif
        let count = payload.count
        let data = output + headerLength
        let tag = data + count
        switch implementation {
        case .ciphers(let ciphers):
            switch profile {
            case .aeadAES128GCM:
                guard
                    ciphers.rtp.sealAEAD(
                        associated: output,
                        associatedCount: headerLength,
                        trailer: nil,
                        input: payload.baseAddress,
                        output: data,
                        count: count,
                        tag: tag,
                        ssrc: ssrc,
                        index: index
                    )
                else { return 0 }
            case .aes128CMSHA1_80:
                guard ciphers.rtp.applyKeyStream(payload.baseAddress, data, count: count, ssrc: ssrc, index: index),
                    ciphers.rtp.authenticate(
                        output,
                        count: headerLength + count,
                        trailer: UInt32(truncatingIfNeeded: index >> 16),
                        tag: tag
                    )
                else { return 0 }
            }
            return headerLength + count + profile.rtpTagLength
        case .libsrtp2(let session):
            if let source = payload.baseAddress { data.copyMemory(from: source, byteCount: count) }
            return session.protect(output, length: headerLength + count)
        }
    }

    /// Protects one compound RTCP packet in place; its index counts up by itself.
    ///
    /// - Parameters:
    ///   - packet: With room for ``SRTPProfile/rtcpOverhead`` more bytes.
    ///   - length: At least 8 bytes.
    /// - Returns: The length of the datagram; 0 when it was too short, the library failed, or the 2,147,483,647
    ///   packets that one key is good for are used up (RFC 3711 §9.2).
    package mutating func protectRTCP(_ packet: UnsafeMutableRawPointer, length: Int) -> Int {
        guard length >= PacketLayout.rtcpHeaderLength else { return 0 }
        switch implementation {
        case .libsrtp2(let session):
            return session.protectRTCP(packet, length: length)
        case .ciphers(let ciphers):
            guard rtcpIndex < SRTCPIndex.maximum else { return 0 }
            rtcpIndex += 1
            let ssrc = PacketLayout.word(UnsafeRawBufferPointer(start: packet, count: length), at: 4)
            let word = SRTCPIndex(index: rtcpIndex, isEncrypted: true).word
            let data = packet + PacketLayout.rtcpHeaderLength
            let count = length - PacketLayout.rtcpHeaderLength
            let end = packet + length
            switch profile {
            case .aeadAES128GCM:
                // The tag belongs to the cipher text, so the index comes last (RFC 7714 §9.2).
                guard
                    ciphers.rtcp.sealAEAD(
                        associated: packet,
                        associatedCount: PacketLayout.rtcpHeaderLength,
                        trailer: word,
                        input: data,
                        output: data,
                        count: count,
                        tag: end,
                        ssrc: ssrc,
                        index: UInt64(rtcpIndex)
                    )
                else { return 0 }
                (end + profile.rtpTagLength).storeBytes(of: word.bigEndian, as: UInt32.self)
            case .aes128CMSHA1_80:
                // The index is authenticated with the packet, so the tag comes last (RFC 3711 §3.4).
                guard ciphers.rtcp.applyKeyStream(data, data, count: count, ssrc: ssrc, index: UInt64(rtcpIndex)) else {
                    return 0
                }
                end.storeBytes(of: word.bigEndian, as: UInt32.self)
                guard
                    ciphers.rtcp.authenticate(
                        packet,
                        count: length + SRTCPIndex.length,
                        trailer: nil,
                        tag: end + SRTCPIndex.length
                    )
                else { return 0 }
            }
            return length + profile.rtcpOverhead
        }
    }
}

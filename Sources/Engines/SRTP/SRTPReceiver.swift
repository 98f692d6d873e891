/// Checks and decrypts what one peer sends us (RFC 3711, RFC 7714).
///
/// It is `Sendable` although the contexts inside are not thread safe, because it cannot be copied: whoever holds it
/// is alone.
package struct SRTPReceiver: ~Copyable, @unchecked Sendable {
    package let profile: SRTPProfile
    private let implementation: SRTPImplementation
    private var rtpSources = ReceivedSources()
    private var rtcpSources = ReceivedSources()

    /// Takes the master key and salt, as many bytes as `profile` says; others are ``SRTPError/invalidKey``.
    package init(
        profile: SRTPProfile,
        key: [UInt8],
        salt: [UInt8],
        backend: SRTPBackend = .openssl
    ) throws(SRTPError) {
        let implementation = try SRTPImplementation(
            .open,
            profile: profile,
            key: key,
            salt: salt,
            backend: backend
        )
        self.profile = profile
        self.implementation = implementation
    }

    /// Checks and decrypts one SRTP packet in place.
    ///
    /// - Parameter packet: The whole datagram. Its content is undefined when this throws.
    /// - Returns: The length of the RTP packet at its start.
    /// - Throws: ``SRTPError``; the state is then as it was before, so that forgeries cannot move the window.
    /// - Complexity: One pass; with GCM it allocates only for the first packet of a source.
    package mutating func unprotect(_ packet: UnsafeMutableRawBufferPointer) throws(SRTPError) -> Int {
        let bytes = UnsafeRawBufferPointer(packet)
        let length = packet.count - profile.rtpTagLength
        let headerLength = try PacketLayout.rtpHeaderLength(bytes, limit: length)
        guard let base = packet.baseAddress else { throw .truncated }
        let sequenceNumber = UInt16(truncatingIfNeeded: PacketLayout.word(bytes, at: 0))
        let ssrc = PacketLayout.word(bytes, at: 8)
        let position = rtpSources.position(of: ssrc)
        let index = SRTPPacketIndex.estimate(
            sequenceNumber: sequenceNumber,
            newest: rtpSources.newest(at: position)
        )
        switch implementation {
        case .libsrtp2(let session):
            // The library keeps the windows; ours only bounds how many of them there are.
            if position == nil { try rtpSources.check(index, at: nil) }
            let length = try session.unprotect(packet)
            if position == nil { rtpSources.accept(index, ssrc: ssrc, at: nil) }
            return length
        case .ciphers(let ciphers):
            try rtpSources.check(index, at: position)
            let data = base + headerLength
            let count = length - headerLength
            let tag = base + length
            switch profile {
            case .aeadAES128GCM:
                guard
                    ciphers.rtp.openAEAD(
                        associated: base,
                        associatedCount: headerLength,
                        trailer: nil,
                        data: data,
                        count: count,
                        tag: tag,
                        ssrc: ssrc,
                        index: index
                    )
                else { throw .authenticationFailed }
            case .aes128CMSHA1_80:
                let rolloverCounter = UInt32(truncatingIfNeeded: index >> 16)
                guard ciphers.rtp.verify(base, count: length, trailer: rolloverCounter, tag: tag) else {
                    throw .authenticationFailed
                }
                guard ciphers.rtp.applyKeyStream(data, data, count: count, ssrc: ssrc, index: index) else {
                    throw .cipher
                }
            }
            rtpSources.accept(index, ssrc: ssrc, at: position)
            return length
        }
    }

    /// Checks and decrypts one SRTCP packet in place; one that was only authenticated (E = 0) is accepted as well.
    ///
    /// - Parameter packet: The whole datagram. Its content is undefined when this throws.
    /// - Returns: The length of the compound RTCP packet at its start.
    /// - Throws: ``SRTPError``; the state is then as it was before.
    package mutating func unprotectRTCP(_ packet: UnsafeMutableRawBufferPointer) throws(SRTPError) -> Int {
        let bytes = UnsafeRawBufferPointer(packet)
        let length = packet.count - profile.rtcpOverhead
        guard length >= PacketLayout.rtcpHeaderLength, bytes[0] >> 6 == 2, let base = packet.baseAddress else {
            throw .truncated
        }
        let ssrc = PacketLayout.word(bytes, at: 4)
        let position = rtcpSources.position(of: ssrc)
        switch implementation {
        case .libsrtp2(let session):
            if position == nil { try rtcpSources.check(0, at: nil) }
            let length = try session.unprotectRTCP(packet)
            if position == nil { rtcpSources.accept(0, ssrc: ssrc, at: nil) }
            return length
        case .ciphers(let ciphers):
            // The index stands behind the tag with GCM and before it otherwise; see ``SRTPSender``.
            let isAEAD = profile == .aeadAES128GCM
            let field = SRTCPIndex(
                word: PacketLayout.word(bytes, at: isAEAD ? length + profile.rtpTagLength : length)
            )
            let index = UInt64(field.index)
            try rtcpSources.check(index, at: position)
            let data = base + PacketLayout.rtcpHeaderLength
            let count = length - PacketLayout.rtcpHeaderLength
            switch profile {
            case .aeadAES128GCM:
                // Without encryption the whole packet is associated data (RFC 7714 §9.3).
                guard
                    ciphers.rtcp.openAEAD(
                        associated: base,
                        associatedCount: field.isEncrypted ? PacketLayout.rtcpHeaderLength : length,
                        trailer: field.word,
                        data: data,
                        count: field.isEncrypted ? count : 0,
                        tag: base + length,
                        ssrc: ssrc,
                        index: index
                    )
                else { throw .authenticationFailed }
            case .aes128CMSHA1_80:
                let authenticated = length + SRTCPIndex.length
                guard ciphers.rtcp.verify(base, count: authenticated, trailer: nil, tag: base + authenticated) else {
                    throw .authenticationFailed
                }
                if field.isEncrypted {
                    guard ciphers.rtcp.applyKeyStream(data, data, count: count, ssrc: ssrc, index: index) else {
                        throw .cipher
                    }
                }
            }
            rtcpSources.accept(index, ssrc: ssrc, at: position)
            return length
        }
    }
}

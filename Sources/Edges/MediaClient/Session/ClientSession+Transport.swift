import DTLS
import ICE
package import Primitives
import RTP
import SRTP
import WebRTC

// Datagrams in and out: ICE, DTLS, and the protection of media.
extension ClientSession {
    /// Takes one datagram from the network; media is decrypted in place.
    ///
    /// - Parameters:
    ///   - datagram: The whole of it.
    ///   - local: The address of the socket that it came to.
    ///   - source: Where it came from.
    ///   - now: When.
    package mutating func receive(
        _ datagram: UnsafeMutableRawBufferPointer,
        on local: TransportAddress,
        from source: TransportAddress,
        at now: Instant
    ) {
        guard phase != .offered, phase != .ended, datagram.count >= 2 else { return ignore() }
        let bytes = UnsafeBufferPointer(datagram.bindMemory(to: UInt8.self))
        switch DatagramKind(firstByte: datagram[0], secondByte: datagram[1]) {
        case .stun:
            ice?.receive(Span(_unsafeElements: bytes), on: local, from: source, at: now)
            drainICE(at: now)
        case .dtls:
            // Only the path that has proved itself may take part in the handshake.
            guard path?.remote == source else { return ignore() }
            dtls?.receive(Span(_unsafeElements: bytes))
            drainHandshake(at: now)
        case .rtp: receiveRTP(datagram, at: now)
        case .rtcp: receiveRTCP(datagram, at: now)
        case .other: ignore()
        }
    }

    mutating func ignore() {
        ignoredDatagrams += 1
    }

    // MARK: - ICE

    mutating func drainICE(at now: Instant) {
        while let output = ice?.nextOutput() {
            switch output {
            case .transmit(let datagram, let path): emit(.transmit(datagram, path: path))
            case .event(.selected(let selected)):
                path = selected
                if isRestarting {
                    isRestarting = false
                    emit(.event(.restarted))
                }
                startHandshake(at: now)
            case .event(.failed(.noPairWorked)): end(.unreachable)
            case .event(.failed(.consentLost)): end(.silent)
            }
        }
        path = ice?.selectedPath ?? (isRestarting ? path : nil)
        iceDeadline = ice?.deadline
    }

    // MARK: - DTLS

    private mutating func startHandshake(at now: Instant) {
        guard phase == .connecting else { return }
        phase = .handshaking
        connectedAt = now
        handshakeEndsAt = now + Self.handshakeTimeout
        do throws(DTLSError) {
            var endpoint = try DTLSEndpoint(context: context, role: role, expected: fingerprints)
            endpoint.start()
            dtls = consume endpoint
        } catch {
            return end(.handshakeFailed(error))
        }
        drainHandshake(at: now)
    }

    mutating func advanceHandshake(to now: Instant) {
        guard phase == .handshaking else { return }
        if let handshakeTimerAt, now >= handshakeTimerAt {
            dtls?.handleTimeout()
            drainHandshake(at: now)
        }
        if let handshakeEndsAt, now >= handshakeEndsAt { end(.handshakeFailed(.timeout)) }
    }

    mutating func drainHandshake(at now: Instant) {
        while let event = dtls?.nextEvent() {
            switch event {
            case .connected(let keys): install(keys, at: now)
            case .failed(let error): end(.handshakeFailed(error))
            case .closed: end(.closedByServer)
            }
        }
        while let datagram = dtls?.nextDatagram() {
            guard let path else { continue }
            emit(.transmit(datagram, path: path))
        }
        handshakeTimerAt = phase == .handshaking ? (dtls?.timeout()).flatMap { $0 }.map { now + $0 } : nil
    }

    private mutating func install(_ keys: DTLSKeys, at now: Instant) {
        let profile: SRTPProfile =
            switch keys.profile {
            case .aeadAES128GCM: .aeadAES128GCM
            case .aes128CMSHA1_80: .aes128CMSHA1_80
            }
        do throws(SRTPError) {
            sender = try SRTPSender(profile: profile, key: keys.localKey, salt: keys.localSalt)
            receiver = try SRTPReceiver(profile: profile, key: keys.remoteKey, salt: keys.remoteSalt)
        } catch {
            return end(.handshakeFailed(.setup("SRTP")))
        }
        phase = .connected
        handshakeEndsAt = nil
        securedAt = now
        nextReportAt = now + Self.reportInterval
        for index in incoming.indices { incoming[index].start(at: now) }
        if !isPublisher { epoch = now }
        emit(.event(.connected))
    }

    // MARK: - SRTP

    mutating func sendRTP(_ packet: OutgoingTrack.Packet) {
        guard let path, let profile = sender?.profile else { return }
        var bytes = packet.bytes
        let length = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: profile.rtpTagLength))
        let count = bytes.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return 0 }
            return sender?.protect(
                base,
                headerLength: RTPHeader.fixedLength,
                payload: UnsafeRawBufferPointer(rebasing: buffer[RTPHeader.fixedLength..<length]),
                ssrc: packet.ssrc,
                index: packet.index
            ) ?? 0
        }
        guard count > 0 else { return }
        emit(.transmit(bytes, path: path))
    }

    /// Sends a compound, with an empty receiver report in front where it does not start with a report itself.
    mutating func sendRTCP(_ packets: [RTCPPacket]) {
        guard let path, let profile = sender?.profile else { return }
        var writer = ByteWriter(capacity: 256)
        switch packets.first {
        case .senderReport, .receiverReport: break
        default:
            let ssrc = outgoing.first?.ssrc ?? reportSSRC
            RTCPPacket.receiverReport(ReceiverReport(ssrc: ssrc)).write(to: &writer)
        }
        for packet in packets { packet.write(to: &writer) }
        var bytes = writer.bytes
        let length = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: profile.rtcpOverhead))
        let count = bytes.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return 0 }
            return sender?.protectRTCP(base, length: length) ?? 0
        }
        guard count > 0 else { return }
        emit(.transmit(bytes, path: path))
    }
}

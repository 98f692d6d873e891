internal import COpenSSL
package import Primitives

/// What an endpoint tells its driver.
package enum DTLSEvent: Equatable, Sendable {
    /// The handshake is over and the peer is who its fingerprint says. Install the keys before the datagrams that
    /// the same call left in the queue are sent: the peer may answer the last flight with media at once.
    case connected(DTLSKeys)
    /// There will be no keys. Once per endpoint, and only instead of ``connected(_:)``.
    case failed(DTLSError)
    /// The peer ended the association, with close_notify or a fatal alert. Once, after ``connected(_:)``.
    case closed
}

/// One end of a DTLS 1.2 association that agrees on SRTP keys (RFC 6347, RFC 5764).
///
/// Drain ``nextEvent()`` and then ``nextDatagram()`` after every other call. The only thing here that reads a clock
/// is OpenSSL's retransmission timer: ask ``timeout()`` and call ``handleTimeout()`` when that time has passed.
/// A server whose client never speaks has no timer at all; how long to wait for it is up to the driver.
///
/// Datagrams that are not DTLS, or not of this association, have no effect.
///
/// It is `Sendable` although an SSL object is not thread safe, because it cannot be copied: whoever holds it is alone.
package struct DTLSEndpoint: ~Copyable, @unchecked Sendable {
    private enum State: Equatable {
        case handshaking
        case connected
        case ended
    }

    /// The smallest MTU that OpenSSL works with.
    private static let minimumMTU = 256
    /// How often one datagram is looked at again for records behind one that OpenSSL ignored.
    private static let maximumPassesPerDatagram = 32

    private let ssl: OpaquePointer
    private let bio: OpaquePointer
    private let transport: DTLSTransport
    private let role: DTLSRole
    private var state = State.handshaking
    private var events: [DTLSEvent] = []

    /// Makes an endpoint that has sent nothing yet.
    ///
    /// - Parameters:
    ///   - context: Our certificate.
    ///   - role: Which end we are.
    ///   - expected: The peer's fingerprints from its description; its certificate must have one of them. Those of
    ///     SHA-1 never match.
    ///   - mtu: The largest datagram to send, in bytes without UDP and IP headers; at least 256.
    ///   - timer: When to send a flight again.
    /// - Throws: ``DTLSError/setup(_:)``.
    package init(
        context: DTLSContext,
        role: DTLSRole,
        expected: [Fingerprint],
        mtu: Int = 1200,
        timer: DTLSRetransmissionTimer = DTLSRetransmissionTimer()
    ) throws(DTLSError) {
        let transport = DTLSTransport(expected: expected)
        let address = Unmanaged.passUnretained(transport).toOpaque()
        guard let ssl = SSL_new(context.pointer) else { throw .setup("SSL_new") }
        let bio = martlet_datagram_bio_new(
            { context, bytes, count in
                guard let context else { return }
                DTLSTransport.from(context).send(UnsafeBufferPointer(start: bytes, count: count))
            },
            address
        )
        guard let bio, SSL_set_ex_data(ssl, 0, address) == 1 else {
            BIO_free(bio)
            SSL_free(ssl)
            throw .setup("BIO_new")
        }
        SSL_set_bio(ssl, bio, bio)
        SSL_set_info_callback(ssl) { ssl, place, value in
            // The upper byte of `value` is the level of the alert, the lower its description.
            guard place == SSL_CB_READ_ALERT, value >> 8 == SSL3_AL_FATAL, let ssl,
                let transport = SSL_get_ex_data(ssl, 0)
            else { return }
            DTLSTransport.from(transport).receivedAlert = UInt8(truncatingIfNeeded: value)
        }
        martlet_ssl_set_mtu(ssl, max(mtu, Self.minimumMTU))
        martlet_datagram_bio_set_timer(ssl, timer.initialMicroseconds, timer.maximumMicroseconds)
        switch role {
        case .client: SSL_set_connect_state(ssl)
        case .server: SSL_set_accept_state(ssl)
        }
        self.ssl = ssl
        self.bio = bio
        self.transport = transport
        self.role = role
    }

    deinit {
        SSL_free(ssl)
    }

    // MARK: Inputs

    /// Sends the first flight when we are the client; a server waits.
    package mutating func start() {
        guard role == .client, state == .handshaking else { return }
        advanceHandshake()
    }

    /// Takes one datagram from the network, whoever sent it.
    package mutating func receive(_ datagram: Span<UInt8>) {
        guard state != .ended, !datagram.isEmpty else { return }
        if state == .connected, SSL_alloc_buffers(ssl) != 1 { return }
        datagram.withUnsafeBufferPointer { bytes in
            martlet_datagram_bio_offer(bio, bytes.baseAddress, bytes.count)
            var passes = 0
            repeat {
                if state == .handshaking { advanceHandshake() }
                if state == .connected { readRecords() }
                passes += 1
                // OpenSSL stops behind a record that it ignores, for instance a ChangeCipherSpec that overtook others.
            } while state != .ended && passes < Self.maximumPassesPerDatagram
                && (martlet_datagram_bio_has_unread(bio) == 1 || SSL_has_pending(ssl) == 1)
            // The span is borrowed: nothing may read it after this call.
            martlet_datagram_bio_offer(bio, nil, 0)
        }
        if state == .connected { releaseBuffers() }
    }

    /// Sends the last flight again, if ``timeout()`` has passed.
    ///
    /// Earlier calls have no effect.
    package mutating func handleTimeout() {
        guard state == .handshaking else { return }
        ERR_clear_error()
        guard martlet_dtls_handle_timeout(ssl) < 0 else { return }
        fail(.timeout)
    }

    /// Tells the peer that we leave (close_notify), if a handshake ever got that far, and ends this endpoint.
    package mutating func close() {
        if state == .connected, SSL_alloc_buffers(ssl) == 1 {
            ERR_clear_error()
            _ = SSL_shutdown(ssl)
        }
        state = .ended
    }

    // MARK: Outputs

    /// The time until ``handleTimeout()`` has something to do; `nil` when no timer runs.
    package func timeout() -> Interval? {
        guard state == .handshaking else { return nil }
        let microseconds = martlet_dtls_timeout(ssl)
        return microseconds < 0 ? nil : .microseconds(microseconds)
    }

    /// The next datagram to send, in order.
    package mutating func nextDatagram() -> [UInt8]? { transport.takeOutgoing() }

    /// The next thing that happened, in order.
    package mutating func nextEvent() -> DTLSEvent? { events.isEmpty ? nil : events.removeFirst() }

    // MARK: The handshake

    private mutating func advanceHandshake() {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        if result == 1 {
            finishHandshake()
            return
        }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: break
        default: fail(handshakeError())
        }
    }

    private mutating func finishHandshake() {
        guard let profile = SSL_get_selected_srtp_profile(ssl),
            let profile = DTLSSRTPProfile(rawValue: UInt16(truncatingIfNeeded: profile.pointee.id))
        else {
            // Our last flight stays in the queue, because the peer can read a farewell only behind it.
            _ = SSL_shutdown(ssl)
            return fail(.noCommonSRTPProfile)
        }
        var exported = [UInt8](repeating: 0, count: DTLSKeys.exportLength(profile))
        defer { exported.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
        let label = DTLSKeys.exporterLabel
        guard
            SSL_export_keying_material(ssl, &exported, exported.count, label, label.utf8.count, nil, 0, 0) == 1
        else { return fail(.setup("exporter")) }
        state = .connected
        events.append(.connected(DTLSKeys(profile: profile, exported: exported, role: role)))
    }

    private func handshakeError() -> DTLSError {
        if transport.sawUnexpectedCertificate { return .fingerprintMismatch }
        if let alert = transport.receivedAlert { return .peerAlert(alert) }
        let code = ERR_peek_last_error()
        // OpenSSL looks at its timer whenever it has read all there is, not only when it is told to.
        if ERR_GET_REASON(code) == SSL_R_READ_TIMEOUT_EXPIRED { return .timeout }
        guard code != 0, let reason = ERR_reason_error_string(code) else { return .handshake("unknown reason") }
        return .handshake(String(cString: reason))
    }

    private mutating func fail(_ error: DTLSError) {
        state = .ended
        events.append(.failed(error))
    }

    // MARK: After the handshake

    /// Lets OpenSSL see what comes after the handshake.
    ///
    /// That is a repeated last flight of the peer, which it answers with ours, and alerts. Application data has no
    /// meaning here and is dropped.
    private mutating func readRecords() {
        withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 1) { buffer in
            for _ in 0..<Self.maximumPassesPerDatagram {
                ERR_clear_error()
                let count = SSL_read(ssl, buffer.baseAddress, Int32(buffer.count))
                if count > 0 { continue }
                switch SSL_get_error(ssl, count) {
                case SSL_ERROR_ZERO_RETURN:
                    // The answer that RFC 5246 §7.2.1 asks for.
                    _ = SSL_shutdown(ssl)
                    end()
                case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
                    break
                default:
                    // Media does not need the association any more; only the peer's word ends it.
                    if transport.receivedAlert != nil { end() }
                }
                return
            }
        }
    }

    /// Gives the record buffers back, 33 KB of the 76 KB that a viewer would cost.
    ///
    /// SSL_MODE_RELEASE_BUFFERS does so for TLS alone. They are needed again only for a last flight that was lost and
    /// for farewells.
    private func releaseBuffers() {
        _ = SSL_free_buffers(ssl)
    }

    private mutating func end() {
        state = .ended
        events.append(.closed)
    }
}

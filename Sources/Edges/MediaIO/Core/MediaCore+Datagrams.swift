import DTLS
import ICE
package import Primitives
import RTP
import SRTP
import STUN
import WebRTC

/// Datagrams in: which session they belong to, and what kind they are (RFC 7983).
extension MediaCore {
    /// Takes one datagram from the network.
    ///
    /// Media is decrypted in place.
    ///
    /// To an unauthenticated datagram the only answer is a Binding response.
    package mutating func receive(
        _ datagram: UnsafeMutableRawBufferPointer,
        from source: TransportAddress,
        at now: Instant,
        into batch: inout SendBatch
    ) {
        receive(datagram, from: source, receivedBy: nil, at: now, into: &batch)
    }

    /// Takes a datagram that worker `other` received, or that came by our own socket.
    private mutating func receive(
        _ datagram: UnsafeMutableRawBufferPointer,
        from source: TransportAddress,
        receivedBy other: Int?,
        at now: Instant,
        into batch: inout SendBatch
    ) {
        guard datagram.count >= 2 else {
            counters.datagramsIgnored += 1
            return
        }
        switch DatagramKind(firstByte: datagram[0], secondByte: datagram[1]) {
        case .stun where source.connection >= LinkRoute.firstNumber:
            receiveLinkCheck(datagram, from: source, at: now, into: &batch)
        case .stun:
            receiveSTUN(datagram, from: source, receivedBy: other, at: now, into: &batch)
        case .dtls:
            guard let slot = owner(of: source, datagram: datagram, receivedBy: other) else { return }
            // Only an address that has proved itself by ICE may cost us a handshake.
            guard peers[slot].pointee.ice.isValidated(source) || peers[slot].pointee.linkNumber != 0,
                datagram.count <= 2048
            else {
                counters.datagramsIgnored += 1
                return
            }
            startHandshake(slot)
            handshakes.append(.datagram(peers[slot].pointee.id, Array(datagram)))
        case .rtp:
            guard let slot = owner(of: source, datagram: datagram, receivedBy: other) else { return }
            receiveRTP(datagram, peer: slot, from: source, at: now, into: &batch)
        case .rtcp:
            guard let slot = owner(of: source, datagram: datagram, receivedBy: other) else { return }
            receiveRTCP(datagram, peer: slot, from: source, at: now, into: &batch)
        case .other:
            counters.datagramsIgnored += 1
        }
    }

    /// The local session behind an address; passes the datagram on when another worker has it.
    private mutating func owner(
        of source: TransportAddress,
        datagram: UnsafeMutableRawBufferPointer,
        receivedBy other: Int?
    ) -> Int? {
        if let slot = peersByAddress[source] { return slot }
        if other == nil, let worker = foreignAddresses[source] {
            passOn(datagram, from: source, to: worker)
        } else {
            counters.datagramsIgnored += 1
        }
        return nil
    }

    // MARK: ICE

    private mutating func receiveSTUN(
        _ datagram: UnsafeMutableRawBufferPointer,
        from source: TransportAddress,
        receivedBy other: Int?,
        at now: Instant,
        into batch: inout SendBatch
    ) {
        let bytes = datagram.bindMemory(to: UInt8.self)
        let span = Span(_unsafeElements: UnsafeBufferPointer(bytes))
        guard let username = STUNPeek.localUsernameFragment(of: span) else {
            counters.datagramsIgnored += 1
            return
        }
        guard let slot = peersByUsername[username] else {
            if other == nil, let worker = SessionUsername.worker(of: username), worker != configuration.worker,
                foreign.indices.contains(worker)
            {
                passOn(datagram, from: source, to: worker)
            } else {
                counters.datagramsIgnored += 1
            }
            return
        }
        let action = peers[slot].pointee.ice.receive(span, from: source, at: now)
        retireUsername(ofPeer: slot)
        switch action {
        case .drop:
            counters.datagramsRefused += 1
        case .respond(let response, let authenticated, let selected):
            batch.send(response, to: source)
            if authenticated { remember(source, peer: slot, receivedBy: other) }
            if let selected { select(selected, peer: slot, at: now) }
        }
    }

    private mutating func remember(_ source: TransportAddress, peer slot: Int, receivedBy other: Int?) {
        if peersByAddress[source] != slot {
            // A newer session of the same client may reuse the address of an older one.
            peersByAddress[source] = slot
            peers[slot].pointee.knownAddresses.append(source)
            if peers[slot].pointee.knownAddresses.count > Self.maximumAddressesPerPeer {
                let oldest = peers[slot].pointee.knownAddresses.removeFirst()
                if peersByAddress[oldest] == slot { peersByAddress[oldest] = nil }
            }
        }
        if let other {
            messages.append(Message(worker: other, command: .learn(source, worker: configuration.worker)))
        }
    }

    /// Addresses of one session that are remembered at a time.
    static var maximumAddressesPerPeer: Int { 8 }

    mutating func select(_ address: TransportAddress, peer slot: Int, at now: Instant) {
        peers[slot].pointee.address = address
        if peers[slot].pointee.selectedAt == nil {
            peers[slot].pointee.selectedAt = now
            counters.joins.ice.record(now.since(peers[slot].pointee.createdAt))
        }
        startHandshake(slot)
    }

    mutating func startHandshake(_ slot: Int) {
        guard !peers[slot].pointee.handshakeStarted else { return }
        peers[slot].pointee.handshakeStarted = true
        let peer = peers[slot]
        handshakes.append(.start(peer.pointee.id, peer.pointee.dtlsRole, peer.pointee.fingerprints))
    }

    // MARK: Between workers

    mutating func learn(_ address: TransportAddress, worker: Int) {
        guard worker != configuration.worker, foreign.indices.contains(worker) else { return }
        if foreignAddresses.count >= Self.maximumForeignAddresses, foreignAddresses[address] == nil {
            // The table is a cache: a flow that is evicted is learnt again by its next Binding request.
            if let victim = foreignAddresses.keys.first { foreignAddresses[victim] = nil }
        }
        foreignAddresses[address] = worker
    }

    private mutating func passOn(
        _ datagram: UnsafeMutableRawBufferPointer,
        from source: TransportAddress,
        to worker: Int
    ) {
        var batch = foreign[worker].take() ?? ForeignDatagrams(from: configuration.worker)
        if batch.bytes.count + datagram.count <= Self.maximumForeignBytes {
            batch.entries.append(.init(offset: batch.bytes.count, length: datagram.count, source: source))
            batch.bytes.append(contentsOf: UnsafeRawBufferPointer(datagram))
        } else {
            counters.datagramsDropped += 1
        }
        foreign[worker] = batch
    }

    /// Hands over the datagrams collected for other workers; call once per wake-up.
    package mutating func flushForeign() {
        for worker in foreign.indices {
            if let batch = foreign[worker].take() {
                messages.append(Message(worker: worker, command: .datagrams(batch)))
            }
        }
    }

    mutating func receive(_ datagrams: ForeignDatagrams, at now: Instant, into batch: inout SendBatch) {
        var bytes = datagrams.bytes
        bytes.withUnsafeMutableBytes { buffer in
            for entry in datagrams.entries {
                let datagram = UnsafeMutableRawBufferPointer(
                    rebasing: buffer[entry.offset..<(entry.offset + entry.length)]
                )
                receive(datagram, from: entry.source, receivedBy: datagrams.from, at: now, into: &batch)
            }
        }
    }

    // MARK: DTLS

    mutating func handshake(
        _ id: PeerID,
        _ output: HandshakeOutput,
        at now: Instant,
        into batch: inout SendBatch
    ) {
        if case .farewell(let datagrams, let address) = output {
            for datagram in datagrams { batch.send(datagram, to: address) }
            return
        }
        guard let slot = peersByID[id] else { return }
        func send(_ datagrams: [[UInt8]], _ batch: inout SendBatch, to address: TransportAddress?) {
            guard let address else { return }
            for datagram in datagrams { batch.send(datagram, to: address) }
        }
        let address = peers[slot].pointee.address ?? peers[slot].pointee.knownAddresses.last
        switch output {
        case .datagrams(let datagrams):
            send(datagrams, &batch, to: address)
        case .connected(let keys, let lastFlight):
            guard install(keys, peer: slot) else {
                endPeer(slot, .handshakeFailed(.setup("SRTP keys")), at: now, into: &batch)
                return
            }
            send(lastFlight, &batch, to: address)
            peers[slot].pointee.connectedAt = now
            counters.joins.dtls.record(now.since(peers[slot].pointee.selectedAt ?? now))
            events.append(.connected(id))
            beginForwarding(to: slot, at: now, into: &batch)
            takeEarly(slot, at: now, into: &batch)
        case .failed(let error, let datagrams):
            send(datagrams, &batch, to: address)
            endPeer(slot, .handshakeFailed(error), at: now, into: &batch)
        case .farewell: break
        case .closed:
            endPeer(slot, .closed, at: now, into: &batch)
        }
    }

    private mutating func install(_ keys: DTLSKeys, peer slot: Int) -> Bool {
        let profile: SRTPProfile =
            switch keys.profile {
            case .aeadAES128GCM: .aeadAES128GCM
            case .aes128CMSHA1_80: .aes128CMSHA1_80
            }
        do throws(SRTPError) {
            peers[slot].pointee.sender = try SRTPSender(
                profile: profile,
                key: keys.localKey,
                salt: keys.localSalt,
                backend: configuration.srtpBackend
            )
            peers[slot].pointee.receiver = try SRTPReceiver(
                profile: profile,
                key: keys.remoteKey,
                salt: keys.remoteSalt,
                backend: configuration.srtpBackend
            )
            peers[slot].pointee.rtcpOverhead = profile.rtcpOverhead
            return true
        } catch {
            return false
        }
    }
}

import ICE
package import Primitives

/// How sessions keep their paths: restarts of ICE, peers that move, TCP connections that end.
extension MediaCore {
    // MARK: Restarts

    /// Takes a peer's new ICE credentials beside the old ones; see ``ICELiteAgent/restart(local:remote:at:)``.
    ///
    /// A session has two usernames at most.
    mutating func restartICE(_ id: PeerID, local: ICECredentials, remote: ICECredentials, at now: Instant) {
        guard let slot = peersByID[id] else { return }
        if let replaced = peers[slot].pointee.ice.restart(local: local, remote: remote, at: now) {
            peersByUsername[Array(replaced.utf8)] = nil
        }
        peersByUsername[Array(local.usernameFragment.utf8)] = slot
    }

    /// Usernames that checks may name: one for each session, and one more for each restart that waits.
    package var usernameCount: Int { peersByUsername.count }

    /// Forgets the old username of a session whose restart has just succeeded.
    mutating func retireUsername(ofPeer slot: Int) {
        guard let retired = peers[slot].pointee.ice.takeRetiredFragment() else { return }
        peersByUsername[Array(retired.utf8)] = nil
    }

    // MARK: Moves

    /// Notes a packet that authenticated, and follows a peer that has moved.
    mutating func noteAuthenticatedPacket(from source: TransportAddress, peer slot: Int, at now: Instant) {
        guard let moved = peers[slot].pointee.ice.noteAuthenticatedPacket(from: source, at: now) else { return }
        peers[slot].pointee.address = moved
    }

    // MARK: Ends

    /// Why a session without consent has none.
    func cause(ofLostPeer slot: Int) -> PeerEnd {
        switch peers[slot].pointee.ice.lack {
        case .checks: .noChecks
        case .authenticity: .noPair
        case .consent: .consentExpired
        }
    }

    /// Why a session has no keys after all this time: of a path that its peer never settled on, nothing can be said.
    func cause(ofUnfinishedHandshake slot: Int) -> PeerEnd {
        peers[slot].pointee.ice.isNominated || peers[slot].pointee.linkNumber != 0 ? .handshakeTimeout : .noPair
    }

    /// Whether an address has proved itself to be a session's.
    package func isKnown(_ address: TransportAddress) -> Bool { peersByAddress[address] != nil }

    /// A path has ended: nothing can come from there or go there any more.
    ///
    /// Its session goes on over the next path that the peer chooses, until consent expires.
    package mutating func forgetPath(_ address: TransportAddress) {
        guard let slot = peersByAddress.removeValue(forKey: address) else { return }
        peers[slot].pointee.knownAddresses.removeAll { $0 == address }
        peers[slot].pointee.ice.forget(address)
        peers[slot].pointee.address = peers[slot].pointee.ice.selectedAddress
    }

    /// Counts datagrams that the worker's sockets have lost behind the batch.
    mutating func noteDropped(_ datagrams: Int) {
        counters.datagramsDropped += datagrams
    }
}

import ICE
import Primitives
import WebRTC

/// Sessions that connect outwards, to another gateway: each has a socket of its own, because two streams of one
/// gateway would otherwise come from one address and be one session.
extension MediaCore {
    /// How long another gateway may take to answer a check.
    static var linkTimeout: Interval { .seconds(5) }

    /// Begins to look for a way to another gateway.
    mutating func beginLink(
        _ specification: PeerSpecification, _ route: LinkRoute, at now: Instant, into batch: inout SendBatch
    ) {
        guard let slot = peersByID[specification.id] else { return }
        var configuration = ICEAgent.Configuration()
        configuration.connectTimeout = Self.linkTimeout
        peers[slot].pointee.linkNumber = route.number
        peers[slot].pointee.agent = ICEAgent(
            role: .controlling,
            local: specification.local,
            remote: specification.remote,
            remoteIsLite: true,
            localCandidates: Self.linkEnds.map { ICECandidate(address: $0) },
            createdAt: now,
            configuration: configuration
        )
        linksByNumber[route.number] = slot
        for candidate in route.candidates { peers[slot].pointee.agent?.addRemoteCandidate(candidate, at: now) }
        drainLink(slot, at: now, into: &batch)
    }

    /// Our end of every pair, by family: the socket is one, and nobody but the agent sees these names of it.
    private static let linkEnds = [
        TransportAddress(ipv4: 0x7F00_0001, port: 9), TransportAddress(high: 0, low: 1, port: 9),
    ]

    /// Takes a STUN message that came by a link's socket.
    mutating func receiveLinkCheck(
        _ datagram: UnsafeMutableRawBufferPointer, from source: TransportAddress, at now: Instant,
        into batch: inout SendBatch
    ) {
        guard let slot = linksByNumber[source.connection] else {
            counters.datagramsIgnored += 1
            return
        }
        let bytes = Span(_unsafeElements: UnsafeBufferPointer(datagram.bindMemory(to: UInt8.self)))
        var address = source
        address.connection = 0
        let local = Self.linkEnds[source.isIPv4 ? 0 : 1]
        let reason = peers[slot].pointee.agent?.receive(bytes, on: local, from: address, at: now)
        if reason != nil { counters.datagramsRefused += 1 }
        drainLink(slot, at: now, into: &batch)
    }

    /// Sends what is due of checks and consent.
    mutating func advanceLinks(to now: Instant, into batch: inout SendBatch) {
        guard !linksByNumber.isEmpty else { return }
        for slot in Array(linksByNumber.values) where peers.contains(slot) {
            guard let deadline = peers[slot].pointee.agent.deadline, deadline <= now else { continue }
            peers[slot].pointee.agent?.advance(to: now)
            drainLink(slot, at: now, into: &batch)
        }
    }

    /// When ``advanceLinks(to:into:)`` has something to do.
    var nextLinkCheck: Instant? {
        linksByNumber.isEmpty ? nil : linksByNumber.values.compactMap { peers[$0].pointee.agent.deadline }.min()
    }

    private mutating func drainLink(_ slot: Int, at now: Instant, into batch: inout SendBatch) {
        let number = peers[slot].pointee.linkNumber
        while peers.contains(slot), let output = peers[slot].pointee.agent?.nextOutput() {
            switch output {
            case .transmit(let datagram, let path):
                batch.send(datagram, to: Self.end(path.remote, of: number))
            case .event(.selected(let path)):
                let address = Self.end(path.remote, of: number)
                peersByAddress[address] = slot
                peers[slot].pointee.knownAddresses.append(address)
                select(address, peer: slot, at: now)
            case .event(.failed(let failure)):
                return endPeer(
                    slot, failure == .consentLost ? .consentExpired : .noPair, at: now, into: &batch)
            }
        }
    }

    /// Packets of a link that wait for its keys, at most.
    static var maximumEarly: Int { 512 }

    /// Keeps a packet until the keys are there: the other gateway has them a moment before us.
    func holdEarly(_ datagram: UnsafeMutableRawBufferPointer, peer slot: Int) {
        guard peers[slot].pointee.early.count < Self.maximumEarly else { return }
        peers[slot].pointee.early.append(Array(datagram))
    }

    /// Takes in what came before the keys.
    mutating func takeEarly(_ slot: Int, at now: Instant, into batch: inout SendBatch) {
        guard let address = peers[slot].pointee.address else { return }
        let early = peers[slot].pointee.early
        peers[slot].pointee.early = []
        for var bytes in early {
            bytes.withUnsafeMutableBytes { receiveRTP($0, peer: slot, from: address, at: now, into: &batch) }
        }
    }

    private static func end(_ address: TransportAddress, of number: UInt32) -> TransportAddress {
        var address = address
        address.connection = number
        return address
    }

    /// Whether a socket of this number belongs to a session.
    package func isLinked(_ number: UInt32) -> Bool { linksByNumber[number] != nil }
}

extension Optional where Wrapped == ICEAgent {
    /// When the agent wants to be advanced, without moving it.
    var deadline: Instant? {
        switch self {
        case .some(let agent): agent.deadline
        case .none: nil
        }
    }
}

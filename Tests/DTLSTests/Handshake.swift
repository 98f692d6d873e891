import DTLS
import Primitives
import TestSupport

/// A client and a server in one process, with a network between them that a test can spoil.
///
/// A class because `#expect` takes no arguments that cannot be copied.
final class Handshake {
    /// What happens to the datagrams of one flight on their way.
    typealias Network = (_ flight: [[UInt8]], inout SeededGenerator) -> [[UInt8]]

    var client: DTLSEndpoint
    var server: DTLSEndpoint
    private(set) var clientEvents: [DTLSEvent] = []
    private(set) var serverEvents: [DTLSEvent] = []
    /// How often a flight crossed the network, in either direction.
    private(set) var flights = 0
    private(set) var largestDatagram = 0

    init(
        client clientContext: DTLSContext = .clientForTests,
        server serverContext: DTLSContext = .serverForTests,
        clientExpects: [Fingerprint]? = nil,
        serverExpects: [Fingerprint]? = nil,
        mtu: Int = 1200,
        timer: DTLSRetransmissionTimer = .never
    ) throws {
        client = try DTLSEndpoint(
            context: clientContext,
            role: .client,
            expected: clientExpects ?? [serverContext.fingerprint],
            mtu: mtu,
            timer: timer
        )
        server = try DTLSEndpoint(
            context: serverContext,
            role: .server,
            expected: serverExpects ?? [clientContext.fingerprint],
            mtu: mtu,
            timer: timer
        )
        client.start()
    }

    /// Whether both ends have said how it ended.
    var isOver: Bool { !clientEvents.isEmpty && !serverEvents.isEmpty }
    var clientKeys: DTLSKeys? { clientEvents.first?.keys }
    var serverKeys: DTLSKeys? { serverEvents.first?.keys }
    var clientTimeout: Interval? { client.timeout() }
    var serverTimeout: Interval? { server.timeout() }

    func takeFromClient() -> [[UInt8]] {
        let flight = client.drain()
        clientEvents += client.drainEvents()
        return flight
    }

    func takeFromServer() -> [[UInt8]] {
        let flight = server.drain()
        serverEvents += server.drainEvents()
        return flight
    }

    func giveToServer(_ datagrams: [[UInt8]]) {
        if !datagrams.isEmpty { flights += 1 }
        for datagram in datagrams {
            largestDatagram = max(largestDatagram, datagram.count)
            server.receive(datagram.span)
        }
        serverEvents += server.drainEvents()
    }

    func giveToClient(_ datagrams: [[UInt8]]) {
        if !datagrams.isEmpty { flights += 1 }
        for datagram in datagrams {
            largestDatagram = max(largestDatagram, datagram.count)
            client.receive(datagram.span)
        }
        clientEvents += client.drainEvents()
    }

    /// Lets the client's timer pass, which takes 3 ms of the real clock with ``DTLSRetransmissionTimer/short``.
    func expireClientTimer() {
        while let left = client.timeout(), left > .zero, left < .seconds(1) {}
        client.handleTimeout()
        clientEvents += client.drainEvents()
    }

    func expireServerTimer() {
        while let left = server.timeout(), left > .zero, left < .seconds(1) {}
        server.handleTimeout()
        serverEvents += server.drainEvents()
    }

    /// Runs until both ends are done or `maximumRounds` round trips have passed, retransmitting in each one that
    /// brought nothing.
    func run(
        seed: UInt64 = 0,
        maximumRounds: Int = 100,
        network: Network = { flight, _ in flight }
    ) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<maximumRounds where !isOver {
            let toServer = network(takeFromClient(), &generator)
            giveToServer(toServer)
            let toClient = network(takeFromServer(), &generator)
            giveToClient(toClient)
            if toServer.isEmpty, toClient.isEmpty {
                expireClientTimer()
                expireServerTimer()
            }
        }
    }
}

extension DTLSContext {
    /// Made once: key pairs cost more than handshakes.
    static let clientForTests = try! DTLSContext()
    static let serverForTests = try! DTLSContext()
}

extension DTLSRetransmissionTimer {
    /// So long that no stall of the machine makes it expire, for tests without loss.
    static let never = DTLSRetransmissionTimer(initial: .seconds(3600), maximum: .seconds(3600))
    /// For tests with loss, as OpenSSL reads the clock by itself and calls a timer expired 15 ms early.
    static let short = DTLSRetransmissionTimer(initial: .milliseconds(18), maximum: .milliseconds(18))
}

extension DTLSEndpoint {
    mutating func drain() -> [[UInt8]] {
        var datagrams: [[UInt8]] = []
        while let datagram = nextDatagram() { datagrams.append(datagram) }
        return datagrams
    }

    mutating func drainEvents() -> [DTLSEvent] {
        var events: [DTLSEvent] = []
        while let event = nextEvent() { events.append(event) }
        return events
    }
}

extension DTLSEvent {
    var keys: DTLSKeys? {
        if case .connected(let keys) = self { keys } else { nil }
    }

    var failure: DTLSError? {
        if case .failed(let error) = self { error } else { nil }
    }
}

import ICE
import Primitives
import STUN
import TestSupport

/// Agents joined by a network that loses and delays datagrams, in virtual time.
///
/// Everything follows from the seed: two runs are the same to the nanosecond.
struct VirtualPath: ~Copyable {
    /// One agent and what it has told its driver.
    struct Host: ~Copyable {
        var agent: ICEAgent
        var events: [(Instant, ICEAgent.Event)] = []
        var datagramsSent = 0
        var selectedAt: Instant? {
            events.first { if case .selected = $0.1 { true } else { false } }?.0
        }

        /// Keeps an event; returns what is to be sent.
        mutating func note(_ output: ICEAgent.Output, at now: Instant) -> ([UInt8], ICEAgent.Path)? {
            switch output {
            case .event(let event):
                events.append((now, event))
                return nil
            case .transmit(let bytes, let path):
                datagramsSent += 1
                return (bytes, path)
            }
        }
    }

    private struct Datagram {
        var arrival: Instant
        var bytes: [UInt8]
        var source: TransportAddress
        var destination: TransportAddress
        var towardsRight: Bool
    }

    var left: Host
    var right: Host
    private(set) var now = Instant.zero
    /// The chance of every datagram to be lost, 0 to 1.
    var loss = 0.0
    var delay = Interval.milliseconds(20)
    /// Addresses that nothing reaches, from or to.
    var unreachable: Set<TransportAddress> = []
    /// What an address behind a NAT looks like from the other side.
    var translations: [TransportAddress: TransportAddress] = [:]
    private var generator: SeededGenerator
    private var flying: [Datagram] = []

    init(left: consuming ICEAgent, right: consuming ICEAgent, seed: UInt64) {
        self.left = Host(agent: left)
        self.right = Host(agent: right)
        generator = SeededGenerator(seed: seed)
    }

    /// Runs until nothing is due before `end`, or `condition` holds.
    mutating func run(until end: Instant, stopWhen condition: (borrowing VirtualPath) -> Bool = { _ in false }) {
        collect()
        while !condition(self) {
            let deadlines = [left.agent.deadline, right.agent.deadline, flying.map(\.arrival).min()]
            guard let next = deadlines.compactMap(\.self).min(), next <= end else { break }
            now = max(now, next)
            deliver()
            if let deadline = left.agent.deadline, deadline <= now { left.agent.advance(to: now) }
            if let deadline = right.agent.deadline, deadline <= now { right.agent.advance(to: now) }
            collect()
        }
        if !condition(self) { now = max(now, end) }
    }

    private mutating func deliver() {
        let due = flying.filter { $0.arrival <= now }
        flying.removeAll { $0.arrival <= now }
        for datagram in due {
            if datagram.towardsRight {
                right.agent.receive(
                    datagram.bytes.span,
                    on: datagram.destination,
                    from: datagram.source,
                    at: now
                )
            } else {
                left.agent.receive(datagram.bytes.span, on: datagram.destination, from: datagram.source, at: now)
            }
        }
    }

    private mutating func collect() {
        while let output = left.agent.nextOutput() {
            if let sent = left.note(output, at: now) { send(sent.0, path: sent.1, towardsRight: true) }
        }
        while let output = right.agent.nextOutput() {
            if let sent = right.note(output, at: now) { send(sent.0, path: sent.1, towardsRight: false) }
        }
    }

    private mutating func send(_ bytes: [UInt8], path: ICEAgent.Path, towardsRight: Bool) {
        let isLost = Double.random(in: 0..<1, using: &generator) < loss
        let source = translations[path.local] ?? path.local
        let destination = translations.first { $0.value == path.remote }?.key ?? path.remote
        // A translated host has no other address on the outside.
        guard !isLost, !unreachable.contains(path.local), !unreachable.contains(path.remote),
            translations[path.remote] == nil
        else { return }
        flying.append(
            Datagram(
                arrival: now + delay,
                bytes: bytes,
                source: source,
                destination: destination,
                towardsRight: towardsRight
            )
        )
    }
}

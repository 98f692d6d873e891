import ICE
import Primitives
import STUN
import TestSupport
import Testing

@Suite("A full agent against a lite one")
struct FullAgainstLiteTests {
    private let gateway = ScriptedPeer.address(1, port: 8100)
    private let client = ScriptedPeer.address(9, port: 5000)

    private func fullAgent() -> ICEAgent {
        ICEAgent(
            role: .controlled,
            local: ScriptedPeer.own,
            remote: ScriptedPeer.gateway,
            remoteIsLite: true,
            localCandidates: [ICECandidate(address: client)],
            createdAt: .zero,
            generator: SeededGenerator(seed: 1)
        )
    }

    /// Carries datagrams between the two at once; returns what the lite agent selected.
    private func exchange(_ full: inout ICEAgent, _ lite: LiteAgent, at seconds: Double) -> [TransportAddress] {
        var selections: [TransportAddress] = []
        let now = Instant.zero + Interval(nanoseconds: Int64(seconds * 1e9))
        while let output = full.nextOutput() {
            guard case .transmit(let bytes, let path) = output else { continue }
            guard case .respond(let answer, _, let selected) = lite.receive(bytes, from: path.local, at: seconds)
            else { continue }
            if let selected { selections.append(selected) }
            full.receive(answer.span, on: path.local, from: path.remote, at: now)
        }
        return selections
    }

    @Test func `it controls whatever it was told, and nominates at once`() {
        var full = fullAgent()
        let lite = LiteAgent()
        let role = full.role
        #expect(role == .controlling)
        full.addRemoteCandidate(ICECandidate(address: gateway), at: .zero)
        #expect(exchange(&full, lite, at: 0) == [client])
        let path = full.selectedPath
        #expect(path == .init(local: client, remote: gateway))
        #expect(lite.selectedAddress == client)
    }

    @Test func `its consent questions keep the lite agent's session`() {
        var full = fullAgent()
        let lite = LiteAgent()
        full.addRemoteCandidate(ICECandidate(address: gateway), at: .zero)
        _ = exchange(&full, lite, at: 0)
        while let deadline = full.deadline, deadline < .zero + .seconds(600) {
            full.advance(to: deadline)
            let seconds = Double(deadline.nanoseconds) / 1e9
            #expect(!lite.isExpired(at: seconds))
            _ = exchange(&full, lite, at: seconds)
        }
        let failed = full.hasFailed
        #expect(!failed)
        #expect(!lite.isExpired(at: 600))
    }

    @Test func `checks go out at the pace of Ta`() {
        var full = fullAgent()
        for port in UInt16(1)...10 {
            full.addRemoteCandidate(ICECandidate(address: ScriptedPeer.address(1, port: port)), at: .zero)
        }
        var sent: [Instant] = []
        var now = Instant.zero
        while true {
            while full.nextOutput() != nil { sent.append(now) }
            guard let deadline = full.deadline, deadline < .zero + .milliseconds(499) else { break }
            now = max(now, deadline)
            full.advance(to: now)
        }
        #expect(sent == (0..<10).map { .zero + .milliseconds(50 * $0) })
    }
}

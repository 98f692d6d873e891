import ICE
import Primitives
import STUN
import TestSupport
import Testing

@Suite("What a full agent makes of strange input")
struct ICEAgentInputTests {
    private let local = ScriptedPeer.address(9, port: 5000)
    private let remote = ScriptedPeer.address(1, port: 8100)

    private func agent(candidates: Int = 1) -> ICEAgent {
        var agent = ICEAgent(
            role: .controlling,
            local: ScriptedPeer.own,
            remote: ScriptedPeer.gateway,
            localCandidates: [ICECandidate(address: local)],
            createdAt: .zero,
            generator: SeededGenerator(seed: 1)
        )
        for index in 0..<candidates {
            let address = ScriptedPeer.address(1, port: 8100 + UInt16(index))
            agent.addRemoteCandidate(ICECandidate(address: address), at: .zero)
        }
        return agent
    }

    private func check(_ agent: inout ICEAgent) throws -> STUNMessage {
        let output = agent.nextOutput()
        guard case .transmit(let bytes, _) = output else { throw NoCheck() }
        return try STUNMessage.parse(bytes.span)
    }
    private struct NoCheck: Error {}

    private func answer(
        to check: STUNMessage,
        class: STUNMessage.Class = .success,
        attributes: [STUNAttribute]? = nil,
        key: String? = ScriptedPeer.gateway.password.revealed
    ) -> [UInt8] {
        STUNMessage(
            class: `class`,
            transactionID: check.transactionID,
            attributes: attributes ?? [.xorMappedAddress(local)]
        ).encoded(integrityKey: key.map { Array($0.utf8) })
    }

    private func receive(
        _ bytes: [UInt8],
        by agent: inout ICEAgent,
        from source: TransportAddress? = nil
    ) -> ICEDropReason? {
        agent.receive(bytes.span, on: local, from: source ?? remote, at: .zero + .milliseconds(10))
    }

    @Test func `a check says who it is for, who asks and what it is worth`() throws {
        var agent = agent()
        let check = try check(&agent)
        #expect(check.class == .request)
        #expect(check.attributes.contains(.username(Array("w0gate:peer".utf8))))
        #expect(check.attributes.contains(.priority(110 << 24 | 65_535 << 8 | 255)))
        #expect(!check.attributes.contains(.useCandidate))
        #expect(check.hasIntegrity && check.hasFingerprint)
    }

    @Test func `an authentic answer leads to a nomination and that to a selection`() throws {
        var agent = agent()
        let first = try check(&agent)
        #expect(receive(answer(to: first), by: &agent) == nil)
        let nomination = try check(&agent)
        #expect(nomination.attributes.contains(.useCandidate))
        #expect(nomination.transactionID != first.transactionID)
        #expect(receive(answer(to: nomination), by: &agent) == nil)
        let output = agent.nextOutput()
        #expect(output == .event(.selected(.init(local: local, remote: remote))))
    }

    @Test func `forged answers are ignored and the true one still counts`() throws {
        var agent = agent()
        let check = try check(&agent)
        #expect(receive(answer(to: check, key: nil), by: &agent) == .unauthenticated)
        #expect(receive(answer(to: check, key: "wrong"), by: &agent) == .badIntegrity)
        let refusal = answer(to: check, class: .error, attributes: [.errorCode(.roleConflict)], key: nil)
        #expect(receive(refusal, by: &agent) == .unauthenticated)
        var stranger = check
        stranger.transactionID[0] ^= 1
        #expect(receive(answer(to: stranger), by: &agent) == .unexpected)
        #expect(receive([1, 2, 3], by: &agent) == .malformed)
        #expect(receive(answer(to: check, class: .indication), by: &agent) == .unexpected)
        #expect(receive(answer(to: check), by: &agent) == nil)
        #expect(receive(answer(to: check), by: &agent) == .unexpected, "an answer counts once")
    }

    @Test func `an answer from another address fails the pair`() throws {
        var agent = agent()
        let check = try check(&agent)
        #expect(receive(answer(to: check), by: &agent, from: ScriptedPeer.address(2)) == nil)
        let output = agent.nextOutput()
        #expect(output == nil)
    }

    @Test(arguments: [
        [STUNAttribute.errorCode(STUNErrorCode(code: 400, reason: ""))], [],
        [.xorMappedAddress(ScriptedPeer.address(3))],
    ])
    func `a pair that is refused gives way to the next`(attributes: [STUNAttribute]) throws {
        var agent = agent(candidates: 2)
        let first = try check(&agent)
        #expect(receive(answer(to: first, class: .error, attributes: attributes), by: &agent) == nil)
        agent.advance(to: .zero + .milliseconds(50))
        let second = agent.nextOutput()
        guard case .transmit(_, let path) = second else {
            Issue.record("no second check")
            return
        }
        #expect(path.remote.port == 8101)
    }

    @Test func `when the nomination is refused the next valid pair is nominated`() throws {
        var agent = agent(candidates: 2)
        let first = try check(&agent)
        agent.advance(to: .zero + .milliseconds(50))
        let second = try check(&agent)
        // The first pair is the better one by nothing but its age; the second answer comes first.
        #expect(receive(answer(to: first), by: &agent) == nil)
        #expect(receive(answer(to: second), by: &agent, from: ScriptedPeer.address(1, port: 8101)) == nil)
        guard case .transmit(let bytes, let path) = agent.nextOutput() else { throw NoCheck() }
        let nomination = try STUNMessage.parse(bytes.span)
        #expect(nomination.attributes.contains(.useCandidate))
        let error = [STUNAttribute.errorCode(STUNErrorCode(code: 500, reason: ""))]
        #expect(receive(answer(to: nomination, class: .error, attributes: error), by: &agent, from: path.remote) == nil)
        guard case .transmit(_, let next) = agent.nextOutput() else { throw NoCheck() }
        #expect(next.remote != path.remote)
    }

    @Test(arguments: [
        (
            ICEAgent.Role.controlling, STUNAttribute.iceControlling(0), ICEAgent.Role.controlling,
            STUNMessage.Class.error
        ),
        (.controlling, .iceControlling(.max), .controlled, .success),
        (.controlled, .iceControlled(0), .controlling, .success),
        (.controlled, .iceControlled(.max), .controlled, .error),
        (.controlling, .iceControlled(.max), .controlling, .success),
        (.controlled, .iceControlling(0), .controlled, .success),
    ])
    func `in a role conflict the greater tie-breaker controls`(
        before: ICEAgent.Role,
        claim: STUNAttribute,
        after: ICEAgent.Role,
        answer: STUNMessage.Class
    ) throws {
        var agent = ICEAgent(
            role: before,
            local: ScriptedPeer.own,
            localCandidates: [ICECandidate(address: local)],
            createdAt: .zero,
            generator: SeededGenerator(seed: 1)
        )
        let check = ScriptedPeer.check(
            username: "peer:w0gate",
            password: ScriptedPeer.own.password.revealed,
            role: claim
        )
        #expect(receive(check, by: &agent) == nil)
        let role = agent.role
        #expect(role == after)
        let message = try self.check(&agent)
        #expect(message.class == answer)
        #expect(message.attributes.contains(.errorCode(.roleConflict)) == (answer == .error))
    }

    @Test func `a role conflict reported by the peer makes the agent switch and check again with a new number`() throws
    {
        var agent = agent()
        let first = try check(&agent)
        let conflict = answer(to: first, class: .error, attributes: [.errorCode(.roleConflict)])
        #expect(receive(conflict, by: &agent) == nil)
        agent.advance(to: .zero + .milliseconds(50))
        let second = try check(&agent)
        let claims = [first, second].map { message in
            message.attributes.compactMap { attribute -> (isControlling: Bool, tieBreaker: UInt64)? in
                switch attribute {
                case .iceControlling(let number): (true, number)
                case .iceControlled(let number): (false, number)
                default: nil
                }
            }[0]
        }
        #expect(claims.map(\.isControlling) == [true, false])
        #expect(claims[0].tieBreaker != claims[1].tieBreaker)
    }

    @Test func `the peer's candidates are bounded`() {
        var agent = agent(candidates: 1_000)
        var destinations: Set<TransportAddress> = []
        while let deadline = agent.deadline, !agent.hasFailed {
            agent.advance(to: deadline)
            while let output = agent.nextOutput() {
                if case .transmit(_, let path) = output { destinations.insert(path.remote) }
            }
        }
        #expect(destinations.count == 32)
    }

    @Test func `a flood of checks from new addresses grows nothing without bound`() {
        var agent = agent(candidates: 0)
        let username = "peer:w0gate"
        for port in UInt16(1)...2_000 {
            let check = ScriptedPeer.check(
                username: username,
                password: ScriptedPeer.own.password.revealed,
                role: .iceControlled(1)
            )
            let source = ScriptedPeer.address(3, port: port)
            let reason = agent.receive(check.span, on: local, from: source, at: .zero + .microseconds(Int64(port)))
            #expect(reason == nil)
        }
        var destinations: Set<TransportAddress> = []
        while let output = agent.nextOutput() {
            if case .transmit(let bytes, let path) = output, bytes[0] == 0 { destinations.insert(path.remote) }
        }
        #expect(destinations.count <= 32)
    }

    @Test func `an enormous priority in a check does not overflow`() {
        var agent = agent(candidates: 0)
        let check = ScriptedPeer.check(
            priority: .max,
            username: "peer:w0gate",
            password: ScriptedPeer.own.password.revealed,
            role: .iceControlled(1)
        )
        #expect(receive(check, by: &agent) == nil)
    }

    @Test func `random datagrams never trap`() {
        var agent = agent()
        var generator = SeededGenerator(seed: 5)
        let template = ScriptedPeer.check(username: "peer:w0gate", password: ScriptedPeer.own.password.revealed)
        for _ in 0..<3_000 {
            var bytes = template
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            bytes.removeLast(Int.random(in: 0...3, using: &generator))
            _ = receive(bytes, by: &agent)
        }
        let failed = agent.hasFailed
        #expect(!failed)
    }
}

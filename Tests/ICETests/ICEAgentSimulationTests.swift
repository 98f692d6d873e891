import ICE
import Primitives
import STUN
import TestSupport
import Testing

@Suite("Two full agents in virtual time, RFC 8445")
struct ICEAgentSimulationTests {
    private static let leftHost = ScriptedPeer.address(10, port: 1000)
    private static let rightHost = ScriptedPeer.address(20, port: 2000)
    private static let leftCredentials = ICECredentials(
        usernameFragment: "left",
        password: Secret("leftleftleftleftleft22")
    )
    private static let rightCredentials = ICECredentials(
        usernameFragment: "right",
        password: Secret("rightrightrightright22")
    )

    private func agent(
        isLeft: Bool,
        role: ICEAgent.Role,
        addresses: [TransportAddress],
        seed: UInt64
    ) -> ICEAgent {
        ICEAgent(
            role: role,
            local: isLeft ? Self.leftCredentials : Self.rightCredentials,
            remote: isLeft ? Self.rightCredentials : Self.leftCredentials,
            localCandidates: addresses.enumerated().map {
                ICECandidate(address: $0.element, localPreference: 65_535 - UInt16($0.offset))
            },
            createdAt: .zero,
            generator: SeededGenerator(seed: seed)
        )
    }

    private func network(
        left: [TransportAddress] = [leftHost],
        right: [TransportAddress] = [rightHost],
        seed: UInt64,
        roles: (ICEAgent.Role, ICEAgent.Role) = (.controlling, .controlled),
        trickle: Bool = true
    ) -> VirtualPath {
        var network = VirtualPath(
            left: agent(isLeft: true, role: roles.0, addresses: left, seed: seed &* 2 &+ 1),
            right: agent(isLeft: false, role: roles.1, addresses: right, seed: seed &* 2 &+ 2),
            seed: seed
        )
        guard trickle else { return network }
        for (offset, address) in right.enumerated() {
            network.left.agent.addRemoteCandidate(
                ICECandidate(address: address, localPreference: 65_535 - UInt16(offset)),
                at: .zero
            )
        }
        for (offset, address) in left.enumerated() {
            network.right.agent.addRemoteCandidate(
                ICECandidate(address: address, localPreference: 65_535 - UInt16(offset)),
                at: .zero
            )
        }
        return network
    }

    private func paths(_ network: borrowing VirtualPath) -> [ICEAgent.Path?] {
        [network.left.agent.selectedPath, network.right.agent.selectedPath]
    }

    @Test func `without loss both select the pair within four round trips`() {
        var network = network(seed: 1)
        network.run(until: .zero + .seconds(1))
        #expect(
            paths(network) == [
                .init(local: Self.leftHost, remote: Self.rightHost),
                .init(local: Self.rightHost, remote: Self.leftHost),
            ]
        )
        let times = [network.left.selectedAt, network.right.selectedAt].compactMap(\.self)
        #expect(times.count == 2)
        #expect(times.allSatisfy { $0 <= .zero + .milliseconds(160) })
    }

    @Test(arguments: UInt64(1)...20)
    func `with a fifth of all datagrams lost both still agree on a pair`(seed: UInt64) {
        let second = ScriptedPeer.address(21, port: 2001)
        var network = network(right: [Self.rightHost, second], seed: seed)
        network.loss = 0.2
        network.run(until: .zero + .seconds(29))
        let selected = paths(network)
        #expect(selected[0] != nil)
        #expect(selected[0]?.remote == selected[1]?.local, "seed \(seed)")
        #expect(selected[0]?.local == selected[1]?.remote, "seed \(seed)")
    }

    @Test func `of several pairs the one of the highest priority is chosen`() {
        let worse = ScriptedPeer.address(21, port: 2001)
        var network = network(right: [worse, Self.rightHost].reversed(), seed: 3)
        network.run(until: .zero + .seconds(2))
        #expect(paths(network)[0]?.remote == Self.rightHost)
        #expect(paths(network)[1]?.local == Self.rightHost)
    }

    @Test func `a pair that does not work is passed over after a short wait`() {
        let second = ScriptedPeer.address(21, port: 2001)
        var network = network(right: [Self.rightHost, second], seed: 4)
        network.unreachable = [Self.rightHost]
        network.run(until: .zero + .seconds(2))
        #expect(paths(network)[0]?.remote == second)
        #expect(network.left.selectedAt.map { $0 <= .zero + .milliseconds(500) } == true)
    }

    @Test(
        arguments: [
            (ICEAgent.Role.controlling, ICEAgent.Role.controlling), (.controlled, .controlled),
        ],
        UInt64(1)...8
    )
    func `a role conflict is resolved`(roles: (ICEAgent.Role, ICEAgent.Role), seed: UInt64) {
        var network = network(seed: seed, roles: roles)
        network.run(until: .zero + .seconds(5))
        let agreed = network.left.agent.role != network.right.agent.role
        #expect(agreed, "seed \(seed)")
        #expect(!paths(network).contains(nil), "seed \(seed)")
    }

    @Test func `a peer behind a NAT is found by its checks`() {
        let mapped = TransportAddress(ipv4: 0xC633_6463, port: 40_000)
        var network = network(seed: 5)
        network.translations = [Self.leftHost: mapped]
        network.run(until: .zero + .seconds(2))
        #expect(paths(network)[0] == .init(local: Self.leftHost, remote: Self.rightHost))
        #expect(paths(network)[1] == .init(local: Self.rightHost, remote: mapped))
    }

    @Test func `candidates that come late are used`() {
        var network = network(seed: 6, trickle: false)
        network.run(until: .zero + .seconds(3))
        #expect(paths(network) == [nil, nil])
        network.left.agent.addRemoteCandidate(ICECandidate(address: Self.rightHost), at: network.now)
        network.run(until: .zero + .seconds(4))
        #expect(!paths(network).contains(nil))
    }

    @Test func `an agent that can reach nobody fails after 30 seconds and falls silent`() {
        var network = network(seed: 7)
        network.unreachable = [Self.rightHost]
        network.run(until: .zero + .seconds(100))
        let (time, event) = network.left.events[0]
        #expect(network.left.events.count == 1)
        #expect(time == .zero + .seconds(30))
        #expect(event == .failed(.noPairWorked))
        #expect(network.left.agent.deadline == nil)
        // Six transmissions fit into 30 s: at 0, 0.5, 1.5, 3.5, 7.5 and 15.5 s.
        #expect(network.left.datagramsSent == 6)
    }

    @Test func `consent is kept for an hour with a question every five seconds`() {
        var network = network(seed: 8)
        network.run(until: .zero + .seconds(3_600))
        #expect(!paths(network).contains(nil))
        // Questions of 4 to 6 s, and an answer to each of the peer's.
        #expect((1_200...1_800).contains(network.left.datagramsSent))
    }

    @Test func `a tenth of all datagrams lost does not end consent in ten minutes`() {
        var network = network(seed: 9)
        network.run(until: .zero + .seconds(1))
        network.loss = 0.1
        network.run(until: .zero + .seconds(600))
        #expect(!paths(network).contains(nil))
    }

    @Test func `consent ends 30 seconds after the last answer`() throws {
        var network = network(seed: 10)
        network.run(until: .zero + .seconds(60))
        network.loss = 1
        network.run(until: .zero + .seconds(120))
        let (time, event) = try #require(network.left.events.last)
        #expect(event == .failed(.consentLost))
        let silence = time.since(.zero + .seconds(60))
        #expect(silence > .seconds(23) && silence <= .seconds(30) + .milliseconds(40))
        #expect(paths(network) == [nil, nil])
    }

    @Test func `one seed gives one run`() {
        func trace(_ seed: UInt64) -> [Instant] {
            var network = network(seed: seed)
            network.loss = 0.3
            network.run(until: .zero + .seconds(60))
            return network.left.events.map(\.0) + [Instant(nanoseconds: Int64(network.left.datagramsSent))]
        }
        #expect(trace(11) == trace(11))
    }
}

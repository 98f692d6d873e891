import ICE
import Primitives
import Testing

@Suite("ICE restarts of a lite agent, RFC 8445 §9")
struct RestartTests {
    private let agent = LiteAgent()
    private let first = ScriptedPeer.address(1)
    private let second = ScriptedPeer.address(2)
    private static let renewed = ICECredentials(
        usernameFragment: "w0next", password: Secret("nextnextnextnextnextnx02"))
    private static let again = ICECredentials(
        usernameFragment: "w0last", password: Secret("lastlastlastlastlastla03"))

    private func check(
        _ credentials: ICECredentials = ScriptedPeer.gateway, nominating: Bool = false, priority: UInt32 = 1_000
    ) -> [UInt8] {
        ScriptedPeer.check(
            nominating: nominating, priority: priority, username: credentials.usernameFragment + ":peer",
            password: credentials.password.revealed)
    }

    private func isAnswered(_ bytes: [UInt8], from source: TransportAddress, at seconds: Double) -> Bool {
        if case .respond = agent.receive(bytes, from: source, at: seconds) { true } else { false }
    }

    @Test func `old credentials stay valid until the new ones have been used, and no longer`() {
        #expect(isAnswered(check(nominating: true), from: first, at: 0))
        #expect(agent.restart(local: Self.renewed, at: 1) == nil)
        #expect(agent.usernameFragments == ["w0gate", "w0next"])
        #expect(isAnswered(check(nominating: true), from: first, at: 2))
        #expect(agent.takeRetiredFragment() == nil)

        #expect(isAnswered(check(Self.renewed), from: second, at: 3))
        #expect(agent.takeRetiredFragment() == "w0gate")
        #expect(agent.takeRetiredFragment() == nil)
        #expect(agent.usernameFragments == ["w0next"])
        #expect(agent.receive(check(), from: first, at: 4) == .drop(.unknownUsername))
    }

    @Test func `media stays on the old pair until another is nominated, whatever the priorities`() {
        agent.receive(check(nominating: true, priority: 9_000), from: first, at: 0)
        agent.restart(local: Self.renewed, at: 1)
        agent.receive(check(Self.renewed, priority: 1), from: second, at: 1.1)
        #expect(agent.selectedAddress == first)
        #expect(agent.selection(check(Self.renewed, nominating: true, priority: 1), from: second, at: 1.2) == second)
    }

    @Test func `a restart over the same address keeps it`() {
        agent.receive(check(nominating: true), from: first, at: 0)
        agent.restart(local: Self.renewed, at: 1)
        #expect(agent.selection(check(Self.renewed, nominating: true), from: first, at: 1.1) == nil)
        #expect(agent.selectedAddress == first)
        #expect(agent.isNominated)
    }

    @Test func `a wrong password for the new credentials restarts nothing`() {
        agent.receive(check(nominating: true), from: first, at: 0)
        agent.restart(local: Self.renewed, at: 1)
        let forged = ScriptedPeer.check(nominating: true, username: "w0next:peer", password: "nobodynobodynobodynobo")
        #expect(agent.receive(forged, from: second, at: 2) == .drop(.badIntegrity))
        #expect(agent.usernameFragments == ["w0gate", "w0next"])
        #expect(agent.selectedAddress == first)
    }

    @Test func `a second restart replaces one that nobody has used`() {
        agent.receive(check(nominating: true), from: first, at: 0)
        agent.restart(local: Self.renewed, at: 1)
        #expect(agent.restart(local: Self.again, at: 2) == "w0next")
        #expect(agent.usernameFragments == ["w0gate", "w0last"])
        #expect(agent.receive(check(Self.renewed), from: second, at: 3) == .drop(.unknownUsername))
        #expect(isAnswered(check(Self.again), from: second, at: 3))
    }

    @Test func `a restart that comes to nothing leaves the session alive`() {
        for second in stride(from: 0.0, through: 300, by: 5) {
            if second == 10 { agent.restart(local: Self.renewed, at: second) }
            #expect(isAnswered(check(nominating: true), from: first, at: second))
            #expect(!agent.isOver(at: second))
        }
    }

    @Test func `lost consent is brought back by a restart, and by nothing else`() {
        agent.receive(check(nominating: true), from: first, at: 0)
        agent.restart(local: Self.renewed, at: 25)
        #expect(agent.isExpired(at: 30))
        #expect(!agent.isOver(at: 54.9))
        #expect(agent.receive(check(nominating: true), from: first, at: 40) == .drop(.consentExpired))
        // The old paths have lost their consent too: the first that proves itself anew is used.
        #expect(agent.selection(check(Self.renewed), from: second, at: 41) == second)
        #expect(!agent.isExpired(at: 70.9))
        #expect(!agent.isValidated(first))
    }

    @Test func `a restart that nobody comes for does not keep a session for ever`() {
        agent.receive(check(nominating: true), from: first, at: 0)
        agent.restart(local: Self.renewed, at: 29)
        #expect(!agent.isOver(at: 58.9))
        #expect(agent.isOver(at: 59))
        let unused = LiteAgent()
        unused.restart(local: Self.renewed, at: 3)
        #expect(unused.isOver(at: 33))
    }

    @Test func `a session that fails says what was missing`() {
        #expect(agent.lack == .checks)
        agent.receive([1, 2, 3], from: first, at: 0)
        #expect(agent.lack == .authenticity)
        agent.receive(check(), from: first, at: 0)
        #expect(agent.lack == .consent)
    }
}

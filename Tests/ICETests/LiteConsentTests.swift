import ICE
import Primitives
import Testing

@Suite("Consent of a lite agent, RFC 7675")
struct LiteConsentTests {
    private let agent = LiteAgent()
    private let first = ScriptedPeer.address(1)
    private let second = ScriptedPeer.address(2)

    @Test func `a session that never connects expires after 30 seconds`() {
        #expect(agent.deadline == .zero + .seconds(30))
        #expect(!agent.isExpired(at: 29.999))
        #expect(agent.isExpired(at: 30))
    }

    @Test func `checks renew consent`() {
        for time in stride(from: 0.0, through: 300, by: 25) {
            #expect(!agent.isExpired(at: time))
            agent.receive(ScriptedPeer.check(nominating: true), from: first, at: time)
        }
        #expect(agent.deadline == .zero + .seconds(330))
        #expect(agent.isExpired(at: 330))
    }

    @Test func `authenticated packets from the selected address renew consent`() {
        agent.receive(ScriptedPeer.check(nominating: true), from: first, at: 0)
        agent.notePacket(from: first, at: 20)
        #expect(agent.deadline == .zero + .seconds(50))
    }

    @Test func `packets and checks from elsewhere do not`() {
        agent.receive(ScriptedPeer.check(nominating: true, priority: 9), from: first, at: 0)
        agent.receive(ScriptedPeer.check(priority: 1), from: second, at: 1)
        agent.notePacket(from: second, at: 1.9)
        agent.notePacket(from: ScriptedPeer.address(3), at: 20)
        #expect(agent.deadline == .zero + .seconds(30))
    }

    @Test func `unauthenticated checks do not`() {
        agent.receive(ScriptedPeer.check(nominating: true), from: first, at: 0)
        agent.receive(ScriptedPeer.check(password: "wrongwrongwrongwrongwrong"), from: first, at: 20)
        #expect(agent.deadline == .zero + .seconds(30))
    }

    @Test func `once expired, checks are no longer answered`() {
        agent.receive(ScriptedPeer.check(nominating: true), from: first, at: 0)
        #expect(agent.receive(ScriptedPeer.check(), from: first, at: 30) == .drop(.consentExpired))
    }

    @Test func `a packet that was read late does not shorten consent`() {
        agent.receive(ScriptedPeer.check(nominating: true), from: first, at: 10)
        agent.notePacket(from: first, at: 3)
        #expect(agent.deadline == .zero + .seconds(40))
    }

    @Test func `the timeout can be chosen`() {
        let impatient = LiteAgent(consentTimeout: .seconds(2))
        #expect(impatient.isExpired(at: 2))
        #expect(!impatient.isExpired(at: 1.9))
    }
}

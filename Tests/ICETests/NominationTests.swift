import ICE
import Primitives
import Testing

@Suite("Selection by a lite agent")
struct NominationTests {
    private let agent = LiteAgent()
    private let first = ScriptedPeer.address(1)
    private let second = ScriptedPeer.address(2)

    private func plain(_ priority: UInt32 = 1_000) -> [UInt8] { ScriptedPeer.check(priority: priority) }
    private func nomination(_ priority: UInt32 = 1_000) -> [UInt8] {
        ScriptedPeer.check(nominating: true, priority: priority)
    }

    @Test func `the first valid address serves until one is nominated`() {
        #expect(agent.selection(plain(), from: first) == first)
        #expect(agent.selection(plain(9_000), from: second) == nil)
        #expect(agent.selectedAddress == first)
        #expect(agent.selection(nomination(1), from: second) == second)
        #expect(agent.selectedAddress == second)
    }

    @Test func `a repeated nomination is no news`() {
        #expect(agent.selection(nomination(), from: first) == first)
        #expect(agent.selection(nomination(), from: first) == nil)
        #expect(agent.selection(plain(), from: first) == nil)
    }

    @Test func `nominating the address in use makes it stay`() {
        #expect(agent.selection(plain(5), from: first) == first)
        #expect(agent.selection(nomination(5), from: first) == nil)
        #expect(agent.selection(nomination(4), from: second) == nil)
        #expect(agent.selectedAddress == first)
    }

    @Test(arguments: [[1, 2, 3], [3, 2, 1], [2, 3, 1], [3, 1, 2]] as [[UInt32]])
    func `aggressive nomination ends at the highest priority in every order`(order: [UInt32]) {
        for (index, priority) in order.enumerated() {
            agent.receive(nomination(priority), from: ScriptedPeer.address(priority), at: 0.05 * Double(index))
        }
        #expect(agent.selectedAddress == ScriptedPeer.address(3))
    }

    @Test func `aggressive nomination in rounds settles and does not flap`() {
        var moves = 0
        for round in 0..<20 {
            for priority in [UInt32(1), 2, 3] {
                let time = 0.5 * Double(round) + 0.05 * Double(priority)
                if agent.selection(nomination(priority), from: ScriptedPeer.address(priority), at: time) != nil {
                    moves += 1
                }
            }
        }
        #expect(agent.selectedAddress == ScriptedPeer.address(3))
        #expect(moves == 3)
    }

    @Test func `a peer that moves to a worse address is followed at its second nomination`() {
        agent.receive(nomination(9), from: first, at: 0)
        #expect(agent.selection(nomination(1), from: second, at: 1.0) == nil)
        #expect(agent.selection(nomination(1), from: second, at: 1.5) == second)
        #expect(agent.selection(nomination(9), from: first, at: 1.6) == first)
    }

    @Test func `a peer whose address fell silent is followed at once`() {
        agent.receive(nomination(9), from: first, at: 0)
        #expect(agent.selection(nomination(1), from: second, at: 2) == second)
    }

    @Test func `packets keep an address from counting as silent`() {
        agent.receive(nomination(9), from: first, at: 0)
        agent.notePacket(from: first, at: 1.9)
        #expect(agent.selection(nomination(1), from: second, at: 2) == nil)
    }

    @Test func `plain checks from a new address take over only when the old one has long been silent`() {
        agent.receive(nomination(), from: first, at: 0)
        #expect(agent.selection(plain(), from: second, at: 5) == nil)
        #expect(agent.selection(plain(), from: second, at: 9.9) == nil)
        #expect(agent.selection(plain(), from: second, at: 10) == second)
    }

    @Test
    func `a peer whose packets come from another address it has validated is followed once the old one is silent`() {
        agent.receive(nomination(), from: first, at: 0)
        agent.receive(plain(), from: second, at: 1)
        #expect(agent.notePacket(from: second, at: 1.9) == nil)
        #expect(agent.selectedAddress == first)
        #expect(agent.notePacket(from: second, at: 2) == second)
        #expect(agent.selectedAddress == second)
        #expect(agent.deadline == .zero + .seconds(32))
        #expect(agent.notePacket(from: second, at: 3) == nil)
    }

    @Test func `packets from an address without a check of its own move nothing, however long the silence`() {
        agent.receive(nomination(), from: first, at: 0)
        #expect(agent.notePacket(from: second, at: 29) == nil)
        #expect(agent.selectedAddress == first)
    }

    @Test func `a client whose NAT gives it another port is followed at its next nominating check`() {
        let moved = ScriptedPeer.address(1, port: 6000)
        agent.receive(nomination(), from: first, at: 0)
        #expect(agent.selection(nomination(), from: moved, at: 2.5) == moved)
        #expect(agent.selection(nomination(), from: moved, at: 5) == nil)
    }

    @Test func `a path that has ended is forgotten, and the next check selects`() {
        agent.receive(nomination(9), from: first, at: 0)
        agent.receive(plain(1), from: second, at: 0.1)
        agent.forget(ScriptedPeer.address(3))
        agent.forget(first)
        #expect(agent.selectedAddress == nil)
        #expect(!agent.isValidated(first))
        #expect(agent.notePacket(from: second, at: 0.2) == nil)
        #expect(agent.selection(plain(1), from: second, at: 0.3) == second)
    }

    @Test func `forgetting another path leaves the selected one as it is`() {
        agent.receive(plain(), from: second, at: 0)
        agent.receive(nomination(9), from: first, at: 0)
        agent.forget(second)
        #expect(agent.selectedAddress == first)
        #expect(agent.isNominated)
    }
}

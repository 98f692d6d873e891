import Primitives
import Rooms
import Signaling
import Testing

@Suite("Connections of signaling")
struct SessionTests {
    private func opened(at now: Instant = .zero) -> SignalingSession {
        var session = SignalingSession(at: now)
        _ = session.receive(text: bytes(#"{"type":"authenticate"}"#).span, at: now)
        session.authenticated(at: now)
        return session
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func `a client that does not say who it is within 5 seconds is sent away`() {
        var session = SignalingSession(at: .zero)
        var action = session.advance(to: .zero + .milliseconds(4_999))
        #expect(action == nil)
        let deadline = session.deadline
        #expect(deadline == .zero + .seconds(5))
        action = session.advance(to: .zero + .seconds(5))
        guard case .end(.credentialRefused, let error) = action else {
            Issue.record("\(String(describing: action))")
            return
        }
        #expect(error?.code == .authenticationTimeout)
        let after = session.deadline
        #expect(after == nil)
    }

    @Test(arguments: [#"{"type":"join","room":"a"}"#, #"{"type":"ping"}"#, "nonsense"])
    func `whatever comes before authentication ends the connection`(text: String) {
        var session = SignalingSession(at: .zero)
        let action = session.receive(text: bytes(text).span, at: .zero)
        guard case .end = action else {
            Issue.record("\(action)")
            return
        }
        let again = session.receive(text: bytes(#"{"type":"authenticate"}"#).span, at: .zero)
        #expect(again == .end(.misbehaved, nil))
    }

    @Test func `nor does a binary message come before it`() {
        var session = SignalingSession(at: .zero)
        guard case .end(.credentialRefused, _) = session.receive(binary: ([1, 0] as [UInt8]).span, at: .zero) else {
            Issue.record("the connection goes on")
            return
        }
    }

    @Test func `who has said who it is may not say it again`() {
        var session = opened()
        let action = session.receive(text: bytes(#"{"type":"authenticate","id":4}"#).span, at: .zero)
        guard case .reply(.error(id: 4, let error)) = action else {
            Issue.record("\(action)")
            return
        }
        #expect(error.code == .alreadyAuthenticated)
    }

    @Test func `requests are handed on, and a ping is answered`() {
        var session = opened()
        let join = session.receive(text: bytes(#"{"type":"leave","id":1}"#).span, at: .zero)
        #expect(join == .perform(ClientRequest(id: 1, message: .leave)))
        let ping = session.receive(text: bytes(#"{"type":"ping","id":2}"#).span, at: .zero)
        #expect(ping == .reply(.pong(id: 2)))
        let binary = session.receive(binary: ([1, 0, 3] as [UInt8]).span, at: .zero)
        #expect(binary == .tell(BinaryMessage(payload: [3])))
    }

    @Test func `a client is asked every 15 seconds whether it lives, and given up after 45 of silence`() {
        var session = opened()
        var pings: [Instant] = []
        var end: (at: Instant, action: SignalingSession.Action)?
        while let deadline = session.deadline, pings.count < 100 {
            switch session.advance(to: deadline) {
            case .ping: pings.append(deadline)
            case let action?: end = (deadline, action)
            case nil: Issue.record("nothing is due at the deadline")
            }
        }
        #expect(pings == [.zero + .seconds(15), .zero + .seconds(30)])
        #expect(end?.at == .zero + .seconds(45))
        #expect(end?.action == .end(.silent, nil))
    }

    @Test func `a client that answers pings stays`() {
        var session = opened()
        for _ in 0..<100 {
            guard let deadline = session.deadline else { return }
            let action = session.advance(to: deadline)
            #expect(action == .ping)
            session.heard(at: deadline)
        }
    }

    @Test func `who sends too much at once is told, and then sent away`() {
        var session = opened()
        var refused = 0
        var ended = false
        for _ in 0..<1_000 where !ended {
            switch session.receive(text: bytes(#"{"type":"ping"}"#).span, at: .zero + .seconds(1)) {
            case .reply(.error): refused += 1
            case .end(.misbehaved, _): ended = true
            default: break
            }
        }
        #expect(refused == SignalingSession.mistakesPerMinute)
        #expect(ended)
    }

    @Test func `mistakes are forgiven after a minute`() {
        var session = opened()
        for second in 0..<600 {
            let now = Instant.zero + .seconds(Int64(second) * 4)
            let action = session.receive(text: bytes("nonsense").span, at: now)
            guard case .reply(.error) = action else {
                Issue.record("\(action) after \(second)")
                return
            }
        }
    }
}

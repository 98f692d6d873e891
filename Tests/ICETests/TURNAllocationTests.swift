import ICE
import Primitives
import STUN
import TestSupport
import Testing

@Suite("TURN allocations, RFC 8656")
struct TURNAllocationTests {
    private static let gateway = TransportAddress(ipv4: 0xC000_0205, port: 8100)
    private static let other = TransportAddress(high: 0x2001_0DB8 << 32, low: 5, port: 8100)

    private func allocation(
        password: String = "secret", peers: [TransportAddress] = [gateway], isReliable: Bool = false
    ) -> TURNAllocation {
        TURNAllocation(
            credentials: .init(username: "1700000000:martlet", password: Secret(password)), peers: peers,
            isReliable: isReliable, now: .zero)
    }

    /// Lets both talk, for a hundred messages at most, without losing any.
    private func converse(
        _ allocation: inout TURNAllocation, _ server: inout ScriptedTURNServer
    ) -> TURNAllocation.Outcome? {
        var generator = SeededGenerator(seed: 8656)
        var action: TURNAllocation.Action? = allocation.start(at: .zero, using: &generator)
        for _ in 0..<100 {
            switch action {
            case .send(let bytes):
                guard let answer = server.answer(bytes) else { return nil }
                action = allocation.receive(answer.span, at: .zero, using: &generator)
            case .finish(let outcome): return outcome
            case nil: return nil
            }
        }
        return nil
    }

    @Test func `an address is given, peers are permitted, and the address is given back`() {
        var server = ScriptedTURNServer()
        var allocation = allocation(peers: [Self.gateway, Self.other])
        let outcome = converse(&allocation, &server)
        #expect(
            outcome
                == .allocated(
                    relayed: server.relayed, mapped: server.mapped,
                    permissions: [.init(peer: Self.gateway), .init(peer: Self.other)]))
        #expect(server.releases == 1)
        #expect(allocation.deadline == nil)
    }

    @Test func `each peer that is not relayed to is told apart`() {
        var server = ScriptedTURNServer()
        server.forbidden = [Self.gateway]
        var allocation = allocation(peers: [Self.gateway, Self.other])
        guard case .allocated(_, _, let permissions) = converse(&allocation, &server) else {
            Issue.record("no address")
            return
        }
        #expect(permissions.map(\.error?.code) == [403, nil])
        #expect(server.releases == 1)
    }

    @Test func `a wrong secret is a second 401`() {
        var server = ScriptedTURNServer()
        var allocation = allocation(password: "wrong")
        guard case .failed(.refused(let error)) = converse(&allocation, &server) else {
            Issue.record("not refused")
            return
        }
        #expect(error.code == 401)
        #expect(server.methods.isEmpty)
    }

    @Test(arguments: [403, 437, 441, 442, 486, 508] as [UInt16])
    func `a refusal is passed on with its number`(code: UInt16) {
        var server = ScriptedTURNServer()
        server.refusal = STUNErrorCode(code: code, reason: "why")
        var allocation = allocation()
        #expect(
            converse(&allocation, &server) == .failed(.refused(STUNErrorCode(code: code, reason: "why"))))
    }

    @Test func `a stale nonce is replaced, but not for ever`() {
        var generator = SeededGenerator(seed: 1)
        var server = ScriptedTURNServer()
        var allocation = allocation()
        var action: TURNAllocation.Action? = allocation.start(at: .zero, using: &generator)
        var rounds = 0
        while case .send(let bytes) = action, rounds < 20 {
            rounds += 1
            // The server forgets its nonce after each answer.
            let answer = server.answer(bytes)
            server.nonce = Array("nonce-\(rounds + 1)".utf8)
            action = answer.flatMap { allocation.receive($0.span, at: .zero, using: &generator) }
        }
        #expect(action == .finish(.failed(.refused(STUNErrorCode(code: 438, reason: "Stale Nonce")))))
        #expect(rounds == 1 + 1 + 3)

        var other = ScriptedTURNServer()
        var patient = self.allocation()
        guard case .send(let first) = patient.start(at: .zero, using: &generator) else { return }
        let challenge = other.answer(first)
        other.nonce = Array("nonce-2".utf8)
        var next = challenge.flatMap { patient.receive($0.span, at: .zero, using: &generator) }
        while case .send(let bytes) = next {
            next = other.answer(bytes).flatMap { patient.receive($0.span, at: .zero, using: &generator) }
        }
        guard case .finish(.allocated) = next else {
            Issue.record("one stale nonce ended it: \(String(describing: next))")
            return
        }
    }

    @Test func `a silent server is asked again with doubled pauses and then given up`() {
        var generator = SeededGenerator(seed: 1)
        var allocation = allocation()
        guard case .send(let first) = allocation.start(at: .zero, using: &generator) else { return }
        var sentAt: [Instant] = []
        var end: (TURNAllocation.Action, Instant)?
        while let deadline = allocation.deadline, sentAt.count < 20 {
            switch allocation.advance(to: deadline) {
            case .send(let bytes)?:
                #expect(bytes == first)
                sentAt.append(deadline)
            case let action?: end = (action, deadline)
            case nil: Issue.record("a deadline without anything to do")
            }
        }
        #expect(sentAt.map { ($0 - .zero).milliseconds } == [500, 1500, 3500, 7500])
        #expect(end?.0 == .finish(.failed(.noAnswer)))
        #expect(end?.1 == Instant.zero + TURNAllocation.patience)
    }

    @Test func `over TCP nothing is sent twice`() {
        var generator = SeededGenerator(seed: 1)
        var allocation = allocation(isReliable: true)
        _ = allocation.start(at: .zero, using: &generator)
        #expect(allocation.deadline == Instant.zero + TURNAllocation.patience)
    }

    @Test func `a success that nobody signed is not believed`() throws {
        var generator = SeededGenerator(seed: 1)
        var server = ScriptedTURNServer()
        var allocation = allocation()
        guard case .send(let first) = allocation.start(at: .zero, using: &generator) else { return }
        let challengeBytes = server.answer(first)
        let challenge = try #require(challengeBytes)
        guard case .send(let second) = allocation.receive(challenge.span, at: .zero, using: &generator) else { return }
        let request = try STUNMessage.parse(second.span)
        let forged = STUNMessage(
            class: .success, method: .allocate, transactionID: request.transactionID,
            attributes: [.xorRelayedAddress(server.relayed)])
        #expect(allocation.receive(forged.encoded().span, at: .zero, using: &generator) == nil)
        let wrongKey = forged.encoded(integrityKey: [1, 2, 3])
        #expect(allocation.receive(wrongKey.span, at: .zero, using: &generator) == nil)
        // The true answer still counts.
        let answerBytes = server.answer(second)
        let answer = try #require(answerBytes)
        #expect(allocation.receive(answer.span, at: .zero, using: &generator) != nil)
    }

    @Test func `an answer without an address, and a challenge without a realm, are malformed`() throws {
        var server = ScriptedTURNServer()
        server.leavesOutRelayedAddress = true
        var first = allocation()
        #expect(converse(&first, &server) == .failed(.malformedAnswer))

        var generator = SeededGenerator(seed: 1)
        var second = allocation()
        guard case .send(let bytes) = second.start(at: .zero, using: &generator) else { return }
        let refusal = STUNMessage(
            class: .error, method: .allocate, transactionID: try STUNMessage.parse(bytes.span).transactionID,
            attributes: [.errorCode(STUNErrorCode(code: 401, reason: ""))])
        #expect(
            second.receive(refusal.encoded().span, at: .zero, using: &generator)
                == .finish(.failed(.malformedAnswer)))
    }

    @Test func `no truncation and no flipped bit of an answer trap or succeed`() throws {
        var generator = SeededGenerator(seed: 1)
        var server = ScriptedTURNServer()
        var allocation = allocation()
        guard case .send(let first) = allocation.start(at: .zero, using: &generator) else { return }
        let challengeBytes = server.answer(first)
        let challenge = try #require(challengeBytes)
        guard case .send(let second) = allocation.receive(challenge.span, at: .zero, using: &generator) else { return }
        let answerBytes = server.answer(second)
        let answer = try #require(answerBytes)
        for length in answer.indices {
            var copy = allocation
            #expect(copy.receive(Array(answer[..<length]).span, at: .zero, using: &generator) == nil)
        }
        // All but the fingerprint, which nothing protects and whose error does not parse.
        for bit in 0..<(answer.count - 8) * 8 {
            var flipped = answer
            flipped[bit / 8] ^= 1 << (bit % 8)
            var copy = allocation
            #expect(copy.receive(flipped.span, at: .zero, using: &generator) == nil, "bit \(bit)")
        }
    }

    @Test func `peers beyond the eighth are left out`() {
        var server = ScriptedTURNServer()
        let peers = (1...20).map { TransportAddress(ipv4: 0xC000_0200 + $0, port: 8100) }
        var allocation = allocation(peers: peers)
        guard case .allocated(_, _, let permissions) = converse(&allocation, &server) else {
            Issue.record("no address")
            return
        }
        #expect(permissions.map(\.peer) == Array(peers.prefix(TURNAllocation.maximumPeers)))
    }
}

@Suite("TURN over TCP, RFC 8656 §3.1")
struct TURNStreamTests {
    private let message = STUNMessage(
        class: .success, method: .allocate, transactionID: [UInt8](1...12), attributes: [.lifetime(600)]
    ).encoded()

    @Test func `messages are the same however the stream was cut`() throws {
        let stream = message + message + message
        for size in 1...stream.count {
            var turn = TURNStream()
            var messages: [[UInt8]] = []
            for start in stride(from: 0, to: stream.count, by: size) {
                messages += try turn.receive(Array(stream[start..<min(start + size, stream.count)]).span)
            }
            #expect(messages == [message, message, message])
        }
    }

    @Test func `a message of which the end is missing is none`() throws {
        for length in message.indices {
            var turn = TURNStream()
            #expect(try turn.receive(Array(message[..<length]).span).isEmpty)
        }
    }

    @Test func `what is no STUN ends the stream`() {
        var turn = TURNStream()
        #expect(throws: ParseError.invalid(field: "TURN stream")) {
            try turn.receive(Array("HTTP/1.1 400 Bad Request\r\n".utf8).span)
        }
    }

    @Test func `a message longer than the limit ends the stream before it is kept`() {
        var turn = TURNStream()
        let length = UInt16(TURNStream.maximumMessageLength)
        #expect(throws: ParseError.limitExceeded(what: "TURN message")) {
            try turn.receive([0x01, 0x03, UInt8(length >> 8), UInt8(length & 0xFF)].span)
        }
        var full = TURNStream()
        let allowed = length - 20
        let header = [0x01, 0x03, UInt8(allowed >> 8), UInt8(allowed & 0xFF)]
        #expect(throws: Never.self) {
            let messages = try full.receive((header + [UInt8](repeating: 0, count: Int(allowed) + 16)).span)
            #expect(messages.count == 1)
        }
    }
}

import ICE
import Primitives
import STUN
import Testing

@Suite("The lite agent, RFC 8445")
struct ICELiteAgentTests {
    private let agent = LiteAgent()
    private let source = ScriptedPeer.address(1)

    private func response(to bytes: [UInt8]) throws -> STUNMessage {
        guard case .respond(let answer, let authenticated, _) = agent.receive(bytes, from: source) else {
            throw Unanswered()
        }
        #expect(authenticated)
        let message = try STUNMessage.parse(answer.span)
        let isAuthentic = message.hasValidIntegrity(
            key: Array(ScriptedPeer.gateway.password.revealed.utf8),
            in: answer.span
        )
        #expect(isAuthentic)
        #expect(message.hasFingerprint)
        #expect(message.transactionID == [UInt8](1...12))
        return message
    }
    private struct Unanswered: Error {}

    @Test func `a check is answered with the address it came from`() throws {
        let message = try response(to: ScriptedPeer.check())
        #expect(message.class == .success)
        #expect(message.attributes == [.xorMappedAddress(source)])
        #expect(agent.isValidated(source))
    }

    @Test(arguments: [
        ("noise", [UInt8](repeating: 7, count: 60), ICEDropReason.malformed),
        ("an empty datagram", [], .malformed),
        ("a cut check", Array(ScriptedPeer.check().dropLast(4)), .malformed),
        ("another password", ScriptedPeer.check(password: "nobodynobodynobodynobo"), .badIntegrity),
        ("an empty password", ScriptedPeer.check(password: ""), .badIntegrity),
        ("another fragment", ScriptedPeer.check(username: "w0gat:peer"), .unknownUsername),
        ("a longer fragment", ScriptedPeer.check(username: "w0gatew:peer"), .unknownUsername),
        ("no colon", ScriptedPeer.check(username: "w0gate"), .unknownUsername),
        ("an indication", ScriptedPeer.check(class: .indication), .unexpected),
        ("a success response", ScriptedPeer.check(class: .success), .unexpected),
        ("an error response", ScriptedPeer.check(class: .error), .unexpected),
        ("a bare request", STUNMessage(class: .request, transactionID: [UInt8](1...12)).encoded(), .unauthenticated),
        (
            "a request without integrity",
            STUNMessage(
                class: .request,
                transactionID: [UInt8](1...12),
                attributes: [.username(Array("w0gate:peer".utf8))]
            ).encoded(), .unauthenticated
        ),
        (
            "another method",
            STUNMessage(class: .request, method: .init(rawValue: 3), transactionID: [UInt8](1...12))
                .encoded(integrityKey: Array(ScriptedPeer.gateway.password.revealed.utf8)), .unexpected
        ),
    ])
    func `whoever does not know the password hears nothing and changes nothing`(
        what: String,
        bytes: [UInt8],
        reason: ICEDropReason
    ) {
        #expect(agent.receive(bytes, from: source, at: 5) == .drop(reason), "\(what)")
        #expect(!agent.isValidated(source))
        #expect(agent.selectedAddress == nil)
        #expect(agent.deadline == .zero + .seconds(30))
    }

    @Test func `a flipped bit in a check is never answered`() {
        let bytes = ScriptedPeer.check(nominating: true)
        for bit in 0..<(bytes.count - 8) * 8 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << (bit % 8)
            guard case .drop = agent.receive(flipped, from: source) else {
                Issue.record("bit \(bit) was answered")
                continue
            }
        }
        #expect(agent.selectedAddress == nil)
    }

    @Test func `a peer without a second username part or with another one is served`() throws {
        for username in ["w0gate:", "w0gate:restarted", "w0gate:a:b"] {
            #expect(try response(to: ScriptedPeer.check(username: username)).class == .success)
        }
    }

    @Test(arguments: [STUNAttribute.iceControlled(0), .iceControlled(.max)])
    func `a peer that thinks it is controlled is told to control`(role: STUNAttribute) throws {
        let message = try response(to: ScriptedPeer.check(nominating: true, role: role))
        #expect(message.class == .error)
        #expect(message.attributes == [.errorCode(.roleConflict)])
        #expect(!agent.isValidated(source))
        #expect(agent.selectedAddress == nil)
    }

    @Test func `a peer that does not say its role is served`() throws {
        #expect(try response(to: ScriptedPeer.check(role: nil)).class == .success)
    }

    @Test func `required attributes that we do not know are refused with 420, optional ones are not`() throws {
        let refused = ScriptedPeer.check(adding: [
            .unknown(type: 0x7FF0, value: [1]), .unknown(type: 0xC001, value: []), .unknown(type: 0x7FF1, value: []),
        ])
        let message = try response(to: refused)
        #expect(message.class == .error)
        #expect(message.attributes == [.errorCode(.unknownAttribute), .unknownAttributes([0x7FF0, 0x7FF1])])
        #expect(!agent.isValidated(source))
        let served = ScriptedPeer.check(adding: [.unknown(type: 0xC001, value: [0, 0, 0, 1])])
        #expect(try response(to: served).class == .success)
    }

    @Test func `no answer is larger than the check of a browser`() {
        let checks = [
            ScriptedPeer.check(), ScriptedPeer.check(role: .iceControlled(1)),
            ScriptedPeer.check(adding: (0..<20).map { .unknown(type: 0x7F00 + UInt16($0), value: []) }),
        ]
        let ipv6 = TransportAddress(high: 0x2001_0DB8 << 32, low: 1, port: 9)
        for check in checks {
            guard case .respond(let answer, _, _) = agent.receive(check, from: ipv6) else {
                Issue.record("no answer")
                continue
            }
            #expect(answer.count <= check.count)
        }
    }

    @Test func `the number of addresses remembered is bounded and the selected one stays`() {
        agent.receive(ScriptedPeer.check(nominating: true), from: source, at: 0)
        for port in UInt16(1)...100 {
            agent.receive(ScriptedPeer.check(), from: ScriptedPeer.address(2, port: port), at: 0.01 * Double(port))
        }
        let remembered = (UInt16(1)...100).filter { agent.isValidated(ScriptedPeer.address(2, port: $0)) }
        #expect(remembered == Array((100 - UInt16(ICELiteAgent.maximumValidatedAddresses) + 2)...100))
        #expect(agent.isValidated(source))
        #expect(agent.selectedAddress == source)
    }

    @Test func `an address is validated only by a check of its own`() {
        agent.receive(ScriptedPeer.check(), from: source)
        agent.notePacket(from: ScriptedPeer.address(2), at: 1)
        #expect(!agent.isValidated(ScriptedPeer.address(2)))
        #expect(!agent.isValidated(ScriptedPeer.address(1, port: 5001)))
    }
}

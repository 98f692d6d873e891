import ICE
import Primitives
import STUN

/// A peer that says exactly what a test tells it to.
struct ScriptedPeer {
    static let gateway = ICECredentials(usernameFragment: "w0gate", password: Secret("gatewaygatewaygateway01"))
    static let own = ICECredentials(usernameFragment: "peer", password: Secret("peerpeerpeerpeerpeer01"))

    static func address(_ last: UInt32, port: UInt16 = 5000) -> TransportAddress {
        TransportAddress(ipv4: 0xC000_0200 | last, port: port)
    }

    /// A check as a browser sends it.
    static func check(
        nominating: Bool = false,
        priority: UInt32 = 1_000,
        username: String = "w0gate:peer",
        password: String = gateway.password.revealed,
        role: STUNAttribute? = .iceControlling(7),
        adding extra: [STUNAttribute] = [],
        class: STUNMessage.Class = .request
    ) -> [UInt8] {
        var attributes: [STUNAttribute] = [.username(Array(username.utf8)), .priority(priority)]
        if let role { attributes.append(role) }
        if nominating { attributes.append(.useCandidate) }
        return STUNMessage(class: `class`, transactionID: [UInt8](1...12), attributes: attributes + extra)
            .encoded(integrityKey: Array(password.utf8))
    }
}

/// An agent to be called from `#expect`, whose arguments can be neither noncopyable nor spans.
final class LiteAgent {
    private var agent: ICELiteAgent

    init(consentTimeout: Interval = .seconds(30)) {
        agent = ICELiteAgent(
            local: ScriptedPeer.gateway,
            remote: ScriptedPeer.own,
            createdAt: .zero,
            consentTimeout: consentTimeout
        )
    }

    @discardableResult
    func receive(_ bytes: [UInt8], from source: TransportAddress, at seconds: Double = 0) -> ICELiteAgent.Action {
        agent.receive(bytes.span, from: source, at: .zero + .init(nanoseconds: Int64(seconds * 1e9)))
    }

    /// The address selected by this datagram, if any.
    func selection(_ bytes: [UInt8], from source: TransportAddress, at seconds: Double = 0) -> TransportAddress? {
        guard case .respond(_, _, let selected) = receive(bytes, from: source, at: seconds) else { return nil }
        return selected
    }

    /// The address selected by this packet, if any.
    @discardableResult
    func notePacket(from source: TransportAddress, at seconds: Double) -> TransportAddress? {
        agent.noteAuthenticatedPacket(from: source, at: .zero + .init(nanoseconds: Int64(seconds * 1e9)))
    }

    @discardableResult
    func restart(local: ICECredentials, at seconds: Double) -> String? {
        agent.restart(local: local, remote: ScriptedPeer.own, at: .zero + .init(nanoseconds: Int64(seconds * 1e9)))
    }

    func forget(_ address: TransportAddress) { agent.forget(address) }
    func takeRetiredFragment() -> String? { agent.takeRetiredFragment() }

    var usernameFragments: [String] { agent.usernameFragments }
    var lack: ICELiteAgent.Lack { agent.lack }
    var isNominated: Bool { agent.isNominated }
    func isOver(at seconds: Double) -> Bool { agent.isOver(at: .zero + .init(nanoseconds: Int64(seconds * 1e9))) }

    var selectedAddress: TransportAddress? { agent.selectedAddress }
    var deadline: Instant? { agent.deadline }
    func isValidated(_ address: TransportAddress) -> Bool { agent.isValidated(address) }
    func isExpired(at seconds: Double) -> Bool { agent.isExpired(at: .zero + .init(nanoseconds: Int64(seconds * 1e9))) }
}

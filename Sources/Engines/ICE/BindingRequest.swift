import Primitives
import STUN

/// A connectivity check from a peer that knows our password (RFC 8445 §7.3).
struct BindingRequest {
    /// The role that the sender believes to have, with its tie-breaker.
    enum Role: Equatable {
        case controlling(tieBreaker: UInt64)
        case controlled(tieBreaker: UInt64)
    }

    let message: STUNMessage
    /// The priority of the sender's candidate as it would appear to us; zero when the sender did not say.
    let priority: UInt32
    let nominates: Bool
    /// `nil` when the sender did not say.
    let role: Role?

    /// Parses and authenticates one datagram.
    ///
    /// Only the first part of USERNAME is compared, as RFC 8445 §7.3 has it: the second may belong to a restart
    /// that signaling has not told us of, and the password has proved the rest.
    ///
    /// - Throws: ``ICEDropReason``; nothing thrown may be answered.
    init(_ datagram: Span<UInt8>, local: ICECredentials) throws(ICEDropReason) {
        guard let message = try? STUNMessage.parse(datagram) else { throw .malformed }
        try self.init(message, in: datagram, local: local)
    }

    /// Authenticates a message that has been parsed from `datagram`.
    init(_ message: STUNMessage, in datagram: Span<UInt8>, local: ICECredentials) throws(ICEDropReason) {
        guard message.class == .request, message.method == .binding else { throw .unexpected }
        var username: [UInt8]?
        var priority: UInt32?
        var nominates = false
        var role: Role?
        for attribute in message.attributes {
            switch attribute {
            case .username(let name) where username == nil: username = name
            case .priority(let value) where priority == nil: priority = value
            case .useCandidate: nominates = true
            case .iceControlling(let value) where role == nil: role = .controlling(tieBreaker: value)
            case .iceControlled(let value) where role == nil: role = .controlled(tieBreaker: value)
            default: break
            }
        }
        guard let username, message.hasIntegrity else { throw .unauthenticated }
        guard let colon = username.firstIndex(of: UInt8(ascii: ":")),
            username[..<colon].elementsEqual(local.usernameFragment.utf8)
        else { throw .unknownUsername }
        guard message.hasValidIntegrity(key: local.key, in: datagram) else { throw .badIntegrity }
        self.message = message
        self.priority = priority ?? 0
        self.nominates = nominates
        self.role = role
    }

    // MARK: Answers

    /// The success response, which tells the sender how its address looks from here.
    func success(to source: TransportAddress, key: [UInt8]) -> [UInt8] {
        answer(.success, [.xorMappedAddress(source)], key: key)
    }

    /// The error that makes the sender take the other role (RFC 8445 §7.3.1.1).
    func roleConflict(key: [UInt8]) -> [UInt8] {
        answer(.error, [.errorCode(.roleConflict)], key: key)
    }

    /// The error for a request with attributes that may not be ignored (RFC 8489 §6.3.1); `nil` if there are none.
    func unknownAttributes(key: [UInt8]) -> [UInt8]? {
        let types = message.unknownRequiredTypes
        guard !types.isEmpty else { return nil }
        return answer(.error, [.errorCode(.unknownAttribute), .unknownAttributes(types)], key: key)
    }

    private func answer(_ class: STUNMessage.Class, _ attributes: [STUNAttribute], key: [UInt8]) -> [UInt8] {
        STUNMessage(class: `class`, transactionID: message.transactionID, attributes: attributes)
            .encoded(integrityKey: key)
    }
}

import ICE
import Primitives
import STUN

/// A TURN server of a few lines: one user, one realm, one nonce, and a list of peers it does not relay to.
struct ScriptedTURNServer {
    var username = "1700000000:martlet"
    var password = "secret"
    var realm = Array("example.org".utf8)
    var nonce = Array("nonce-1".utf8)
    var relayed = TransportAddress(ipv4: 0xC633_6409, port: 50_001)
    var mapped = TransportAddress(ipv4: 0xCB00_7107, port: 40_000)
    var forbidden: Set<TransportAddress> = []
    /// What an authenticated Allocate is refused with.
    var refusal: STUNErrorCode?
    var leavesOutRelayedAddress = false
    /// Methods of the authenticated requests so far.
    private(set) var methods: [UInt16] = []
    private(set) var releases = 0

    /// - Returns: The answer to one request; `nil` for anything else.
    mutating func answer(_ bytes: [UInt8]) -> [UInt8]? {
        guard let request = try? STUNMessage.parse(bytes.span), request.class == .request else { return nil }
        let key = STUNLongTermKey.make(
            username: Array(username.utf8), realm: realm, password: Array(password.utf8))
        guard let key, request.hasValidIntegrity(key: key, in: bytes.span) else {
            return error(401, "Unauthorized", to: request, challenges: true)
        }
        guard request.attributes.contains(.nonce(nonce)) else {
            return error(438, "Stale Nonce", to: request, challenges: true)
        }
        methods.append(request.method.rawValue)
        switch request.method {
        case .allocate:
            if let refusal { return error(refusal.code, refusal.reason, to: request, challenges: false) }
            var attributes: [STUNAttribute] = [.xorMappedAddress(mapped), .lifetime(600)]
            if !leavesOutRelayedAddress { attributes.append(.xorRelayedAddress(relayed)) }
            return success(request, attributes, key)
        case .createPermission:
            for case .xorPeerAddress(let peer) in request.attributes where forbidden.contains(peer) {
                return error(403, "Forbidden IP", to: request, challenges: false)
            }
            return success(request, [], key)
        case .refresh:
            if request.attributes.contains(.lifetime(0)) { releases += 1 }
            return success(request, [.lifetime(0)], key)
        default: return nil
        }
    }

    private func success(_ request: STUNMessage, _ attributes: [STUNAttribute], _ key: [UInt8]) -> [UInt8] {
        STUNMessage(
            class: .success, method: request.method, transactionID: request.transactionID, attributes: attributes
        ).encoded(integrityKey: key)
    }

    private func error(_ code: UInt16, _ reason: String, to request: STUNMessage, challenges: Bool) -> [UInt8] {
        var attributes: [STUNAttribute] = [.errorCode(STUNErrorCode(code: code, reason: reason))]
        if challenges { attributes += [.realm(realm), .nonce(nonce)] }
        return STUNMessage(
            class: .error, method: request.method, transactionID: request.transactionID, attributes: attributes
        ).encoded()
    }
}

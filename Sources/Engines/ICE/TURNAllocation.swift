package import Primitives
package import STUN

/// Obtains a relayed address of a TURN server, and permission for peers to send to it (RFC 8656 §7, §10).
///
/// Not a client that relays media: it goes through what every relayed session begins with, says how far it came,
/// and gives the address back (RFC 8656 §8.3). Over UDP requests are sent again with doubled pauses (RFC 8489
/// §6.2.1), over TCP once.
///
/// Holds no buffer: each input is answered by an ``Action``.
package struct TURNAllocation: Sendable {
    /// What to do next.
    package enum Action: Sendable, Equatable {
        case send([UInt8])
        /// All is over.
        case finish(Outcome)
    }

    /// How far it came.
    package enum Outcome: Sendable, Equatable {
        /// The relayed address, the address that the server sees us at, and what became of each peer's permission.
        case allocated(relayed: TransportAddress, mapped: TransportAddress?, permissions: [Permission])
        case failed(TURNFailure)
    }

    /// What the server says to one peer; `error` is `nil` where it may be relayed to.
    package struct Permission: Sendable, Equatable {
        package var peer: TransportAddress
        package var error: STUNErrorCode?

        package init(peer: TransportAddress, error: STUNErrorCode? = nil) {
            self.peer = peer
            self.error = error
        }
    }

    /// User name and password that the server knows, or can check.
    package struct Credentials: Sendable {
        package var username: String
        package var password: Secret

        package init(username: String, password: Secret) {
            self.username = username
            self.password = password
        }
    }

    private enum Phase {
        /// The first request, without credentials, whose refusal names realm and nonce (RFC 8489 §9.2.3).
        case challenge
        case allocating
        case permitting(relayed: TransportAddress, mapped: TransportAddress?, done: [Permission])
        /// The address goes back (RFC 8656 §8); whatever the server says to that, the outcome stays.
        case releasing(Outcome)
        case over
    }

    private struct Challenge {
        var realm: [UInt8]
        var nonce: [UInt8]
        var key: [UInt8]
    }

    /// Peers asked about at most.
    package static let maximumPeers = 8
    /// How long the server may take, all answers together.
    package static let patience = Interval.seconds(8)
    /// The first pause before a request is sent again (RFC 8489 §6.2.1).
    static let retransmissionPause = Interval.milliseconds(500)
    /// Nonces that the server may call stale before we stop believing it.
    static let maximumStaleNonces = 3

    private let credentials: Credentials
    private let peers: [TransportAddress]
    private let isReliable: Bool
    private let givesUpAt: Instant
    private var phase = Phase.challenge
    private var challenge: Challenge?
    private var transactionID: [UInt8] = []
    private var request: [UInt8] = []
    private var sendAgainAt = Instant.distantFuture
    private var pause = Self.retransmissionPause
    private var staleNonces = 0

    /// Begins; ``start(at:using:)`` gives the first request.
    ///
    /// - Parameters:
    ///   - credentials: As for the long-term mechanism (RFC 8489 §9.2).
    ///   - peers: Whom the server shall relay to; those beyond ``maximumPeers`` are left out.
    ///   - isReliable: Whether the transport repeats what is lost, as TCP does.
    ///   - now: When it begins.
    package init(credentials: Credentials, peers: [TransportAddress], isReliable: Bool, now: Instant) {
        self.credentials = credentials
        self.peers = Array(peers.prefix(Self.maximumPeers))
        self.isReliable = isReliable
        givesUpAt = now + Self.patience
    }

    /// When ``advance(to:)`` has something to do; `nil` once it is over.
    package var deadline: Instant? {
        if case .over = phase { return nil }
        return min(givesUpAt, sendAgainAt)
    }

    /// - Returns: The first request.
    package mutating func start(at now: Instant, using generator: inout some RandomNumberGenerator) -> Action {
        allocate(at: now, using: &generator)
    }

    /// - Returns: What is due at `now`, if anything is.
    package mutating func advance(to now: Instant) -> Action? {
        if case .over = phase { return nil }
        if now >= givesUpAt {
            if case .releasing(let outcome) = phase { return finish(outcome) }
            return finish(.failed(.noAnswer))
        }
        guard now >= sendAgainAt else { return nil }
        pause = pause * 2
        sendAgainAt = now + pause
        return .send(request)
    }

    /// Takes what came from the server.
    ///
    /// - Parameters:
    ///   - datagram: One message, from the network.
    ///   - now: When it came.
    ///   - generator: For the next transaction.
    /// - Returns: What to do; `nil` for whatever is no answer to the last request.
    package mutating func receive(
        _ datagram: Span<UInt8>,
        at now: Instant,
        using generator: inout some RandomNumberGenerator
    ) -> Action? {
        if case .over = phase { return nil }
        guard let message = try? STUNMessage.parse(datagram), message.transactionID == transactionID else { return nil }
        switch message.class {
        case .success:
            // Only who knows the password can say yes. A no is worth hearing without proof: it changes nothing here.
            guard let challenge, message.hasValidIntegrity(key: challenge.key, in: datagram) else { return nil }
            return succeed(message, at: now, using: &generator)
        case .error:
            guard let error = message.errorCode else { return nil }
            return refuse(error, message, at: now, using: &generator)
        case .request, .indication: return nil
        }
    }

    // MARK: - Answers

    private mutating func succeed(
        _ message: STUNMessage, at now: Instant, using generator: inout some RandomNumberGenerator
    ) -> Action? {
        switch phase {
        case .allocating:
            guard let relayed = message.relayedAddress else { return finish(.failed(.malformedAnswer)) }
            return permitNext(relayed, message.mappedAddress, done: [], at: now, using: &generator)
        case .permitting(let relayed, let mapped, let done):
            let done = done + [Permission(peer: peers[done.count])]
            return permitNext(relayed, mapped, done: done, at: now, using: &generator)
        case .releasing(let outcome): return finish(outcome)
        case .challenge, .over: return nil
        }
    }

    private mutating func refuse(
        _ error: STUNErrorCode, _ message: STUNMessage, at now: Instant,
        using generator: inout some RandomNumberGenerator
    ) -> Action? {
        let isChallenge: Bool
        switch (phase, error.code) {
        case (.challenge, 401): isChallenge = true
        case (_, 438):
            staleNonces += 1
            isChallenge = staleNonces <= Self.maximumStaleNonces
        default: isChallenge = false
        }
        if case .releasing(let outcome) = phase { return finish(outcome) }
        if isChallenge {
            guard let challenge = makeChallenge(message) else { return finish(.failed(.malformedAnswer)) }
            self.challenge = challenge
            if case .permitting(let relayed, let mapped, let done) = phase {
                return permitNext(relayed, mapped, done: done, at: now, using: &generator)
            }
            phase = .allocating
            return allocate(at: now, using: &generator)
        }
        if case .permitting(let relayed, let mapped, let done) = phase {
            let done = done + [Permission(peer: peers[done.count], error: error)]
            return permitNext(relayed, mapped, done: done, at: now, using: &generator)
        }
        return finish(.failed(.refused(error)))
    }

    private func makeChallenge(_ message: STUNMessage) -> Challenge? {
        guard let realm = message.realm, let nonce = message.nonce,
            realm.count <= STUNLongTermKey.maximumChallengeLength,
            nonce.count <= STUNLongTermKey.maximumChallengeLength,
            let key = STUNLongTermKey.make(
                username: Array(credentials.username.utf8), realm: realm,
                password: Array(credentials.password.revealed.utf8))
        else { return nil }
        return Challenge(realm: realm, nonce: nonce, key: key)
    }

    private mutating func finish(_ outcome: Outcome) -> Action {
        phase = .over
        return .finish(outcome)
    }

    // MARK: - Requests

    private mutating func allocate(
        at now: Instant, using generator: inout some RandomNumberGenerator
    ) -> Action {
        // RFC 8656 §18.7: 17 is UDP, the only protocol to relay by.
        send(.allocate, [.requestedTransport(17)], at: now, using: &generator)
    }

    private mutating func permitNext(
        _ relayed: TransportAddress, _ mapped: TransportAddress?, done: [Permission], at now: Instant,
        using generator: inout some RandomNumberGenerator
    ) -> Action {
        guard done.count < peers.count else {
            phase = .releasing(.allocated(relayed: relayed, mapped: mapped, permissions: done))
            return send(.refresh, [.lifetime(0)], at: now, using: &generator)
        }
        phase = .permitting(relayed: relayed, mapped: mapped, done: done)
        return send(.createPermission, [.xorPeerAddress(peers[done.count])], at: now, using: &generator)
    }

    private mutating func send(
        _ method: STUNMessage.Method, _ attributes: [STUNAttribute], at now: Instant,
        using generator: inout some RandomNumberGenerator
    ) -> Action {
        request = encode(method, attributes, using: &generator)
        pause = Self.retransmissionPause
        sendAgainAt = isReliable ? .distantFuture : now + pause
        return .send(request)
    }

    private mutating func encode(
        _ method: STUNMessage.Method, _ attributes: [STUNAttribute],
        using generator: inout some RandomNumberGenerator
    ) -> [UInt8] {
        transactionID = (0..<STUNMessage.transactionIDLength).map { _ in UInt8.random(in: 0...255, using: &generator) }
        var attributes = attributes
        if let challenge {
            attributes += [
                .username(Array(credentials.username.utf8)), .realm(challenge.realm), .nonce(challenge.nonce),
            ]
        }
        return STUNMessage(class: .request, method: method, transactionID: transactionID, attributes: attributes)
            .encoded(integrityKey: challenge?.key)
    }
}

/// Why a TURN server gave no address.
package enum TURNFailure: Error, Sendable, Equatable {
    /// Nothing came back in time.
    case noAnswer
    /// The answer lacks what it must have.
    case malformedAnswer
    /// The server says why (RFC 8656 §19).
    case refused(STUNErrorCode)
}

extension STUNMessage {
    fileprivate var errorCode: STUNErrorCode? {
        for case .errorCode(let error) in attributes { return error }
        return nil
    }
    fileprivate var realm: [UInt8]? {
        for case .realm(let realm) in attributes { return realm }
        return nil
    }
    fileprivate var nonce: [UInt8]? {
        for case .nonce(let nonce) in attributes { return nonce }
        return nil
    }
    fileprivate var relayedAddress: TransportAddress? {
        for case .xorRelayedAddress(let address) in attributes { return address }
        return nil
    }
    fileprivate var mappedAddress: TransportAddress? {
        for case .xorMappedAddress(let address) in attributes { return address }
        return nil
    }
}

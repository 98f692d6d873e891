package import Primitives
import STUN

// Receiving: checks of the peer's, and answers to ours.
extension ICEAgent {
    /// Handles one STUN datagram.
    ///
    /// - Parameters:
    ///   - datagram: What came in.
    ///   - local: The address of the socket it came in on, as in the candidate of that socket.
    ///   - source: Where it came from.
    ///   - now: When.
    /// - Returns: Why it was ignored; `nil` when it was used.
    @discardableResult
    package mutating func receive(
        _ datagram: Span<UInt8>,
        on local: TransportAddress,
        from source: TransportAddress,
        at now: Instant
    ) -> ICEDropReason? {
        advance(to: now)
        if case .failed = phase { return .consentExpired }
        guard let message = try? STUNMessage.parse(datagram), message.method == .binding else { return .malformed }
        let path = Path(local: local, remote: source)
        do {
            switch message.class {
            case .request: try receiveCheck(message, in: datagram, path: path, at: now)
            case .success, .error: try receiveAnswer(message, in: datagram, path: path, at: now)
            case .indication: return .unexpected
            }
        } catch {
            return error
        }
        advance(to: now)
        return nil
    }

    // MARK: Checks

    private mutating func receiveCheck(
        _ message: STUNMessage,
        in datagram: Span<UInt8>,
        path: Path,
        at now: Instant
    ) throws(ICEDropReason) {
        let request = try BindingRequest(message, in: datagram, local: local)
        let key = local.key
        if let refusal = request.unknownAttributes(key: key) { return transmit(refusal, path: path) }
        guard resolveRoleConflict(request.role) else { return transmit(request.roleConflict(key: key), path: path) }
        transmit(request.success(to: path.remote, key: key), path: path)
        learnPair(request, path: path, at: now)
    }

    /// Decides who controls when both or neither claim to (RFC 8445 §7.3.1.1).
    ///
    /// - Returns: `false` when the peer must switch.
    private mutating func resolveRoleConflict(_ claim: BindingRequest.Role?) -> Bool {
        switch (role, claim) {
        case (.controlling, .controlling(let theirs)):
            guard !remoteIsLite, tieBreaker < theirs else { return false }
            switchRole()
        case (.controlled, .controlled(let theirs)):
            guard tieBreaker >= theirs else { return false }
            switchRole()
        default: break
        }
        return true
    }

    /// Checks back on the pair a check came over, and notes a nomination (RFC 8445 §7.3.1.3 to §7.3.1.5).
    private mutating func learnPair(_ request: BindingRequest, path: Path, at now: Instant) {
        if checkList.index(local: path.local, remote: path.remote) == nil, !isConnected {
            var candidate = ICECandidate(address: path.remote, kind: .peerReflexive)
            candidate.priority = max(1, request.priority)
            checkList.addRemote(candidate)
        }
        guard let pair = checkList.index(local: path.local, remote: path.remote) else { return }
        if request.nominates, role == .controlled { checkList.noteNominatedByPeer(pair) }
        switch checkList.pairs[pair].state {
        case .succeeded:
            selectIfNominated(pair, at: now)
        case .inProgress where !isConnected:
            for index in checks.indices where checks[index].pair == pair { checks[index].isCancelled = true }
            checkList.trigger(pair)
        case .waiting, .failed, .inProgress:
            if !isConnected { checkList.trigger(pair) }
        }
    }

    private var isConnected: Bool {
        if case .connected = phase { true } else { false }
    }

    /// Follows the controlling peer; of several nominated pairs the one of the highest priority counts.
    private mutating func selectIfNominated(_ pair: Int, at now: Instant) {
        let candidate = checkList.pairs[pair]
        guard role == .controlled, candidate.isNominatedByPeer, candidate.state == .succeeded else { return }
        if case .connected(let current, _) = phase {
            guard current != pair,
                candidate.priority(role: role) > checkList.pairs[current].priority(role: role)
            else { return }
        }
        select(pair, at: now)
    }

    // MARK: Answers

    private mutating func receiveAnswer(
        _ message: STUNMessage,
        in datagram: Span<UInt8>,
        path: Path,
        at now: Instant
    ) throws(ICEDropReason) {
        let index = checks.firstIndex { $0.transactionID == message.transactionID }
        var isConsent = false
        if case .connected(_, let consent) = phase { isConsent = consent.awaits(message.transactionID) }
        guard index != nil || isConsent else { throw .unexpected }
        // RFC 8489 §9.1.4: an answer that does not authenticate is treated as if it had never come.
        guard let remote, message.hasIntegrity else { throw .unauthenticated }
        guard message.hasValidIntegrity(key: remote.key, in: datagram) else { throw .badIntegrity }
        if let index {
            let check = checks.remove(at: index)
            receiveAnswer(message, to: check, path: path, at: now)
        } else if message.class == .success {
            renewConsent(answering: message.transactionID, path: path, at: now)
        }
    }

    private mutating func receiveAnswer(
        _ message: STUNMessage,
        to check: ConnectivityCheck,
        path: Path,
        at now: Instant
    ) {
        if message.class == .error {
            guard message.attributes.contains(where: Self.isRoleConflict), !remoteIsLite else {
                return noteFailure(of: check)
            }
            // RFC 8445 §7.2.5.1: switch, unless that has happened since, and check again; §16.1: with a new number.
            if check.role == role { switchRole() }
            tieBreaker = generator.next()
            return checkList.trigger(check.pair)
        }
        // RFC 8445 §7.2.5.2.1: an answer from elsewhere means that the path is not symmetric.
        guard path == self.path(of: check.pair), message.attributes.contains(where: Self.isMappedAddress) else {
            return noteFailure(of: check)
        }
        checkList.setState(.succeeded, of: check.pair)
        if case .checking(nil) = phase { phase = .checking(firstValidAt: now) }
        if check.nominates, check.role == .controlling, role == .controlling, case .nominating(check.pair) = phase {
            select(check.pair, at: now)
        } else {
            selectIfNominated(check.pair, at: now)
        }
    }

    private mutating func renewConsent(answering transactionID: [UInt8], path: Path, at now: Instant) {
        guard case .connected(let pair, var consent) = phase, path == self.path(of: pair) else { return }
        consent.renew(answering: transactionID, at: now)
        phase = .connected(pair: pair, consent: consent)
    }

    private static func isRoleConflict(_ attribute: STUNAttribute) -> Bool {
        if case .errorCode(let error) = attribute { error.code == STUNErrorCode.roleConflict.code } else { false }
    }

    private static func isMappedAddress(_ attribute: STUNAttribute) -> Bool {
        if case .xorMappedAddress = attribute { true } else { false }
    }
}

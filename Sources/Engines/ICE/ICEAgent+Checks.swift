import Primitives
import STUN

// Sending: new checks at the pace of Ta, retransmissions, nomination, consent.
extension ICEAgent {
    // MARK: Checks

    mutating func startCheckIfDue(at now: Instant) {
        guard remote != nil, now >= nextCheckAt, let pair = checkList.takeNext(role: role) else { return }
        startCheck(of: pair, nominating: false, at: now)
    }

    /// Sends a check in a new transaction.
    mutating func startCheck(of pair: Int, nominating: Bool, at now: Instant) {
        let priority = checkList.pairs[pair].checkPriority
        guard let request = bindingRequest(priority: priority, nominating: nominating) else { return }
        if !nominating { checkList.setState(.inProgress, of: pair) }
        // RFC 8445 §14.3: the timeout grows with the number of checks that share the pace.
        let shared = Interval(nanoseconds: configuration.pacing.nanoseconds &* Int64(checkList.activeCount))
        checks.append(
            ConnectivityCheck(
                transactionID: request.transactionID,
                pair: pair,
                datagram: request.datagram,
                nominates: nominating,
                role: role,
                initialTimeout: max(configuration.minimumRetransmissionTimeout, shared),
                sentAt: now
            )
        )
        nextCheckAt = now + configuration.pacing
        transmit(request.datagram, path: path(of: pair))
    }

    /// A Binding request with what ICE adds to it (RFC 8445 §7.1); `nil` while we do not know the peer's password.
    private mutating func bindingRequest(
        priority: UInt32,
        nominating: Bool
    ) -> (transactionID: [UInt8], datagram: [UInt8])? {
        guard let remote else { return nil }
        let transactionID = (0..<STUNMessage.transactionIDLength).map { _ in
            UInt8(truncatingIfNeeded: generator.next() >> 32)
        }
        var attributes: [STUNAttribute] = [
            .username(Array("\(remote.usernameFragment):\(local.usernameFragment)".utf8)),
            .priority(priority),
            role == .controlling ? .iceControlling(tieBreaker) : .iceControlled(tieBreaker),
        ]
        if nominating { attributes.append(.useCandidate) }
        let message = STUNMessage(class: .request, transactionID: transactionID, attributes: attributes)
        return (transactionID, message.encoded(integrityKey: remote.key))
    }

    mutating func retransmitChecks(at now: Instant) {
        var kept: [ConnectivityCheck] = []
        for var check in checks {
            switch check.advance(to: now) {
            case .wait:
                kept.append(check)
            case .retransmit:
                transmit(check.datagram, path: path(of: check.pair))
                kept.append(check)
            case .giveUp:
                noteFailure(of: check)
            }
        }
        checks = kept
    }

    /// Writes a pair off, and with it the nomination that was under way on it.
    ///
    /// A check that was overtaken by a later one on the same pair says nothing about it.
    mutating func noteFailure(of check: ConnectivityCheck) {
        guard !check.isCancelled else { return }
        checkList.setState(.failed, of: check.pair)
        if case .nominating(check.pair) = phase { phase = .checking(firstValidAt: nil) }
    }

    // MARK: Nomination

    /// When the agent stops hoping for better pairs; `nil` when there is nothing to nominate.
    var nominationAt: Instant? {
        guard role == .controlling, case .checking(let firstValidAt) = phase,
            let best = checkList.best(role: role, where: { $0.state == .succeeded })
        else { return nil }
        let hope = checkList.best(role: role) { $0.state != .failed }
        // Without a better pair that may yet succeed there is nothing to wait for.
        guard let firstValidAt, hope != best else { return Instant(nanoseconds: .min) }
        return firstValidAt + configuration.nominationPatience
    }

    mutating func nominateIfReady(at now: Instant) {
        guard let nominationAt, now >= nominationAt,
            let best = checkList.best(role: role, where: { $0.state == .succeeded })
        else { return }
        phase = .nominating(pair: best)
        startCheck(of: best, nominating: true, at: now)
    }

    // MARK: Consent

    mutating func advanceConsent(to now: Instant) {
        guard case .connected(let pair, var consent) = phase else { return }
        let step = consent.advance(to: now, using: &generator)
        phase = .connected(pair: pair, consent: consent)
        switch step {
        case .ask:
            let priority = checkList.pairs[pair].checkPriority
            guard let request = bindingRequest(priority: priority, nominating: false) else { return }
            consent.noteAsked(request.transactionID)
            phase = .connected(pair: pair, consent: consent)
            transmit(request.datagram, path: path(of: pair))
        case .expire:
            fail(.consentLost)
        case nil:
            break
        }
    }

    // MARK: Roles

    /// Takes the other role; priorities follow, because they are computed when needed (RFC 8445 §7.3.1.1).
    mutating func switchRole() {
        role = role.opposite
        if case .nominating = phase { phase = .checking(firstValidAt: nil) }
    }
}

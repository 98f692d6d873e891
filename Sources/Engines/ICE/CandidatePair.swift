import Primitives

/// A way from one of our addresses to one of the peer's (RFC 8445 §6.1.2).
///
/// There is no "frozen" state: freezing spares checks when many components share a foundation, and we have one
/// component. Peers that give all their candidates one foundation would only be slowed down by it.
struct CandidatePair: Sendable {
    enum State: Equatable, Sendable {
        /// To be checked when its turn comes.
        case waiting
        /// A check is under way.
        case inProgress
        /// A check was answered: the pair is valid.
        case succeeded
        /// No answer, or a wrong one.
        case failed
    }

    let local: ICECandidate
    var remote: ICECandidate
    /// Where checks leave from and go to; the candidates' addresses, known to be literals.
    let localAddress: TransportAddress
    let remoteAddress: TransportAddress
    var state = State.waiting
    /// The controlling peer sent USE-CANDIDATE here.
    var isNominatedByPeer = false

    /// Pairs two candidates; `nil` when no packet can pass between them.
    init?(local: ICECandidate, remote: ICECandidate) {
        guard local.isUsable, remote.isUsable, let localAddress = local.address, let remoteAddress = remote.address,
            localAddress.isIPv4 == remoteAddress.isIPv4
        else { return nil }
        // RFC 8445 §6.1.2.2: link-local addresses pair only with one another.
        guard localAddress.isIPv4 || localAddress.isLinkLocal == remoteAddress.isLinkLocal else { return nil }
        self.local = local
        self.remote = remote
        self.localAddress = localAddress
        self.remoteAddress = remoteAddress
    }

    /// The order in which pairs are checked and chosen (RFC 8445 §6.1.2.3); greater first.
    func priority(role: ICEAgent.Role) -> UInt64 {
        let ours = UInt64(local.priority)
        let theirs = UInt64(remote.priority)
        let (controlling, controlled) = role == .controlling ? (ours, theirs) : (theirs, ours)
        // Wrapping, because the priority of a peer-reflexive candidate is whatever a check said, all 32 bits of it.
        return min(controlling, controlled) << 32 &+ max(controlling, controlled) &* 2
            &+ (controlling > controlled ? 1 : 0)
    }

    /// What our candidate would be worth if the check showed it to be peer-reflexive (RFC 8445 §7.1.1).
    var checkPriority: UInt32 {
        ICECandidate.Kind.peerReflexive.preference << 24 | local.priority & 0x00FF_FFFF
    }
}

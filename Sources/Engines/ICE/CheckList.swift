import Primitives

/// The candidates of both sides and the pairs they make (RFC 8445 §6.1.2).
///
/// Pairs are never removed, so that an index into ``pairs`` stays good; their number is bounded.
struct CheckList: Sendable {
    /// RFC 8445 §6.1.2.5 suggests this limit.
    static let maximumPairs = 100
    /// Beyond this, further candidates of a side are ignored.
    static let maximumCandidates = 32

    private(set) var pairs: [CandidatePair] = []
    private var locals: [ICECandidate] = []
    private var remotes: [ICECandidate] = []
    /// Pairs that a check from the peer has called for, in order; they go before all others (RFC 8445 §6.1.4.1).
    private var triggered: [Int] = []

    // MARK: Forming pairs

    /// Adds one of our own candidates, which must be host candidates: a reflexive one has the same base.
    mutating func addLocal(_ candidate: ICECandidate) {
        guard locals.count < Self.maximumCandidates, !locals.contains(where: { $0.address == candidate.address })
        else { return }
        locals.append(candidate)
        for remote in remotes { form(local: candidate, remote: remote) }
    }

    /// Adds a candidate of the peer's; what signaling says replaces what a check taught us of the same address.
    mutating func addRemote(_ candidate: ICECandidate) {
        guard candidate.isUsable else { return }
        if let known = remotes.firstIndex(where: { $0.address == candidate.address }) {
            guard remotes[known].kind == .peerReflexive, candidate.kind != .peerReflexive else { return }
            remotes[known] = candidate
            for index in pairs.indices where pairs[index].remoteAddress == candidate.address {
                pairs[index].remote = candidate
            }
            return
        }
        guard remotes.count < Self.maximumCandidates else { return }
        remotes.append(candidate)
        for local in locals { form(local: local, remote: candidate) }
    }

    private mutating func form(local: ICECandidate, remote: ICECandidate) {
        guard pairs.count < Self.maximumPairs, let pair = CandidatePair(local: local, remote: remote) else { return }
        pairs.append(pair)
    }

    func index(local: TransportAddress, remote: TransportAddress) -> Int? {
        pairs.firstIndex { $0.localAddress == local && $0.remoteAddress == remote }
    }

    // MARK: Progress

    mutating func setState(_ state: CandidatePair.State, of index: Int) {
        pairs[index].state = state
    }

    mutating func noteNominatedByPeer(_ index: Int) {
        pairs[index].isNominatedByPeer = true
    }

    /// Puts a pair at the end of the triggered queue, unless it is in there.
    mutating func trigger(_ index: Int) {
        pairs[index].state = .waiting
        if !triggered.contains(index) { triggered.append(index) }
    }

    /// Whether ``takeNext(role:)`` would return a pair.
    var hasWork: Bool { pairs.contains { $0.state == .waiting } }

    /// How many pairs a check is due for or under way.
    var activeCount: Int { pairs.count { $0.state == .waiting || $0.state == .inProgress } }

    /// The pair to check now: a triggered one, else the waiting one of the highest priority.
    mutating func takeNext(role: ICEAgent.Role) -> Int? {
        while !triggered.isEmpty {
            let index = triggered.removeFirst()
            if pairs[index].state == .waiting { return index }
        }
        return best(role: role) { $0.state == .waiting }
    }

    /// The index of the pair of the highest priority among those that satisfy `predicate`.
    func best(role: ICEAgent.Role, where predicate: (CandidatePair) -> Bool) -> Int? {
        pairs.indices.filter { predicate(pairs[$0]) }
            .max { pairs[$0].priority(role: role) < pairs[$1].priority(role: role) }
    }
}

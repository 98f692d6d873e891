import Primitives

/// The addresses from which a peer has proved itself to a lite agent, and the one we send to.
///
/// A controlling peer selects with USE-CANDIDATE (RFC 8445 §8.1). Three kinds of peers must all end up where they
/// think they are: those that nominate once, those of RFC 5245 that nominate every pair and mean the one of the highest
/// priority ("aggressive"), and browsers that go on nominating whichever pair they use now, also when it is worse than
/// the one they left.
struct ValidatedPaths: Sendable {
    private struct Path {
        let address: TransportAddress
        /// The PRIORITY of the latest check.
        var priority: UInt32
        /// When anything authenticated last came from here.
        var lastHeard: Instant
        /// Nominations from here since the selected path was last nominated.
        var rivalNominations = 0
    }

    /// How many addresses are remembered: more than a device has, few enough to search without thought.
    static let capacity = 8
    /// A selected path that has been silent this long gives way to any nomination.
    static let nominationPatience = Interval.seconds(2)
    /// A selected path that has been silent this long gives way to any check: the peer's NAT has moved it.
    ///
    /// Two consent intervals (RFC 7675 §5.1: one check every 5 s), so that one lost check moves nothing.
    static let migrationPatience = Interval.seconds(10)

    private var paths: [Path] = []
    /// Index into `paths`.
    private var selected: Int?
    /// Whether the selected path was nominated, rather than merely the first that worked.
    private(set) var isNominated = false

    var selectedAddress: TransportAddress? { selected.map { paths[$0].address } }

    func contains(_ address: TransportAddress) -> Bool {
        paths.contains { $0.address == address }
    }

    /// Notes that a packet that authenticated came from `address`; addresses without a check of their own do not count.
    ///
    /// A peer sends over the path it uses: when the selected one has been silent, its packets say where that is now.
    ///
    /// - Returns: Whether the selection moved to `address`.
    mutating func noteHeard(from address: TransportAddress, at now: Instant) -> Bool {
        guard let index = paths.firstIndex(where: { $0.address == address }) else { return false }
        paths[index].lastHeard = max(paths[index].lastHeard, now)
        guard let selected, index != selected,
            now.since(paths[selected].lastHeard) >= Self.nominationPatience
        else { return false }
        select(index, isNominated: false)
        return true
    }

    /// Notes an authenticated check from `address`.
    ///
    /// - Returns: Whether the selection moved to `address`.
    mutating func noteCheck(
        from address: TransportAddress,
        priority: UInt32,
        nominates: Bool,
        at now: Instant
    ) -> Bool {
        let index = rememberedIndex(of: address, priority: priority, at: now)
        let moves = shouldSelect(index, nominates: nominates, at: now)
        if moves || (nominates && index == selected) { select(index, isNominated: nominates) }
        return moves
    }

    private mutating func select(_ index: Int, isNominated: Bool) {
        selected = index
        self.isNominated = isNominated
        for other in paths.indices { paths[other].rivalNominations = 0 }
    }

    /// Forgets a path that has ended; if it was the selected one, the next check selects.
    mutating func forget(_ address: TransportAddress) {
        guard let index = paths.firstIndex(where: { $0.address == address }) else { return }
        let current = selectedAddress
        paths.remove(at: index)
        selected = paths.firstIndex { $0.address == current }
        if selected == nil { isNominated = false }
    }

    /// The peer has restarted ICE: the selected path serves until any other is nominated (RFC 8445 §9).
    mutating func beginGeneration() {
        isNominated = false
        for index in paths.indices { paths[index].rivalNominations = 0 }
    }

    /// Finds or makes the entry of `address`; when there is no room, the one longest silent goes.
    private mutating func rememberedIndex(of address: TransportAddress, priority: UInt32, at now: Instant) -> Int {
        if let index = paths.firstIndex(where: { $0.address == address }) {
            paths[index].priority = priority
            paths[index].lastHeard = max(paths[index].lastHeard, now)
            return index
        }
        let path = Path(address: address, priority: priority, lastHeard: now)
        guard paths.count >= Self.capacity else {
            paths.append(path)
            return paths.count - 1
        }
        let candidates = paths.indices.filter { $0 != selected }
        guard let victim = candidates.min(by: { paths[$0].lastHeard < paths[$1].lastHeard }) else { return 0 }
        paths[victim] = path
        return victim
    }

    private mutating func shouldSelect(_ index: Int, nominates: Bool, at now: Instant) -> Bool {
        guard let selected else { return true }
        guard index != selected else { return false }
        let silence = now.since(paths[selected].lastHeard)
        guard nominates else { return silence >= Self.migrationPatience }
        guard isNominated else { return true }
        paths[index].rivalNominations += 1
        return paths[index].priority >= paths[selected].priority
            || paths[index].rivalNominations >= 2
            || silence >= Self.nominationPatience
    }
}

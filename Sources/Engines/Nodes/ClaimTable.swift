package import Primitives

/// Who has which stream: what a claim, its renewal and its end do.
///
/// Gateways in one process share this very table. Those that share a Redis have the same rules there as scripts, and tests
/// hold the two against each other.
package struct ClaimTable: Sendable {
    /// How long a claim lasts that is not renewed.
    package static let lease = Interval.seconds(3)
    /// How long the epoch of a stream is remembered that nobody has.
    package static let memory = Interval.seconds(3600)
    /// Streams remembered at most; those that were given up longest ago are forgotten first.
    package static let capacity = 10_000

    private struct Entry {
        /// `nil` when it was given up.
        var owner: NodeID?
        var epoch: UInt64
        var holder: String
        var isSilent: Bool
        var renewedAt: Instant
    }

    private var entries: [StreamName: Entry] = [:]

    package init() {}

    /// How many streams are remembered.
    package var count: Int { entries.count }

    /// Who has a stream at `now`, and under which epoch.
    package func owner(of stream: StreamName, at now: Instant) -> (node: NodeID, epoch: UInt64)? {
        guard let entry = entries[stream], let owner = owner(of: entry, at: now) else { return nil }
        return (owner, entry.epoch)
    }

    /// Gives a stream to whoever asks for it, unless another gateway has it and may keep it.
    ///
    /// Each grant has an epoch of its own, higher than all that were known to anybody.
    package mutating func claim(_ request: ClaimRequest, by node: NodeID, at now: Instant) -> ClaimAnswer {
        let entry = entries[request.stream]
        if let entry, let owner = owner(of: entry, at: now), owner != node {
            switch request.takeover {
            case .replace: break
            case .reject: return .held(by: owner)
            case .auto: if entry.holder != request.holder, !entry.isSilent { return .held(by: owner) }
            }
        }
        let (epoch, overflow) = max(entry?.epoch ?? 0, request.epoch).addingReportingOverflow(1)
        guard !overflow else { return .held(by: entry?.owner ?? node) }
        store(
            Entry(owner: node, epoch: epoch, holder: request.holder, isSilent: false, renewedAt: now),
            of: request.stream, at: now)
        return .granted(epoch: epoch)
    }

    /// Renews a claim, or makes one that could not be made in time.
    ///
    /// Of two that say they have a stream the higher epoch is right, and of two with the same epoch the one that was first.
    package mutating func renew(_ held: HeldStream, by node: NodeID, at now: Instant) -> ClaimAnswer {
        var epoch = max(held.epoch, 1)
        if let entry = entries[held.stream] {
            if let owner = owner(of: entry, at: now), owner != node, entry.epoch >= epoch { return .held(by: owner) }
            if entry.owner == node || entry.epoch < epoch {
                epoch = max(epoch, entry.epoch)
            } else if entry.epoch < .max {
                // Somebody had it since, and has gone.
                epoch = entry.epoch + 1
            }
        }
        store(
            Entry(owner: node, epoch: epoch, holder: held.holder, isSilent: held.isSilent, renewedAt: now),
            of: held.stream, at: now)
        return .granted(epoch: epoch)
    }

    /// Ends a claim, unless it is another one meanwhile.
    package mutating func release(_ stream: StreamName, epoch: UInt64, by node: NodeID) {
        guard let entry = entries[stream], entry.owner == node, entry.epoch == epoch else { return }
        entries[stream]?.owner = nil
    }

    /// Ends all claims of a gateway.
    package mutating func releaseAll(of node: NodeID) {
        for (stream, entry) in entries where entry.owner == node { entries[stream]?.owner = nil }
    }

    private func owner(of entry: Entry, at now: Instant) -> NodeID? {
        now - entry.renewedAt < Self.lease ? entry.owner : nil
    }

    private mutating func store(_ entry: Entry, of stream: StreamName, at now: Instant) {
        if entries[stream] == nil, entries.count >= Self.capacity { makeRoom(at: now) }
        entries[stream] = entry
    }

    private mutating func makeRoom(at now: Instant) {
        entries = entries.filter { now - $0.value.renewedAt < Self.memory }
        guard entries.count >= Self.capacity else { return }
        for (stream, _) in entries.sorted(by: { $0.value.renewedAt < $1.value.renewedAt }).prefix(Self.capacity / 2) {
            entries[stream] = nil
        }
    }
}

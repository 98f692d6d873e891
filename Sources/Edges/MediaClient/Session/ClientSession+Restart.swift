package import ICE
package import Primitives

extension ClientSession {
    /// Looks for a path anew, under new credentials of both sides; media stays on the old path until there is one.
    ///
    /// Ends in ``Event/restarted``, or in the end of the session when no path is found.
    ///
    /// - Parameters:
    ///   - local: Those that the server was told.
    ///   - remote: Those of its answer.
    ///   - remoteCandidates: Where the server can be reached from now on (RFC 8839 §4.4.1.1.1).
    ///   - now: The time to find a path counts from here.
    package mutating func restart(
        local: ICECredentials,
        remote: ICECredentials,
        candidates remoteCandidates: [ICECandidate],
        at now: Instant
    ) {
        guard phase == .connected, let role = ice?.role, let isLite = ice?.remoteIsLite else { return }
        isRestarting = true
        ice = ICEAgent(
            role: role,
            local: local,
            remote: remote,
            remoteIsLite: isLite,
            localCandidates: localCandidates,
            createdAt: now,
            generator: generator
        )
        for candidate in remoteCandidates { ice?.addRemoteCandidate(candidate, at: now) }
        advance(to: now)
    }

    /// Our addresses, the best first.
    var localCandidates: [ICECandidate] {
        candidates.enumerated().map { index, address in
            ICECandidate(address: address, localPreference: UInt16(clamping: 65_535 - index))
        }
    }
}

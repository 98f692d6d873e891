import Foundation
import Synchronization

/// What remembers which tokens no longer count; one of this kind may be shared by several gateways.
package protocol RevocationStore: Sendable {
    /// Whether a token was revoked; asked often, and must not wait.
    func isRevoked(_ tokenID: String) -> Bool
    /// Revokes a token until it would have expired by itself.
    ///
    /// - Parameters:
    ///   - tokenID: Its `jti`.
    ///   - expiresAt: Seconds since 1970 from which it need not be remembered.
    /// - Throws: ``RevocationProblem`` when it cannot be remembered, or not for long.
    func revoke(_ tokenID: String, until expiresAt: Int64) throws(RevocationProblem)
    /// How many are remembered.
    var count: Int { get }
}

/// Why a token was not revoked.
package enum RevocationProblem: Error, Sendable, Equatable {
    /// Nothing is forgotten to make room: a token that was revoked must not count again.
    case full
    /// The data directory cannot be written, so that a restart would forget it.
    case notKept(String)
}

/// Revoked tokens, kept in a file of the data directory across restarts.
package final class RevocationList: RevocationStore {
    /// Tokens remembered at most.
    package static let capacity = 10_000
    /// Bytes of a `jti` at most.
    package static let maximumIDLength = 128

    private struct Entries {
        var ends: [String: Int64]
        /// No entry ends before this.
        var firstEnd: Int64
        /// Counts changes.
        var version: UInt64 = 0

        init(_ ends: [String: Int64]) {
            self.ends = ends
            firstEnd = ends.values.min() ?? .max
        }
    }

    private let entries: Mutex<Entries>
    private let path: String?
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - path: The file; `nil` keeps them in memory alone.
    ///   - now: Seconds since 1970.
    package init(
        path: String?,
        now: @escaping @Sendable () -> Int64 = { Int64(Date.now.timeIntervalSince1970) }
    ) {
        self.path = path
        self.now = now
        var kept: [String: Int64] = [:]
        if let path, let data = FileManager.default.contents(atPath: path),
            let read = try? JSONDecoder().decode([String: Int64].self, from: data)
        {
            for (id, expiresAt) in read where kept.count < Self.capacity { kept[id] = expiresAt }
        }
        entries = Mutex(Entries(kept))
    }

    package var count: Int { entries.withLock { $0.ends.count } }

    package func isRevoked(_ tokenID: String) -> Bool { entries.withLock { $0.ends[tokenID] != nil } }

    package func revoke(_ tokenID: String, until expiresAt: Int64) throws(RevocationProblem) {
        let now = now()
        let problem = entries.withLock { entries -> RevocationProblem? in
            Self.forget(&entries, at: now)
            if expiresAt <= now { return nil }
            let before = entries.ends[tokenID]
            guard before != nil || entries.ends.count < Self.capacity else { return .full }
            entries.ends[tokenID] = max(expiresAt, before ?? 0)
            entries.firstEnd = min(entries.firstEnd, expiresAt)
            entries.version += 1
            if let reason = write(entries.ends) {
                // It counts until the next restart all the same.
                return .notKept(reason)
            }
            return nil
        }
        if let problem { throw problem }
    }

    /// Tokens that were revoked on other gateways, as far as there is room; one file is written for all.
    ///
    /// - Parameter others: Seconds since 1970 from which each need not be remembered, by `jti`.
    package func merge(_ others: [String: Int64]) {
        let now = now()
        entries.withLock { entries in
            Self.forget(&entries, at: now)
            var isChanged = false
            for (id, expiresAt) in others where expiresAt > now && id.utf8.count <= Self.maximumIDLength {
                let before = entries.ends[id]
                guard expiresAt > before ?? 0, before != nil || entries.ends.count < Self.capacity else { continue }
                entries.ends[id] = expiresAt
                entries.firstEnd = min(entries.firstEnd, expiresAt)
                isChanged = true
            }
            guard isChanged else { return }
            entries.version += 1
            // What cannot be written counts until the next restart, and is heard again then.
            _ = write(entries.ends)
        }
    }

    /// What is revoked, with a number that is another one whenever something was added.
    package var snapshot: (entries: [String: Int64], version: UInt64) {
        entries.withLock { ($0.ends, $0.version) }
    }

    private static func forget(_ entries: inout Entries, at now: Int64) {
        guard entries.firstEnd <= now else { return }
        let version = entries.version
        entries = Entries(entries.ends.filter { $0.value > now })
        entries.version = version
    }

    /// Replaces the file as a whole: whoever reads it finds the old list or the new one.
    private func write(_ entries: [String: Int64]) -> String? {
        guard let path else { return nil }
        do {
            let data = try JSONEncoder().encode(entries)
            try data.write(to: URL(filePath: path), options: .atomic)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
            return nil
        } catch {
            return "\(path) cannot be written"
        }
    }
}

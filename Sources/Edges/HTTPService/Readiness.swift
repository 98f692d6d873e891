import Synchronization

/// Whether the gateway can take sessions, as its parts report it and probes ask it.
package final class Readiness: Sendable {
    package enum State: Sendable, Equatable {
        case starting
        case ready
        case draining
        /// A listener is dead.
        case failed(String)

        var word: String {
            switch self {
            case .starting: "starting"
            case .ready: "ok"
            case .draining: "draining"
            case .failed: "failed"
            }
        }
    }

    private struct Storage {
        var state = State.starting
        var checks: [(part: String, isAlive: @Sendable () -> Bool)] = []
        var redis: (@Sendable () -> Bool)?
    }

    private let storage = Mutex(Storage())

    package init() {}

    /// Adds a part without which the gateway is not ready.
    ///
    /// - Parameters:
    ///   - part: What answers to probes call it.
    ///   - isAlive: Asked at each probe; must not wait.
    package func require(_ part: String, isAlive: @escaping @Sendable () -> Bool) {
        storage.withLock { $0.checks.append((part, isAlive)) }
    }

    /// Has probes say whether Redis is there, without which the gateway is as ready as with it.
    package func mention(redis isThere: @escaping @Sendable () -> Bool) {
        storage.withLock { $0.redis = isThere }
    }

    /// Whether Redis is there; `nil` where none is used.
    var isRedisThere: Bool? { storage.withLock({ $0.redis }).map { $0() } }

    package var state: State {
        let (state, checks) = storage.withLock { ($0.state, $0.checks) }
        guard state == .ready, let dead = checks.first(where: { !$0.isAlive() }) else { return state }
        return .failed("\(dead.part) is dead")
    }

    /// Nothing leads back from draining.
    package func change(to state: State) {
        storage.withLock { storage in
            if storage.state != .draining { storage.state = state }
        }
    }
}

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

    private let storage = Mutex(State.starting)

    package init() {}

    package var state: State { storage.withLock { $0 } }

    /// Nothing leads back from draining.
    package func change(to state: State) {
        storage.withLock { current in
            if current != .draining { current = state }
        }
    }
}

import CLinux
import Glibc
import Synchronization

/// Where other threads leave work for one loop: an array swapped out in one go, an eventfd written only when it sleeps.
package final class Mailbox<Item: Sendable>: Sendable {
    private struct State {
        var items: [Item] = []
        var isAsleep = false
    }

    private let state = Mutex(State())
    /// Readable while the owner should look; for its epoll set.
    package let descriptor: Int32

    package init() {
        descriptor = martlet_eventfd()
        precondition(descriptor >= 0, "the process has a file descriptor left for each worker")
    }

    deinit {
        close(descriptor)
    }

    /// Leaves an item; wakes the owner if it sleeps.
    package func post(_ item: Item) {
        let mustWake = state.withLock { state in
            state.items.append(item)
            let wasAsleep = state.isAsleep
            state.isAsleep = false
            return wasAsleep
        }
        if mustWake { martlet_eventfd_signal(descriptor) }
    }

    /// Swaps what has been left against `empty`, which keeps both arrays' memory in use.
    package func take(into empty: inout [Item]) {
        state.withLock { swap(&$0.items, &empty) }
    }

    /// Announces sleep.
    ///
    /// - Returns: `false` when something has been left meanwhile and the owner must not sleep.
    package func prepareToSleep() -> Bool {
        state.withLock { state in
            guard state.items.isEmpty else { return false }
            state.isAsleep = true
            return true
        }
    }

    /// Takes the announcement back, after a wake-up.
    ///
    /// - Parameter isSignalled: Whether the descriptor was found readable. One that becomes so a moment later ends the next sleep.
    package func awake(isSignalled: Bool = true) {
        state.withLock { $0.isAsleep = false }
        if isSignalled { martlet_eventfd_clear(descriptor) }
    }
}

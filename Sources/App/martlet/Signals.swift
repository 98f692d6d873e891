import Glibc
import ServiceLifecycle
import UnixSignals

/// SIGTERM and SIGINT: the first drains, the second ends.
enum Signals {
    static func run(_ group: ServiceGroup) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            tasks.addTask { try await group.run() }
            tasks.addTask {
                var isDraining = false
                for await signal in signals {
                    // Nothing is worth waiting for any more, not even exit handlers.
                    if isDraining { _exit(128 + (signal == .sigint ? SIGINT : SIGTERM)) }
                    isDraining = true
                    await group.triggerGracefulShutdown()
                }
                // Cancelled: the group has ended by itself.
            }
            defer { tasks.cancelAll() }
            try await tasks.next()
        }
    }
}

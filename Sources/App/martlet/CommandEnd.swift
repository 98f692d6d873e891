import UnixSignals

/// What ends a command that would otherwise go on.
enum CommandEnd: Sendable {
    /// A signal.
    case interrupted
    /// `--duration` is over.
    case timeUp
    /// There is nothing more to do; why, in words for the figures.
    case finished(String)
    /// In one clear line.
    case failed(String)

    /// As the figures name it.
    var name: String {
        switch self {
        case .interrupted: "interrupted"
        case .timeUp: "duration"
        case .finished(let reason): reason
        case .failed: "failed"
        }
    }

    /// Waits for the first of what is reported, a signal, and the time limit, calling `tick` each second meanwhile.
    static func first(
        of reports: AsyncStream<CommandEnd>, within duration: Duration?, tick: @escaping @Sendable () -> Void
    ) async -> CommandEnd {
        await withTaskGroup(of: CommandEnd?.self) { tasks in
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            tasks.addTask {
                for await _ in signals { return .interrupted }
                return nil
            }
            tasks.addTask {
                for await report in reports { return report }
                return nil
            }
            if let duration {
                tasks.addTask {
                    try? await Task.sleep(for: duration)
                    return .timeUp
                }
            }
            tasks.addTask {
                while (try? await Task.sleep(for: .seconds(1))) != nil { tick() }
                return nil
            }
            defer { tasks.cancelAll() }
            while let end = await tasks.next() {
                if let end { return end }
            }
            return .interrupted
        }
    }
}

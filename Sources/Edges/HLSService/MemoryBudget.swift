import Synchronization

/// How much media all streams together may hold.
final class MemoryBudget: Sendable {
    private struct State {
        var total = 0
        var shares: [ObjectIdentifier: Int] = [:]
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: Bytes.
    init(limit: Int) {
        self.limit = limit
    }

    /// Bytes that are held in all.
    var total: Int { state.withLock { $0.total } }

    /// Notes what a stream holds by now.
    ///
    /// - Parameters:
    ///   - bytes: What it holds; 0 when it is gone.
    ///   - stream: Which one.
    /// - Returns: How much of that it has to forget.
    func report(_ bytes: Int, of stream: AnyObject) -> Int {
        state.withLock { state in
            let id = ObjectIdentifier(stream)
            state.total += bytes - (state.shares[id] ?? 0)
            state.shares[id] = bytes == 0 ? nil : bytes
            return max(0, state.total - limit)
        }
    }
}

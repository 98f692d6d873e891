import Synchronization

/// Events on their way to one viewer, and whoever reads them.
///
/// Each event says how things stand, so a newer one takes the place of an older one of its kind: what a slow reader finds is
/// never more than ``maximumPending`` events, and always the present. May be used from any thread.
package final class EventQueue: Sendable {
    /// One for each thing that events are about: the publisher, the layers, the viewers, another endpoint.
    package static let maximumPending = 4

    /// What a reader gets.
    package enum Item: Sendable, Equatable {
        case event(ViewerEvent)
        /// Nothing has happened; the connection is to show that it lives.
        case heartbeat
    }

    private struct State {
        var pending: [ViewerEvent] = []
        var owesHeartbeat = false
        var isClosed = false
        var reader = 0
        var waiting: CheckedContinuation<Void, Never>?
    }

    /// The events that the viewer asked for.
    package let kinds: Set<ViewerEvent.Kind>
    private let state = Mutex(State())

    package init(_ kinds: Set<ViewerEvent.Kind>) {
        self.kinds = kinds
    }

    /// How many events wait.
    package var count: Int { state.withLock { $0.pending.count } }

    // MARK: Writing

    /// Leaves an event, if it is one of ``kinds``.
    package func post(_ event: ViewerEvent) {
        change { state in
            guard !state.isClosed else { return }
            state.pending.removeAll { event.replaces($0) }
            if kinds.contains(event.kind) { state.pending.append(event) }
        }
    }

    /// Lets the reader say that it is still there.
    package func beat() {
        change { $0.owesHeartbeat = true }
    }

    /// Ends the reader, after what is pending unless that is to be forgotten.
    package func close(forgetting: Bool = false) {
        change { state in
            state.isClosed = true
            if forgetting { state.pending = [] }
        }
    }

    // MARK: Reading

    /// Makes room for a new reader: one that was there before gets nothing any more.
    ///
    /// - Returns: Who it is, for ``next(_:)``.
    package func attach() -> Int {
        change { state in
            state.reader += 1
            return state.reader
        }
    }

    /// Waits for the next thing to tell.
    ///
    /// - Parameter reader: From ``attach()``.
    /// - Returns: `nil` when there is nothing more to come: after ``close(forgetting:)``, for a reader that another one has
    ///   followed, and in a cancelled task.
    package func next(_ reader: Int) async -> Item? {
        while !Task.isCancelled {
            switch take(reader) {
            case .item(let item): return item
            case .end: return nil
            case .nothing: await wait(reader)
            }
        }
        return nil
    }

    private enum Take {
        case item(Item)
        case nothing
        case end
    }

    private func take(_ reader: Int) -> Take {
        state.withLock { state in
            guard reader == state.reader else { return .end }
            if !state.pending.isEmpty {
                state.owesHeartbeat = false
                return .item(.event(state.pending.removeFirst()))
            }
            if state.isClosed { return .end }
            guard state.owesHeartbeat else { return .nothing }
            state.owesHeartbeat = false
            return .item(.heartbeat)
        }
    }

    private func wait(_ reader: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    let isIdle = state.pending.isEmpty && !state.owesHeartbeat && !state.isClosed
                    guard isIdle, reader == state.reader, !Task.isCancelled else { return true }
                    state.waiting = continuation
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            change { _ in }
        }
    }

    /// Changes the state and wakes whoever waits for that.
    private func change<Result>(_ body: (inout State) -> Result) -> Result {
        let (result, waiting) = state.withLock { state in
            let result = body(&state)
            defer { state.waiting = nil }
            return (result, state.waiting)
        }
        waiting?.resume()
        return result
    }
}

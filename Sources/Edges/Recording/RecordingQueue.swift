import Dispatch
import Media
import Synchronization

/// A recording's number within the process.
typealias RecordingID = UInt64

/// What waits to be recorded, of all streams, bounded in bytes; never blocks whoever writes.
final class RecordingQueue: Sendable {
    enum Item: Sendable {
        case begin(RecordingID, stream: String)
        case event(RecordingID, FrameEvent)
        /// Frames are missing here: the disk did not keep up.
        case gap(RecordingID)
        case end(RecordingID)
        case stop
    }

    /// Bytes that may wait: some seconds of a few streams.
    static let maximumBytes = 64 << 20

    private struct State {
        var items: [Item] = []
        var bytes = 0
    }

    private let limit: Int
    private let state = Mutex(State())
    /// Signalled when there is something where there was nothing; waking up in vain is harmless.
    private let available = DispatchSemaphore(value: 0)

    init(limit: Int = maximumBytes) {
        self.limit = limit
    }

    /// Adds an item.
    ///
    /// - Returns: `false` for an event that there is no room for; beginnings, ends and gaps are few, and always go in.
    func push(_ item: Item) -> Bool {
        let size = Self.size(of: item)
        let (isIn, wasEmpty) = state.withLock { state in
            if size > 0, state.bytes + size > limit { return (false, false) }
            state.items.append(item)
            state.bytes += size
            return (true, state.items.count == 1)
        }
        if wasEmpty { available.signal() }
        return isIn
    }

    /// Whether half of the room is free: enough to go on after a gap.
    var hasRecovered: Bool { state.withLock { $0.bytes <= limit / 2 } }

    /// All that waits, or nothing after `timeout`.
    func take(timeout: DispatchTimeInterval) -> [Item] {
        let waits = state.withLock { $0.items.isEmpty }
        if waits { _ = available.wait(timeout: .now() + timeout) }
        return state.withLock { state in
            defer { state.items = [] }
            return state.items
        }
    }

    /// Says that items that were taken are done with: only then is there room for others.
    func release(_ item: Item) {
        let size = Self.size(of: item)
        guard size > 0 else { return }
        state.withLock { $0.bytes -= size }
    }

    private static func size(of item: Item) -> Int {
        guard case .event(_, let event) = item else { return 0 }
        // The parameter sets of a configuration are some hundred bytes.
        if case .frame(let frame) = event { return frame.payload.count + 128 } else { return 1_024 }
    }
}

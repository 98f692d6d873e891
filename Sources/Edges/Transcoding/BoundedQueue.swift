import Dispatch
import Synchronization

/// A queue between threads that never blocks its producers: when full, it forgets its oldest element.
final class BoundedQueue<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var isClosed = false
        var dropped: UInt64 = 0
    }

    private let limit: Int
    private let state = Mutex(State())
    /// Signalled at least once for each element and for the end; waking up to an empty queue is harmless.
    private let available = DispatchSemaphore(value: 0)

    init(limit: Int) {
        precondition(limit > 0, "a queue holds at least one element")
        self.limit = limit
    }

    /// Elements forgotten so far because the consumer was too slow.
    var droppedCount: UInt64 { state.withLock { $0.dropped } }

    func push(_ element: Element) {
        let isOpen = state.withLock { state in
            guard !state.isClosed else { return false }
            if state.elements.count >= limit {
                state.elements.removeFirst()
                state.dropped &+= 1
            }
            state.elements.append(element)
            return true
        }
        if isOpen { available.signal() }
    }

    /// Forgets everything queued and makes ``pop()`` return `nil` from now on.
    func close() {
        state.withLock { state in
            state.isClosed = true
            state.elements = []
        }
        available.signal()
    }

    /// The oldest element, waiting for one if need be; `nil` after ``close()``.
    ///
    /// With it comes ``droppedCount`` as it is at that moment: what has been added to it since the last call was
    /// dropped right before this element.
    func pop() -> (element: Element, dropped: UInt64)? {
        while true {
            available.wait()
            let (next, isClosed): ((Element, UInt64)?, Bool) = state.withLock { state in
                state.elements.isEmpty
                    ? (nil, state.isClosed)
                    : ((state.elements.removeFirst(), state.dropped), state.isClosed)
            }
            if let next { return (next.0, next.1) }
            if isClosed { return nil }
        }
    }
}
